//! The variables and references that a statement uses.

use std::collections::BTreeSet;

use crate::{
    core::{Step, Term},
    resolve::tree::Local,
};

/// The variables and references that a statement uses.
#[derive(Default)]
pub(super) struct Found {
    /// Variables.
    pub locals: BTreeSet<Local>,
    /// References, in the order in which they are evaluated.
    pub operands: Vec<Term>,
}

impl Found {
    /// Adds what a statement uses. The whole value of a condition or an assignment is not added, because the
    /// statement's result already has it.
    pub(super) fn step(&mut self, step: &Step) {
        match step {
            Step::Bind(_, term) | Step::Test(term) => self.below(term),
            Step::Each(_, _, term) | Step::Every(_, _, term, _) => self.term(term),
            Step::Same(left, right) | Step::Member(left, right) => {
                self.term(left);
                self.term(right);
            }
            Step::Not(inner) => self.step(inner),
        }
    }

    /// Adds the parts of a value, but not the value itself.
    fn below(&mut self, term: &Term) {
        match term {
            Term::Document(_, way) => self.all(way),
            Term::Inside(local, way) => {
                self.locals.insert(*local);
                self.all(way);
            }
            other => self.term(other),
        }
    }

    fn term(&mut self, term: &Term) {
        match term {
            Term::Local(local) => {
                self.locals.insert(*local);
            }
            Term::Document(..) | Term::Inside(..) => {
                self.below(term);
                if !self.operands.contains(term) {
                    self.operands.push(term.clone());
                }
            }
            Term::Call(_, arguments) => self.all(arguments),
            Term::Infix(_, operands) => {
                self.term(&operands.0);
                self.term(&operands.1);
            }
            Term::Array(items) | Term::Set(items) => self.all(items),
            Term::Object(pairs) => {
                for (key, value) in pairs {
                    self.term(key);
                    self.term(value);
                }
            }
            // A comprehension has notes of its own.
            Term::Scalar(_) | Term::Comprehension(..) => {}
        }
    }

    fn all(&mut self, terms: &[Term]) {
        for term in terms {
            self.term(term);
        }
    }
}
