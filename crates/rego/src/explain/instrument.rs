//! Adds notes to a policy in the core language. Each statement reports its beginning, the values that it received, and
//! its result.
//!
//! The engine still evaluates the same statements and rules. The result of each statement is first put in a set of at
//! most one value. So even an undefined result can be reported:
//!
//! | statement | with notes |
//! |---|---|
//! | `v := value` | `begun := begin(n, ..); seen := {r \| r := value}; some v in end(n, seen, ..)` |
//! | a condition | the same, where `end` has one element if the condition holds |
//! | `some k, v in c` | the same for `c`, and `got(n, [k, v])` for each element |
//! | `every k, v in c { .. }` | the same for `{true \| every k, v in c { .. }}` |
//!
//! Each note uses the value of the note before it, which keeps them in order.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    calls::{BEGIN, END, ENTER, GOT, LEAVE, Takes, number},
    looked_at::Found,
    notes::{BlockNote, BlockOf, Meaning, Notes, RuleNote, StepNote, literals},
};
use crate::{
    core::{Body, Module, Rule, Statement, Step, Term},
    parse::tree::Operator,
    resolve::tree::{Collection, Kind, Local, Scalar},
    source::Span,
};

/// Adds notes to all rules.
pub(super) fn instrument(modules: &[Module]) -> (Vec<Module>, Notes) {
    let mut notes = Notes::default();
    let modules = modules
        .iter()
        .map(|module| Module {
            rules: module
                .rules
                .iter()
                .map(|one| rule(one, module, &mut notes))
                .collect(),
            ..module.clone()
        })
        .collect();
    (modules, notes)
}

fn rule(rule: &Rule, module: &Module, notes: &mut Notes) -> Rule {
    let number = notes.rules.len();
    let package = std::iter::once("data").chain(module.package.iter().map(String::as_str));
    let place = package.chain(rule.path.iter().map(String::as_str));
    notes.rules.push(RuleNote {
        file: module.name.clone(),
        place: place.map(str::to_owned).collect(),
        package: 1 + module.package.len(),
        is_default: rule.is_default,
        span: rule.span,
        names: rule.locals.clone(),
        meanings: BTreeMap::new(),
        is_function: rule.arguments.is_some(),
        is_set: rule.kind == Kind::Member,
    });
    if rule.is_default {
        return rule.clone();
    }
    let arguments: Vec<Local> = rule
        .arguments
        .iter()
        .flatten()
        .filter_map(|argument| match argument {
            Some(Term::Local(local)) => Some(*local),
            _ => None,
        })
        .collect();
    let mut names = rule.locals.clone();
    let mut bodies = Vec::new();
    for (index, body) in rule.bodies.iter().enumerate() {
        let mut noting = Noting {
            notes,
            rule: number,
            names,
            known: arguments.iter().copied().collect(),
        };
        let key = rule.key.as_ref().filter(|_| index == 0);
        bodies.push(noting.body(body, key, &arguments));
        names = noting.names;
    }
    Rule {
        bodies,
        locals: names,
        ..rule.clone()
    }
}

struct Noting<'a> {
    notes: &'a mut Notes,
    rule: usize,
    names: Vec<String>,
    /// The variables that have a value at this point.
    known: BTreeSet<Local>,
}

fn variables(locals: &[Local]) -> Term {
    Term::Array(locals.iter().copied().map(Term::Local).collect())
}

/// A condition that always holds, but only after the variable has a value.
fn after(local: Local) -> Step {
    Step::Test(Term::call(
        "internal.is_collection",
        vec![Term::Array(vec![Term::Local(local)])],
    ))
}

impl Noting<'_> {
    fn body(&mut self, body: &Body, key: Option<&Term>, arguments: &[Local]) -> Body {
        let mut statements = body.statements.clone();
        let value = match &body.value {
            value @ (Term::Local(_) | Term::Scalar(_)) => value.clone(),
            other => {
                let local = self.fresh();
                statements.push(Statement {
                    step: Step::Bind(local, other.clone()),
                    with: Vec::new(),
                    span: body.span,
                });
                Term::Local(local)
            }
        };
        let ends: Vec<Term> = key.into_iter().chain([&value]).cloned().collect();
        Body {
            statements: self.block(BlockOf::Body, body.span, arguments, &statements, ends),
            value,
            span: body.span,
        }
    }

    fn block(
        &mut self,
        of: BlockOf,
        span: Span,
        arguments: &[Local],
        statements: &[Statement],
        ends: Vec<Term>,
    ) -> Vec<Statement> {
        let block = self.notes.blocks.len();
        self.notes.blocks.push(BlockNote {
            rule: self.rule,
            span,
            of,
            arguments: arguments.to_vec(),
            gives: ends.clone(),
            literals: literals(statements),
        });
        let mut made = Noted {
            statements: Vec::new(),
            span,
        };
        let mut last = self.fresh();
        let entered = Term::call(ENTER, vec![number(block), variables(arguments)]);
        made.push(Step::Bind(last, entered));
        for (order, statement) in statements.iter().enumerate() {
            made.span = statement.span;
            last = self.statement(statement, (block, order), last, &mut made);
        }
        made.span = span;
        let left = vec![number(block), Term::Local(last), Term::Array(ends)];
        made.push(Step::Test(Term::call(LEAVE, left)));
        made.statements
    }

    /// Adds a statement with its notes. Returns a variable that has a value once the statement holds.
    fn statement(
        &mut self,
        statement: &Statement,
        (block, order): (usize, usize),
        last: Local,
        made: &mut Noted,
    ) -> Local {
        let mut found = Found::default();
        found.step(&statement.step);
        let locals: Vec<Local> = found.locals.intersection(&self.known).copied().collect();
        let step = self.notes.steps.len();
        self.notes.steps.push(StepNote {
            block,
            order,
            span: statement.span,
            step: statement.step.clone(),
            locals: locals.clone(),
            operands: found.operands.clone(),
            is_replacing: !statement.with.is_empty(),
        });
        let begun = vec![number(step), Term::Local(last), variables(&locals)];
        let mut last = self.bound(made, Term::call(BEGIN, begun));
        let mut operands = Vec::new();
        for operand in found.operands {
            // Stop after an undefined reference, as the engine does.
            let before = match operands.last() {
                Some(Term::Local(before)) => Step::Each(None, None, Term::Local(*before)),
                _ => after(last),
            };
            last = self.seen(made, statement, before, operand);
            operands.push(Term::Local(last));
        }
        let (term, takes) = match &statement.step {
            Step::Bind(_, term) | Step::Each(_, _, term) => (self.inside(term), Takes::Value),
            Step::Not(inner) => (self.condition(inner), Takes::NoTruth),
            other => (self.condition(other), Takes::Truth),
        };
        let seen = match &statement.step {
            Step::Every(key, value, domain, body) => {
                let body = self.every(*key, *value, domain, body, statement.span);
                let every = Step::Every(*key, *value, domain.clone(), body);
                let truth = Term::Scalar(Scalar::Bool(true));
                self.set(made, statement, truth, vec![after(last), every])
            }
            _ => self.seen(made, statement, after(last), term),
        };
        let end = vec![
            number(step),
            Term::Local(seen),
            takes.term(),
            Term::Array(operands),
        ];
        let end = Term::call(END, end);
        match &statement.step {
            Step::Bind(local, term) => {
                made.push(Step::Each(None, Some(*local), end));
                self.is_given(*local, Meaning::Value(term.clone()));
                *local
            }
            Step::Each(key, value, over) => {
                let collection = self.fresh();
                made.push(Step::Each(None, Some(collection), end));
                made.push(Step::Each(*key, *value, Term::Local(collection)));
                let given = self.are_given(*key, *value, over);
                let got = vec![number(step), Term::Local(collection), variables(&given)];
                self.bound(made, Term::call(GOT, got))
            }
            _ => {
                let truth = self.fresh();
                made.push(Step::Each(None, Some(truth), end));
                truth
            }
        }
    }

    fn every(
        &mut self,
        key: Option<Local>,
        value: Option<Local>,
        domain: &Term,
        body: &[Statement],
        span: Span,
    ) -> Vec<Statement> {
        let known = self.known.clone();
        let arguments = self.are_given(key, value, domain);
        let body = self.block(BlockOf::Every, span, &arguments, body, Vec::new());
        self.known = known;
        body
    }

    /// A condition as a value. The value is undefined or false if the condition does not hold.
    fn condition(&mut self, step: &Step) -> Term {
        let term = match step {
            Step::Same(left, right) => Term::infix(Operator::Equal, left.clone(), right.clone()),
            Step::Member(value, collection) => {
                Term::call("internal.member_2", vec![value.clone(), collection.clone()])
            }
            Step::Test(term) => term.clone(),
            _ => Term::Scalar(Scalar::Bool(true)),
        };
        self.inside(&term)
    }

    /// The same value, with notes in its comprehensions.
    fn inside(&mut self, term: &Term) -> Term {
        let pairs = |noting: &mut Self, pairs: &[(Term, Term)]| {
            let mut made = Vec::new();
            for (key, value) in pairs {
                made.push((noting.inside(key), noting.inside(value)));
            }
            made
        };
        match term {
            Term::Comprehension(collection, first, second, statements) => {
                let known = self.known.clone();
                let ends = std::iter::once(first).chain(second);
                let ends = ends.map(|term| Term::clone(term)).collect();
                let span = statements
                    .first()
                    .map_or_else(Span::default, |one| one.span);
                let statements = self.block(BlockOf::Comprehension, span, &[], statements, ends);
                self.known = known;
                Term::Comprehension(*collection, first.clone(), second.clone(), statements)
            }
            Term::Call(function, arguments) => {
                let arguments = arguments.iter().map(|one| self.inside(one)).collect();
                Term::Call(function.clone(), arguments)
            }
            Term::Infix(sign, both) => {
                Term::infix(*sign, self.inside(&both.0), self.inside(&both.1))
            }
            Term::Array(items) => Term::Array(items.iter().map(|one| self.inside(one)).collect()),
            Term::Set(items) => Term::Set(items.iter().map(|one| self.inside(one)).collect()),
            Term::Object(all) => Term::Object(pairs(self, all)),
            other => other.clone(),
        }
    }

    /// Adds a variable that holds a set: with the value in it, or empty if the value is undefined.
    fn seen(&mut self, made: &mut Noted, statement: &Statement, before: Step, term: Term) -> Local {
        let value = self.fresh();
        let term = match term {
            Term::Call(..)
            | Term::Infix(..)
            | Term::Comprehension(..)
            | Term::Document(..)
            | Term::Inside(..) => term,
            other => Term::call("internal.same", vec![other]),
        };
        let steps = vec![before, Step::Bind(value, term)];
        self.set(made, statement, Term::Local(value), steps)
    }

    fn set(
        &mut self,
        made: &mut Noted,
        statement: &Statement,
        member: Term,
        steps: Vec<Step>,
    ) -> Local {
        let statements = steps.into_iter().map(|step| Statement {
            step,
            with: Vec::new(),
            span: statement.span,
        });
        let set = Term::Comprehension(
            Collection::Set,
            Box::new(member),
            None,
            statements.collect(),
        );
        let local = self.fresh();
        made.statements.push(Statement {
            step: Step::Bind(local, set),
            with: statement.with.clone(),
            span: statement.span,
        });
        local
    }

    fn bound(&mut self, made: &mut Noted, term: Term) -> Local {
        let local = self.fresh();
        made.push(Step::Bind(local, term));
        local
    }

    fn fresh(&mut self) -> Local {
        self.names.push(String::new());
        self.names.len() - 1
    }

    fn is_given(&mut self, local: Local, meaning: Meaning) {
        self.known.insert(local);
        if let Some(rule) = self.notes.rules.get_mut(self.rule) {
            rule.meanings.insert(local, meaning);
        }
    }

    fn are_given(&mut self, key: Option<Local>, value: Option<Local>, over: &Term) -> Vec<Local> {
        if let Some(key) = key {
            self.is_given(key, Meaning::Key(over.clone()));
        }
        if let Some(value) = value {
            self.is_given(value, Meaning::Element(key, over.clone()));
        }
        key.into_iter().chain(value).collect()
    }
}

/// The statements so far, with their notes.
struct Noted {
    statements: Vec<Statement>,
    span: Span,
}

impl Noted {
    fn push(&mut self, step: Step) {
        self.statements.push(Statement {
            step,
            with: Vec::new(),
            span: self.span,
        });
    }
}
