//! What is known of values and statements before there is a request.

use std::collections::{BTreeMap, BTreeSet};

use regorus::Value;

use crate::{
    core::{Step, Term},
    parse::tree::Operator,
    resolve::tree::Local,
};

/// Whether statements hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lint) enum Outcome {
    Holds,
    Fails,
    /// It depends on something that is not known.
    Maybe {
        /// Whether that is something about the caller.
        of_caller: bool,
    },
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Any,
    /// Defined, and not false.
    Truthy,
    /// Undefined or false.
    Falsy,
    Undefined,
    /// Undefined, or one of these.
    OneOf(BTreeSet<Value>),
    Is(Value),
}

/// A value, and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) what: What,
    /// Whether what is not known of it depends on the caller.
    pub(super) of_caller: bool,
}

/// What is known while a body is evaluated.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    locals: BTreeMap<Local, Known>,
    /// The terms that variables stand for.
    origins: BTreeMap<Local, Term>,
    /// What the statements before this one say of other terms, each with its line.
    facts: Vec<(Term, What, u32)>,
    /// The statements that held or did not hold, each with its line.
    held: Vec<(Step, bool, u32)>,
}

impl Outcome {
    /// Both must hold.
    pub(in crate::lint) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fails, _) | (_, Self::Fails) => Self::Fails,
            (Self::Holds, other) | (other, Self::Holds) => other,
            (Self::Maybe { of_caller: one }, Self::Maybe { of_caller: two }) => Self::Maybe {
                of_caller: one || two,
            },
        }
    }

    /// One of them must hold.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Holds, _) | (_, Self::Holds) => Self::Holds,
            (Self::Fails, other) | (other, Self::Fails) => other,
            (Self::Maybe { of_caller: one }, Self::Maybe { of_caller: two }) => Self::Maybe {
                of_caller: one && two,
            },
        }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Holds => Self::Fails,
            Self::Fails => Self::Holds,
            maybe @ Self::Maybe { .. } => maybe,
        }
    }

    pub(super) fn is_of_caller(self) -> bool {
        self == Self::Maybe { of_caller: true }
    }
}

impl Known {
    pub(super) fn any(of_caller: bool) -> Self {
        Self {
            what: What::Any,
            of_caller,
        }
    }

    pub(super) fn is(value: Value) -> Self {
        let what = match value {
            Value::Undefined => What::Undefined,
            value => What::Is(value),
        };
        Self {
            what,
            of_caller: false,
        }
    }

    /// The value that comes of others.
    pub(super) fn made(value: Value, of_caller: bool) -> Self {
        Self {
            of_caller,
            ..Self::is(value)
        }
    }

    pub(super) fn undefined() -> Self {
        Self::is(Value::Undefined)
    }

    /// Whether a statement of this value holds.
    pub(super) fn truth(&self) -> Outcome {
        match &self.what {
            What::Is(Value::Bool(false)) | What::Undefined | What::Falsy => Outcome::Fails,
            What::Is(_) | What::Truthy => Outcome::Holds,
            What::Any | What::OneOf(_) => self.maybe(),
        }
    }

    /// Whether it is defined.
    pub(super) fn defined(&self) -> Outcome {
        match &self.what {
            What::Undefined => Outcome::Fails,
            What::Is(_) | What::Truthy => Outcome::Holds,
            What::Any | What::OneOf(_) | What::Falsy => self.maybe(),
        }
    }

    pub(super) fn maybe(&self) -> Outcome {
        Outcome::Maybe {
            of_caller: self.of_caller,
        }
    }

    /// Whether two values are equal.
    pub(super) fn equals(&self, other: &Self) -> What {
        match (&self.what, &other.what) {
            (What::Undefined, _) | (_, What::Undefined) => What::Undefined,
            (What::Is(one), What::Is(two)) => What::Is(Value::Bool(one == two)),
            (What::OneOf(all), What::Is(one)) | (What::Is(one), What::OneOf(all))
                if !all.contains(one) =>
            {
                What::Falsy
            }
            (What::OneOf(all), What::OneOf(others)) if all.is_disjoint(others) => What::Falsy,
            (What::Falsy, What::Is(one)) | (What::Is(one), What::Falsy)
                if *one != Value::Bool(false) =>
            {
                What::Falsy
            }
            (What::Truthy, What::Is(Value::Bool(false)))
            | (What::Is(Value::Bool(false)), What::Truthy) => What::Falsy,
            _ => What::Any,
        }
    }
}

impl Scope {
    pub(super) fn bind(&mut self, local: Local, known: Known) {
        self.locals.insert(local, known);
    }

    /// Binds a variable to the value of a term.
    pub(super) fn bind_term(&mut self, local: Local, known: Known, term: &Term) {
        self.bind(local, known);
        if is_place(term) {
            self.origins.insert(local, term.clone());
        }
    }

    pub(super) fn local(&self, local: Local) -> Known {
        // A variable that has no value yet is one of a query around this one.
        let known = self.locals.get(&local);
        known.cloned().unwrap_or_else(|| Known::any(true))
    }

    /// What the statements before this one say of a term, and the line of the statement.
    pub(super) fn fact(&self, term: &Term) -> Option<(&What, u32)> {
        let mut all = self.facts.iter().rev();
        all.find(|(other, ..)| other == term)
            .map(|(_, what, line)| (what, *line))
    }

    /// Notes what a statement says of a term.
    pub(super) fn learn(&mut self, term: &Term, what: &What, line: u32) {
        if !is_place(term) {
            return;
        }
        if let Term::Local(local) = term
            && let Some(origin) = self.origins.get(local).cloned()
        {
            self.learn(&origin, what, line);
        }
        self.facts.push((term.clone(), what.clone(), line));
    }

    /// Notes that a statement held, or did not hold.
    pub(super) fn learn_step(&mut self, step: &Step, line: u32) {
        let (step, truth) = self.positive(step);
        self.held.push((step, truth, line));
    }

    /// The line of a statement that says the opposite.
    pub(super) fn opposite(&self, step: &Step) -> Option<u32> {
        if self.held.is_empty() {
            return None;
        }
        let (step, truth) = self.positive(step);
        let mut all = self.held.iter();
        all.find(|(other, held, _)| *held != truth && *other == step)
            .map(|(_, _, line)| *line)
    }

    /// A statement without negation and without variables that stand for other terms, and whether it holds where the statement does.
    fn positive(&self, step: &Step) -> (Step, bool) {
        match step {
            Step::Not(inner) => {
                let (step, truth) = self.positive(inner);
                (step, !truth)
            }
            Step::Test(Term::Infix(Operator::Equal, operands)) => {
                let same = Step::Same(self.full(&operands.0), self.full(&operands.1));
                (same, true)
            }
            Step::Test(Term::Infix(Operator::NotEqual, operands)) => {
                let same = Step::Same(self.full(&operands.0), self.full(&operands.1));
                (same, false)
            }
            Step::Test(term) => (Step::Test(self.full(term)), true),
            Step::Same(left, right) => (Step::Same(self.full(left), self.full(right)), true),
            Step::Member(value, all) => (Step::Member(self.full(value), self.full(all)), true),
            step => (step.clone(), true),
        }
    }

    /// A term with the terms that its variables stand for.
    fn full(&self, term: &Term) -> Term {
        match term {
            Term::Local(local) => self.origins.get(local).unwrap_or(term).clone(),
            Term::Call(function, arguments) => Term::Call(
                function.clone(),
                arguments
                    .iter()
                    .map(|argument| self.full(argument))
                    .collect(),
            ),
            Term::Infix(operator, operands) => {
                Term::infix(*operator, self.full(&operands.0), self.full(&operands.1))
            }
            term => term.clone(),
        }
    }
}

/// Whether a term stands for the same value in all statements of a body.
fn is_place(term: &Term) -> bool {
    match term {
        Term::Local(_) => true,
        Term::Document(_, way) | Term::Inside(_, way) => way
            .iter()
            .all(|key| matches!(key, Term::Scalar(_) | Term::Local(_))),
        _ => false,
    }
}
