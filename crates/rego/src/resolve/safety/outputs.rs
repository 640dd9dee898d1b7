//! The variables that an expression gives a value.

use super::{
    expression::{Expression, ExpressionKind, Operand, VariableId},
    unify::unify,
    variables::{Sought, VariableSet},
};

impl Operand {
    /// Whether the term has to be evaluated, since it has a reference or a comprehension.
    pub(super) fn is_evaluated(&self) -> bool {
        match self {
            Self::Scalar(_) | Self::Variable(_) => false,
            Self::Reference(..) | Self::Comprehension(..) | Self::Template(_) => true,
            Self::Array(items) | Self::Set(items) => items.iter().any(Self::is_evaluated),
            Self::Object(pairs) => pairs
                .iter()
                .any(|(key, value)| key.is_evaluated() || value.is_evaluated()),
        }
    }

    /// Adds the variables in the keys of references whose start has a value.
    fn searched(&self, safe: &VariableSet, found: &mut VariableSet) {
        match self {
            Self::Scalar(_) | Self::Variable(_) | Self::Comprehension(..) | Self::Template(_) => {}
            Self::Reference(head, way) => {
                if head.is_some_and(|head| !safe.contains(&head)) {
                    return;
                }
                for key in way {
                    key.variables(Sought::OfKeys, &mut |variable| {
                        found.insert(variable);
                    });
                    key.searched(safe, found);
                }
            }
            Self::Array(items) | Self::Set(items) => {
                for item in items {
                    item.searched(safe, found);
                }
            }
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    key.searched(safe, found);
                    value.searched(safe, found);
                }
            }
        }
    }

    /// Calls `found` with each variable that a template string in the term needs.
    fn of_templates(&self, found: &mut dyn FnMut(VariableId)) {
        match self {
            Self::Scalar(_) | Self::Variable(_) | Self::Comprehension(..) => {}
            Self::Reference(_, items) | Self::Array(items) | Self::Set(items) => {
                for item in items {
                    item.of_templates(found);
                }
            }
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    key.of_templates(found);
                    value.of_templates(found);
                }
            }
            Self::Template(_) => self.variables(Sought::Own, found),
        }
    }
}

impl Expression {
    /// What OPA takes for the variables that the expression gives a value, where it compares them with those that queries inside the
    /// expression need. OPA keeps them in one set for all expressions, which some do not empty: `left` has what it holds.
    pub(super) fn compared_outputs(
        &self,
        outputs: &VariableSet,
        safe: &VariableSet,
        left: &mut VariableSet,
    ) -> VariableSet {
        if self.is_negated || !are_safe(&self.with, Sought::Own, safe, &VariableSet::new()) {
            return VariableSet::new();
        }
        match &self.kind {
            ExpressionKind::Term(_) => outputs.clone(),
            ExpressionKind::Every { .. } => left.clone(),
            ExpressionKind::Call { .. } => {
                left.clone_from(outputs);
                for term in self.terms() {
                    term.searched(safe, left);
                }
                outputs.clone()
            }
            ExpressionKind::Equal(..) | ExpressionKind::Assigned { .. } => {
                let mut compared = std::mem::take(left);
                compared.retain(|variable| !safe.contains(variable));
                compared.extend(outputs);
                compared
            }
        }
    }

    /// The variables that the expression gives a value, if those in `safe` have theirs.
    pub(super) fn outputs(&self, safe: &VariableSet) -> VariableSet {
        let mut outputs = VariableSet::new();
        let has_none = self.is_negated || matches!(self.kind, ExpressionKind::Every { .. });
        if has_none || !are_safe(&self.with, Sought::Own, safe, &outputs) {
            return outputs;
        }
        for term in self.terms() {
            term.searched(safe, &mut outputs);
        }
        match &self.kind {
            ExpressionKind::Term(_) | ExpressionKind::Every { .. } => outputs,
            ExpressionKind::Call {
                inputs,
                outputs: results,
            } => {
                // A template string is evaluated before the call, so the call cannot give its variables a value.
                let mut are_known = true;
                for input in inputs {
                    input.of_templates(&mut |variable| are_known &= safe.contains(&variable));
                }
                if !are_known {
                    return VariableSet::new();
                }
                if results.is_empty() {
                    return outputs;
                }
                if !are_safe(inputs, Sought::OfCall, safe, &outputs) {
                    return VariableSet::new();
                }
                for result in results {
                    result.variables(Sought::OfCall, &mut |variable| {
                        outputs.insert(variable);
                    });
                }
                outputs
            }
            ExpressionKind::Assigned { right, .. }
                if !are_safe(std::slice::from_ref(right), Sought::Own, safe, &outputs) =>
            {
                VariableSet::new()
            }
            ExpressionKind::Equal(left, right) | ExpressionKind::Assigned { left, right } => {
                let unified = unify([safe, &outputs], left, right);
                outputs.extend(unified);
                outputs.retain(|variable| !safe.contains(variable));
                outputs
            }
        }
    }
}

/// Whether all variables of the terms have a value.
fn are_safe(terms: &[Operand], sought: Sought, safe: &VariableSet, outputs: &VariableSet) -> bool {
    let mut are_safe = true;
    for term in terms {
        term.variables(sought, &mut |variable| {
            are_safe &= safe.contains(&variable) || outputs.contains(&variable);
        });
    }
    are_safe
}
