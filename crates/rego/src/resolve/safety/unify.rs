//! The variables that `=` gives a value.

use std::collections::BTreeMap;

use super::{
    expression::{Operand, VariableId},
    variables::{Sought, VariableSet},
};
use crate::resolve::tree::Collection;

/// The variables that have a value if two terms are equal and the variables in one of the sets `safe` have theirs.
pub(super) fn unify(safe: [&VariableSet; 2], left: &Operand, right: &Operand) -> VariableSet {
    let mut unifier = Unifier {
        safe,
        unified: VariableSet::new(),
        waiting: BTreeMap::new(),
    };
    unifier.unify(left, right);
    unifier.unified
}

struct Unifier<'a> {
    safe: [&'a VariableSet; 2],
    unified: VariableSet,
    /// For a variable without a value, the variables that it waits for.
    waiting: BTreeMap<VariableId, VariableSet>,
}

impl Unifier<'_> {
    fn is_safe(&self, variable: VariableId) -> bool {
        self.is_known(variable) || self.unified.contains(&variable)
    }

    /// Whether the variable has a value before the terms are compared.
    fn is_known(&self, variable: VariableId) -> bool {
        self.safe.iter().any(|safe| safe.contains(&variable))
    }

    fn unify(&mut self, left: &Operand, right: &Operand) {
        match (left, right) {
            (Operand::Variable(left), Operand::Variable(right)) => {
                if self.is_safe(*right) {
                    self.give(*left);
                } else if self.is_safe(*left) {
                    self.give(*right);
                } else {
                    self.waiting.entry(*left).or_default().insert(*right);
                    self.waiting.entry(*right).or_default().insert(*left);
                }
            }
            (Operand::Variable(variable), pattern @ (Operand::Array(_) | Operand::Object(_)))
            | (pattern @ (Operand::Array(_) | Operand::Object(_)), Operand::Variable(variable)) => {
                self.match_pattern(*variable, pattern);
            }
            (Operand::Reference(head, _), other) | (other, Operand::Reference(head, _)) => {
                let is_known = head.is_none_or(|head| self.is_known(head));
                match other {
                    Operand::Variable(variable) if is_known => self.give(*variable),
                    Operand::Array(_) | Operand::Object(_) if is_known => self.give_all(other),
                    _ => {}
                }
            }
            (Operand::Variable(variable), _) | (_, Operand::Variable(variable)) => {
                self.give(*variable);
            }
            (Operand::Comprehension(..), pattern @ Operand::Array(_))
            | (pattern @ Operand::Array(_), Operand::Comprehension(..))
            | (Operand::Comprehension(Collection::Object, _), pattern @ Operand::Object(_)) => {
                self.give_all(pattern);
            }
            (Operand::Array(left), Operand::Array(right)) if left.len() == right.len() => {
                for (left, right) in left.iter().zip(right) {
                    self.unify(left, right);
                }
            }
            (Operand::Object(left), Operand::Object(right)) if left.len() == right.len() => {
                for (key, left) in left {
                    if let Some((_, right)) = right.iter().find(|(other, _)| other == key) {
                        self.unify(left, right);
                    }
                }
            }
            _ => {}
        }
    }

    /// A variable equals an array or an object.
    fn match_pattern(&mut self, variable: VariableId, pattern: &Operand) {
        if self.is_safe(variable) {
            self.give_all(pattern);
            return;
        }
        let waits_for: Vec<VariableId> = of_pattern(pattern)
            .into_iter()
            .filter(|part| !self.is_safe(*part))
            .collect();
        if waits_for.is_empty() {
            self.give(variable);
        } else {
            self.waiting.entry(variable).or_default().extend(waits_for);
        }
    }

    fn give_all(&mut self, pattern: &Operand) {
        for variable in of_pattern(pattern) {
            self.give(variable);
        }
    }

    /// Gives a variable its value, and so those that wait for nothing else.
    fn give(&mut self, variable: VariableId) {
        self.unified.insert(variable);
        for other in self.waiting.remove(&variable).unwrap_or_default() {
            self.give(other);
        }
        let mut ready = Vec::new();
        for (other, waits_for) in &mut self.waiting {
            if waits_for.remove(&variable) && waits_for.is_empty() {
                ready.push(*other);
            }
        }
        for other in ready {
            self.give(other);
        }
    }
}

/// The variables of a pattern that can get a value.
fn of_pattern(pattern: &Operand) -> VariableSet {
    let mut variables = VariableSet::new();
    pattern.variables(Sought::OfPattern, &mut |variable| {
        variables.insert(variable);
    });
    variables
}
