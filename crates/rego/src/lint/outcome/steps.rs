//! Evaluates statements as far as their parts are known, and notes what follows from those that hold.

use std::collections::BTreeSet;

use super::{
    Evaluator,
    known::{Known, Outcome, Scope, What},
    terms::elements,
};
use crate::{
    core::{Statement, Step, Term},
    parse::tree::Operator,
};

impl Evaluator<'_> {
    pub(super) fn step(&mut self, step: &Step, line: u32, scope: &mut Scope) -> Outcome {
        let outcome = match step {
            Step::Bind(local, term) => {
                let known = self.term(term, scope);
                let holds = known.defined();
                scope.bind_term(*local, known, term);
                return holds;
            }
            Step::Test(term) => self.term(term, scope).truth(),
            Step::Same(left, right) => {
                let (left, right) = (self.term(left, scope), self.term(right, scope));
                self.infix("==", &left, &right).truth()
            }
            Step::Member(value, collection) => self.member(value, collection, scope),
            Step::Each(key, value, collection) => {
                let known = self.term(collection, scope);
                for local in [key, value].into_iter().flatten() {
                    scope.bind(*local, Known::any(known.of_caller));
                }
                return match known.what {
                    What::Undefined | What::Is(_) => Outcome::Fails,
                    _ => known.maybe(),
                };
            }
            Step::Not(inner) => self.step(inner, line, &mut scope.clone()).not(),
            Step::Every(key, value, domain, body) => {
                return self.every([*key, *value], domain, body, scope);
            }
        };
        if !matches!(outcome, Outcome::Maybe { .. }) {
            return outcome;
        }
        if let Some(line) = scope.opposite(step) {
            self.because.insert(line);
            return Outcome::Fails;
        }
        self.learn(step, line, scope);
        outcome
    }

    fn member(&mut self, value: &Term, collection: &Term, scope: &Scope) -> Outcome {
        let (value, all) = (self.term(value, scope), self.term(collection, scope));
        let maybe = Outcome::Maybe {
            of_caller: value.of_caller || all.of_caller,
        };
        if value.what == What::Undefined {
            return Outcome::Fails;
        }
        let What::Is(all) = all.what else {
            return if all.what == What::Undefined {
                Outcome::Fails
            } else {
                maybe
            };
        };
        let all = elements(&all).unwrap_or_default();
        let all: BTreeSet<_> = all.into_iter().map(|(_, element)| element).collect();
        match value.what {
            What::Is(value) if all.contains(&value) => Outcome::Holds,
            What::Is(_) => Outcome::Fails,
            What::OneOf(some) if some.is_disjoint(&all) => Outcome::Fails,
            _ if all.is_empty() => Outcome::Fails,
            _ => maybe,
        }
    }

    fn every(
        &mut self,
        locals: [Option<usize>; 2],
        domain: &Term,
        body: &[Statement],
        scope: &Scope,
    ) -> Outcome {
        let known = self.term(domain, scope);
        let all = match &known.what {
            What::Undefined => return Outcome::Fails,
            What::Is(value) => match elements(value) {
                Some(all) => all
                    .into_iter()
                    .map(|(key, value)| [key, value].map(|one| Known::made(one, known.of_caller)))
                    .collect(),
                None => return Outcome::Fails,
            },
            _ => vec![[Known::any(known.of_caller), Known::any(known.of_caller)]],
        };
        let mut outcome = Outcome::Holds;
        for values in all {
            let mut scope = scope.clone();
            for (local, value) in locals.into_iter().zip(values) {
                if let Some(local) = local {
                    scope.bind(local, value);
                }
            }
            let mut holds = Outcome::Fails;
            self.solve(body, scope, Outcome::Holds, &mut |_, _, found| {
                holds = holds.or(found);
            });
            outcome = outcome.and(holds);
        }
        if matches!(known.what, What::Is(_)) {
            outcome
        } else {
            // It holds where there are no elements.
            Outcome::Maybe {
                of_caller: known.of_caller || outcome.is_of_caller(),
            }
        }
    }

    /// Notes what follows from a statement that holds.
    fn learn(&mut self, step: &Step, line: u32, scope: &mut Scope) {
        scope.learn_step(step, line);
        match step {
            Step::Test(Term::Infix(Operator::Equal, operands)) => {
                self.learn_equal(&operands.0, &operands.1, line, scope);
            }
            Step::Same(left, right) => self.learn_equal(left, right, line, scope),
            Step::Test(term) => scope.learn(term, &What::Truthy, line),
            Step::Member(value, collection) => {
                if let What::Is(all) = self.term(collection, scope).what
                    && let Some(all) = elements(&all)
                {
                    let all = all.into_iter().map(|(_, element)| element);
                    scope.learn(value, &What::OneOf(all.collect()), line);
                }
            }
            Step::Not(inner) => {
                if let Step::Test(term) = inner.as_ref() {
                    scope.learn(term, &What::Falsy, line);
                }
            }
            Step::Bind(..) | Step::Each(..) | Step::Every(..) => {}
        }
    }

    fn learn_equal(&mut self, left: &Term, right: &Term, line: u32, scope: &mut Scope) {
        for (one, other) in [(left, right), (right, left)] {
            let known = self.term(other, scope);
            if matches!(known.what, What::Is(_) | What::OneOf(_)) {
                scope.learn(one, &known.what, line);
            }
        }
    }

    /// A statement with the values of its variables, if they are known.
    pub(super) fn shown(&mut self, step: &Step, scope: &Scope) -> Option<String> {
        let mut shown = |term| match self.term(term, scope).what {
            What::Is(value) => value.to_json_str().ok(),
            _ => None,
        };
        let text = match step {
            Step::Same(left, right) => (shown(left), "==", shown(right)),
            Step::Test(Term::Infix(operator, operands)) => {
                (shown(&operands.0), operator.sign(), shown(&operands.1))
            }
            Step::Member(value, collection) => (shown(value), "in", shown(collection)),
            Step::Test(term) => return shown(term),
            Step::Not(inner) => {
                return self.shown(inner, scope).map(|inner| format!("not {inner}"));
            }
            _ => return None,
        };
        let (left, sign, right) = text;
        Some(format!("{} {sign} {}", left?, right?))
    }
}

/// Binds the variables of a statement to values that are not known.
pub(super) fn forget(step: &Step, scope: &mut Scope) {
    let locals = match step {
        Step::Bind(local, _) => vec![*local],
        Step::Each(key, value, _) => key.iter().chain(value).copied().collect(),
        _ => Vec::new(),
    };
    for local in locals {
        scope.bind(local, Known::any(true));
    }
}
