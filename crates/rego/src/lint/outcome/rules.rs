//! Evaluates rules and functions as far as their parts are known.

use std::collections::BTreeSet;

use regorus::Value;
use serde_json::Value as Json;

use super::{
    Evaluator, Outcome, Reader,
    known::{Known, Scope, What},
};
use crate::{
    core::{Body, Rule, Term},
    lint::schema::{Member, Schema},
    resolve::tree::Kind,
    run::term::constant,
};

/// Rules that use each other in a longer chain are not followed.
const MAX_DEPTH: usize = 40;

impl<'a> Evaluator<'a> {
    /// The value of a document.
    pub(super) fn document(&mut self, path: &[String]) -> Known {
        let known = self.value_of(path);
        self.has_read_caller |= known.of_caller;
        known
    }

    fn value_of(&mut self, path: &[String]) -> Known {
        if path.first().is_some_and(|first| first == "input") {
            return self.input(path.get(1..).unwrap_or_default());
        }
        if self.is_replaced(path) {
            return Known::any(true);
        }
        for end in (1..=path.len()).rev() {
            let (head, rest) = path.split_at(end);
            if self.rules.contains_key(head) {
                let mut known = self.value_of_rules(head);
                for name in rest {
                    known = match &known.what {
                        What::Is(value) => {
                            Known::made(value[&Value::from(name.as_str())].clone(), known.of_caller)
                        }
                        What::Undefined => Known::undefined(),
                        _ => Known::any(known.of_caller),
                    };
                }
                return known;
            }
        }
        let mut below = self.rules.range(path.to_vec()..);
        let has_rules_below = below
            .next()
            .is_some_and(|(other, _)| other.starts_with(path));
        // Data can be another one at each start.
        Known::any(has_rules_below)
    }

    /// A part of `input`.
    fn input(&self, names: &[String]) -> Known {
        if self.is_replaced(&["input".to_owned()]) {
            return Known::any(true);
        }
        let of_caller = self.schema.asks(names).contains("caller");
        if self.reader == Reader::Check || !of_caller {
            return Known::any(of_caller);
        }
        anonymous(self.schema, names).unwrap_or_else(|| Known::any(true))
    }

    /// The value of the rules at a path.
    fn value_of_rules(&mut self, path: &[String]) -> Known {
        if let Some(known) = self.values.get(path) {
            return known.clone();
        }
        let known = self.deeper(|own| {
            let rules = own.rules.get(path).cloned().unwrap_or_default();
            own.together(&rules, &[])
        });
        let known = match known.what {
            // The finding is about that rule. A boolean with a name is a switch, and its author knows its value.
            What::Undefined | What::Is(Value::Bool(_)) if self.reader == Reader::Check => {
                Known::any(known.of_caller)
            }
            _ => known,
        };
        self.values.insert(path.to_vec(), known.clone());
        known
    }

    /// The value of a function of the policy.
    pub(super) fn call_of_rules(&mut self, path: &[String], arguments: &[Known]) -> Known {
        if arguments.iter().any(|one| one.what == What::Undefined) {
            return Known::undefined();
        }
        let Some(rules) = self
            .rules
            .get(path)
            .cloned()
            .filter(|_| !self.is_replaced(path))
        else {
            return Known::any(true);
        };
        let known = self.deeper(|own| own.together(&rules, arguments));
        if known.what == What::Undefined && self.reader == Reader::Check {
            return Known::any(known.of_caller);
        }
        known
    }

    fn deeper(&mut self, inside: impl FnOnce(&mut Self) -> Known) -> Known {
        if self.depth >= MAX_DEPTH {
            return Known::any(true);
        }
        self.depth += 1;
        let notes = self.notes.take();
        let because = std::mem::take(&mut self.because);
        let has_read_caller = std::mem::take(&mut self.has_read_caller);
        let mut known = inside(self);
        // Another caller can get another value.
        known.of_caller |= self.has_read_caller && matches!(known.what, What::Is(_));
        self.has_read_caller |= has_read_caller;
        self.because = because;
        self.notes = notes;
        self.depth -= 1;
        known
    }

    /// The value that these definitions give together.
    fn together(&mut self, rules: &[&'a Rule], arguments: &[Known]) -> Known {
        if rules
            .iter()
            .any(|rule| rule.key.is_some() || rule.kind == Kind::Member)
        {
            return self.partial(rules);
        }
        let mut default = Known::undefined();
        let mut outcome = Outcome::Fails;
        let mut all = Vec::new();
        for rule in rules {
            self.steps += 1;
            if self.is_spent() {
                return Known::any(true);
            }
            if rule.is_default {
                if let Some(body) = rule.bodies.first() {
                    default = self.term(&body.value, &Scope::default());
                }
                continue;
            }
            let (scope, given) = Self::given(rule, arguments);
            if given == Outcome::Fails {
                continue;
            }
            for body in &rule.bodies {
                let (found, value) = self.body(body, scope.clone());
                let found = found.and(given);
                if found != Outcome::Fails {
                    outcome = outcome.or(found);
                    all.push(value);
                }
                if found == Outcome::Holds {
                    break;
                }
            }
        }
        let of_caller = outcome.is_of_caller() || all.iter().any(|one| one.of_caller);
        match (outcome, all.as_slice()) {
            (Outcome::Fails, _) => default,
            (Outcome::Holds, [one]) => one.clone(),
            (Outcome::Holds, all) if all.iter().all(|one| one.truth() == Outcome::Holds) => Known {
                what: What::Truthy,
                of_caller: false,
            },
            _ => Known::any(of_caller),
        }
    }

    /// The variables of a function with these arguments, and whether the arguments match. Without arguments, nothing is known of
    /// them.
    pub(super) fn given(rule: &Rule, arguments: &[Known]) -> (Scope, Outcome) {
        let mut scope = Scope::default();
        let mut outcome = Outcome::Holds;
        for (at, pattern) in rule.arguments.iter().flatten().enumerate() {
            let known = arguments
                .get(at)
                .cloned()
                .unwrap_or_else(|| Known::any(true));
            match pattern {
                Some(Term::Local(local)) => scope.bind(*local, known),
                Some(Term::Scalar(scalar)) => {
                    let equal = known.equals(&Known::is(constant(scalar)));
                    let equal = Known {
                        what: equal,
                        of_caller: known.of_caller,
                    };
                    outcome = outcome.and(equal.truth());
                }
                _ => {}
            }
        }
        (scope, outcome)
    }

    /// A set or an object that rules fill.
    fn partial(&mut self, rules: &[&'a Rule]) -> Known {
        let mut members = BTreeSet::new();
        let (mut is_known, mut of_caller) = (true, false);
        for rule in rules {
            for body in &rule.bodies {
                self.solve(
                    &body.statements,
                    Scope::default(),
                    Outcome::Holds,
                    &mut |own, scope, outcome| {
                        let value = own.term(&body.value, scope);
                        let key = rule.key.as_ref().map(|key| own.term(key, scope));
                        of_caller |= outcome.is_of_caller()
                            || value.of_caller
                            || key.as_ref().is_some_and(|key| key.of_caller);
                        match value.what {
                            What::Is(value) if outcome == Outcome::Holds && key.is_none() => {
                                members.insert(value);
                            }
                            _ => is_known = false,
                        }
                    },
                );
            }
        }
        if is_known
            && rules
                .iter()
                .all(|rule| rule.kind == Kind::Member && rule.key.is_none())
        {
            return Known::made(Value::from(members), of_caller);
        }
        Known {
            what: What::Truthy,
            of_caller,
        }
    }

    /// Whether a body holds, and its value.
    pub(super) fn body(&mut self, body: &Body, scope: Scope) -> (Outcome, Known) {
        let mut outcome = Outcome::Fails;
        let mut value: Option<Known> = None;
        self.solve(
            &body.statements,
            scope,
            Outcome::Holds,
            &mut |own, scope, found| {
                let one = own.term(&body.value, scope);
                let found = found.and(one.defined());
                if found == Outcome::Fails {
                    return;
                }
                outcome = outcome.or(found);
                value = Some(match value.take() {
                    Some(other) if other != one => Known::any(other.of_caller || one.of_caller),
                    _ => one,
                });
            },
        );
        (outcome, value.unwrap_or_else(Known::undefined))
    }
}

/// A part of `input` of a caller without a credential. `None` if the schema does not say.
fn anonymous(schema: Schema<'_>, names: &[String]) -> Option<Known> {
    let mut part = schema;
    let mut owner = schema.is_of("caller").then_some((schema, names));
    for (at, name) in names.iter().enumerate() {
        match part.member(name) {
            Member::Known(member) => part = member,
            Member::Open | Member::None => break,
        }
        if part.word("x-asks").is_some() {
            owner = part
                .is_of("caller")
                .then(|| (part, names.get(at + 1..).unwrap_or_default()));
        }
    }
    let (owner, rest) = owner?;
    // Some of it is not of the caller.
    if rest.is_empty()
        && owner
            .members()
            .any(|(_, member)| member.word("x-asks").is_some())
    {
        return None;
    }
    let whole: &Json = owner.anonymous()?;
    let value = rest.iter().try_fold(whole, |value, name| value.get(name));
    Some(value.map_or_else(Known::undefined, |value| {
        Value::from_json_str(&value.to_string())
            .map_or_else(|_| Known::any(true), |value| Known::made(value, true))
    }))
}
