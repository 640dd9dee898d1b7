//! Evaluates a policy without a request, as far as its outcome does not depend on one.
//!
//! It reads the forms of the core, since they stand in the order of evaluation, and calls the built-ins of the engine. What
//! is not known stays so: data can be another one at each start, and so can all of `input`. Only for the question whether a
//! policy looks at who asks, the caller is known: one without a credential.

mod known;
mod rules;
mod steps;
mod targets;
mod terms;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use self::known::Outcome;
use self::{
    known::{Known, Scope, What},
    steps::forget,
    terms::elements,
};
use super::schema::Schema;
use regorus::Value;

use crate::{
    core::{Body, Module, Rule, Statement, Step, Term},
    resolve::tree::Scalar,
    run::builtins,
    source::Span,
};

/// The statements that are evaluated for one rule.
const MAX_STEPS: usize = 20_000;
/// The statements that are evaluated for all rules. Rules that call functions of thousands of definitions take more.
const MAX_ALL_STEPS: usize = 500_000;
/// The policy whose compiled patterns the built-ins use; no policy that is loaded has this number.
const NO_POLICY: u64 = u64::MAX;

/// For which question it is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Which statements never hold.
    Check,
    /// What a caller without a credential meets.
    Anonymous,
}

/// A statement that never holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Never {
    /// The file.
    pub(super) file: String,
    /// The statement.
    pub(super) span: Span,
    /// The line of another statement of the same body that says the opposite.
    pub(super) against: Option<u32>,
    /// What it compares once its variables have their values: `1 == 2`.
    pub(super) shown: Option<String>,
}

pub(super) struct Evaluator<'a> {
    rules: BTreeMap<Vec<String>, Vec<&'a Rule>>,
    modules: &'a [Module],
    /// What `with` replaces anywhere.
    replaced: BTreeSet<Vec<String>>,
    schema: Schema<'a>,
    reader: Reader,
    values: BTreeMap<Vec<String>, Known>,
    steps: usize,
    /// The steps of the rules before this one.
    steps_before: usize,
    depth: usize,
    /// Whether something about the caller was read.
    has_read_caller: bool,
    /// The lines of the statements that the value of the present one depends on.
    because: BTreeSet<u32>,
    /// The statements of the present rule. `None` inside the rules that it uses.
    notes: Option<Notes>,
}

type Notes = BTreeMap<*const Statement, Note>;

struct Note {
    span: Span,
    holds_somewhere: bool,
    against: Option<u32>,
    shown: Option<String>,
}

impl<'a> Evaluator<'a> {
    fn new(modules: &'a [Module], schema: Schema<'a>, reader: Reader) -> Self {
        let mut rules: BTreeMap<Vec<String>, Vec<&Rule>> = BTreeMap::new();
        let mut replaced = BTreeSet::new();
        for module in modules {
            for rule in &module.rules {
                let package =
                    std::iter::once("data").chain(module.package.iter().map(String::as_str));
                let path = package.chain(rule.path.iter().map(String::as_str));
                rules
                    .entry(path.map(str::to_owned).collect())
                    .or_default()
                    .push(rule);
                for body in &rule.bodies {
                    targets::of_statements(&body.statements, &mut replaced);
                }
            }
        }
        builtins::begin(NO_POLICY);
        Self {
            rules,
            modules,
            replaced,
            schema,
            reader,
            values: BTreeMap::new(),
            steps: 0,
            steps_before: 0,
            depth: 0,
            has_read_caller: false,
            because: BTreeSet::new(),
            notes: None,
        }
    }

    /// An evaluator for the question what a caller without a credential meets.
    pub(super) fn for_anonymous(modules: &'a [Module], schema: Schema<'a>) -> Self {
        Self::new(modules, schema, Reader::Anonymous)
    }

    /// The statements that never hold.
    pub(super) fn never(modules: &'a [Module], schema: Schema<'a>) -> Vec<Never> {
        let mut own = Self::new(modules, schema, Reader::Check);
        // A statement of the author's can stand in several rules of the core. It never holds if it does in none of them.
        let mut found: BTreeMap<(String, Span), Option<Never>> = BTreeMap::new();
        for module in modules {
            for rule in module.rules.iter().filter(|rule| !rule.is_default) {
                for body in &rule.bodies {
                    let notes = own.notes_of(rule, body);
                    for (span, note) in notes {
                        let never = (!note.holds_somewhere).then(|| Never {
                            file: module.name.clone(),
                            span,
                            against: note.against,
                            shown: note.shown,
                        });
                        found
                            .entry((module.name.clone(), span))
                            .and_modify(|before| {
                                *before = before.take().filter(|_| never.is_some());
                            })
                            .or_insert(never);
                    }
                }
            }
        }
        found.into_values().flatten().collect()
    }

    /// The notes of a body, by the author's statements. One of several notes that never holds decides.
    fn notes_of(&mut self, rule: &Rule, body: &Body) -> BTreeMap<Span, Note> {
        builtins::begin(NO_POLICY);
        self.steps_before += std::mem::take(&mut self.steps);
        self.notes = Some(Notes::new());
        let (scope, _) = Self::given(rule, &[]);
        self.body(body, scope);
        let notes = self.notes.take().unwrap_or_default();
        let mut all: BTreeMap<Span, Note> = BTreeMap::new();
        if self.is_spent() {
            return all;
        }
        for note in notes.into_values() {
            let before = all.get(&note.span);
            if before.is_none_or(|before| before.holds_somewhere) {
                all.insert(note.span, note);
            }
        }
        all
    }

    /// Whether a body of a file holds, and whether its value is true or has a member that is.
    pub(super) fn verdict_of(
        &mut self,
        file: &str,
        span: Span,
        member: &str,
    ) -> Option<(Outcome, Outcome)> {
        let module = self.modules.iter().find(|module| module.name == file)?;
        let mut bodies = module.rules.iter().flat_map(|rule| &rule.bodies);
        let body = bodies.find(|body| body.span == span)?;
        builtins::begin(NO_POLICY);
        self.steps_before += std::mem::take(&mut self.steps);
        // The other members of an object say nothing of whether it allows.
        let allowance = match &body.value {
            Term::Object(pairs) => {
                let key = Term::Scalar(Scalar::String(member.to_owned()));
                let own = pairs.iter().find(|(other, _)| *other == key);
                own.map(|(_, value)| value)
            }
            _ => None,
        };
        let (outcome, value) = match allowance {
            None => self.body(body, Scope::default()),
            Some(own) => {
                let body = Body {
                    value: own.clone(),
                    ..body.clone()
                };
                self.body(&body, Scope::default())
            }
        };
        let truth = match &value.what {
            What::Is(Value::Bool(truth)) if *truth => Outcome::Holds,
            What::Is(all @ Value::Object(_)) if all[&Value::from(member)] == Value::Bool(true) => {
                Outcome::Holds
            }
            What::Is(_) | What::Undefined | What::Falsy => Outcome::Fails,
            What::Any | What::Truthy | What::OneOf(_) => value.maybe(),
        };
        (!self.is_spent()).then_some((outcome, truth))
    }

    fn is_spent(&self) -> bool {
        self.steps > MAX_STEPS || self.steps_before + self.steps > MAX_ALL_STEPS
    }

    fn is_replaced(&self, path: &[String]) -> bool {
        self.replaced
            .iter()
            .any(|other| other.starts_with(path) || path.starts_with(other))
    }

    /// Calls `found` for each solution of the statements.
    fn solve(
        &mut self,
        statements: &[Statement],
        scope: Scope,
        outcome: Outcome,
        found: &mut dyn FnMut(&mut Self, &Scope, Outcome),
    ) {
        let (mut scope, mut outcome) = (scope, outcome);
        for (at, statement) in statements.iter().enumerate() {
            self.steps += 1;
            if self.is_spent() {
                found(self, &scope, Outcome::Maybe { of_caller: true });
                return;
            }
            if let Step::Each(key, value, collection) = &statement.step
                && statement.with.is_empty()
                && let Known {
                    what: What::Is(all),
                    of_caller,
                } = self.term(collection, &scope)
                && let Some(all) = elements(&all)
            {
                let holds = if all.is_empty() {
                    Outcome::Fails
                } else {
                    Outcome::Holds
                };
                self.note(statement, holds, None);
                let rest = statements.get(at + 1..).unwrap_or_default();
                for (index, element) in all {
                    let mut scope = scope.clone();
                    for (local, value) in [(key, index), (value, element)] {
                        if let Some(local) = local {
                            scope.bind(*local, Known::made(value, of_caller));
                        }
                    }
                    self.solve(rest, scope, outcome, found);
                    if self.is_spent() {
                        return;
                    }
                }
                return;
            }
            let holds = self.statement(statement, &mut scope);
            outcome = outcome.and(holds);
            if outcome == Outcome::Fails {
                return;
            }
        }
        found(self, &scope, outcome);
    }

    fn statement(&mut self, statement: &Statement, scope: &mut Scope) -> Outcome {
        let line = statement.span.line;
        if !statement.with.is_empty() {
            forget(&statement.step, scope);
            return Outcome::Maybe { of_caller: true };
        }
        self.because.clear();
        let holds = self.step(&statement.step, line, scope);
        let shown = if holds == Outcome::Fails && self.notes.is_some() {
            let because = self.because.clone();
            let shown = self.shown(&statement.step, scope);
            self.because = because;
            shown
        } else {
            None
        };
        self.note(statement, holds, shown);
        holds
    }

    fn note(&mut self, statement: &Statement, holds: Outcome, shown: Option<String>) {
        let line = statement.span.line;
        let against = self.because.iter().copied().find(|other| *other <= line);
        if let Some(notes) = &mut self.notes {
            let note = notes.entry(std::ptr::from_ref(statement)).or_insert(Note {
                span: statement.span,
                holds_somewhere: false,
                against: None,
                shown: None,
            });
            note.holds_somewhere |= holds != Outcome::Fails;
            note.against = against;
            note.shown = shown;
        }
    }
}
