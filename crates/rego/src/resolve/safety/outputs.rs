//! The variables that an expression names, and those that it gives a value.

use std::collections::BTreeSet;

use super::{
    expression::{Expression, ExpressionKind, Operand, VariableId},
    unify::unify,
};

pub(super) type VariableSet = BTreeSet<VariableId>;

/// The parts of a term whose variables are not looked for.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Skip {
    pub heads: bool,
    pub sets: bool,
    pub keys: bool,
    pub closures: bool,
    pub templates: bool,
}

/// The variables of the expression itself, without those of queries inside it.
const OWN: Skip = Skip {
    heads: false,
    sets: false,
    keys: false,
    closures: true,
    templates: false,
};

/// The variables that a call can give values, or needs.
const OF_CALL: Skip = Skip {
    heads: true,
    sets: true,
    keys: true,
    closures: true,
    templates: true,
};

impl Operand {
    /// Calls `found` with each variable of the term.
    pub(super) fn variables(&self, skip: Skip, found: &mut dyn FnMut(VariableId)) {
        match self {
            Self::Scalar(_) => {}
            Self::Variable(variable) => found(*variable),
            Self::Reference(head, way) => {
                if let Some(head) = head.filter(|_| !skip.heads) {
                    found(head);
                }
                way.iter().for_each(|key| key.variables(skip, found));
            }
            Self::Array(items) => items.iter().for_each(|item| item.variables(skip, found)),
            Self::Template(items) => {
                if !skip.templates {
                    items.iter().for_each(|item| item.variables(skip, found));
                }
            }
            Self::Set(items) => {
                if !skip.sets {
                    items.iter().for_each(|item| item.variables(skip, found));
                }
            }
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    if !skip.keys {
                        key.variables(skip, found);
                    }
                    value.variables(skip, found);
                }
            }
            Self::Comprehension(_, query) => {
                if !skip.closures {
                    query.iter().for_each(|one| one.variables(skip, found));
                }
            }
        }
    }

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
                let keys = Skip {
                    heads: true,
                    templates: true,
                    ..Skip::default()
                };
                for key in way {
                    key.variables(keys, &mut |variable| {
                        found.insert(variable);
                    });
                    key.searched(safe, found);
                }
            }
            Self::Array(items) | Self::Set(items) => {
                items.iter().for_each(|item| item.searched(safe, found));
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
                items.iter().for_each(|item| item.of_templates(found));
            }
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    key.of_templates(found);
                    value.of_templates(found);
                }
            }
            Self::Template(_) => self.variables(OWN, found),
        }
    }

    /// Calls `found` with each query inside the term, but not with those inside such a query.
    fn closures<'t>(&'t self, found: &mut dyn FnMut(&'t [Expression])) {
        match self {
            Self::Scalar(_) | Self::Variable(_) => {}
            Self::Reference(_, items)
            | Self::Array(items)
            | Self::Set(items)
            | Self::Template(items) => items.iter().for_each(|item| item.closures(found)),
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    key.closures(found);
                    value.closures(found);
                }
            }
            Self::Comprehension(_, query) => found(query),
        }
    }
}

impl Expression {
    /// The terms of the expression.
    fn terms(&self) -> impl Iterator<Item = &Operand> {
        let (first, second): (&[Operand], &[Operand]) = match &self.kind {
            ExpressionKind::Term(term) => (std::slice::from_ref(term), &[]),
            ExpressionKind::Call { inputs, outputs } => (inputs, outputs),
            ExpressionKind::Equal(left, right) => {
                (std::slice::from_ref(left), std::slice::from_ref(right))
            }
            ExpressionKind::Every { .. } => (&[], &[]),
        };
        first.iter().chain(second).chain(&self.with)
    }

    fn variables(&self, skip: Skip, found: &mut dyn FnMut(VariableId)) {
        self.terms().for_each(|term| term.variables(skip, found));
        if let ExpressionKind::Every {
            domain,
            declared,
            body,
        } = &self.kind
        {
            found(*domain);
            if !skip.closures {
                declared.iter().for_each(|declared| found(*declared));
                body.iter().for_each(|one| one.variables(skip, found));
            }
        }
    }

    /// The variables of the expression in the order in which they are written, without those of queries inside it.
    pub(super) fn own_variables(&self) -> Vec<VariableId> {
        let mut own = Vec::new();
        self.variables(OWN, &mut |variable| own.push(variable));
        own
    }

    /// Calls `found` with each query inside the expression, and with the variables that `every` declares for it.
    pub(super) fn closures<'t>(
        &'t self,
        found: &mut dyn FnMut(&'t [Expression], &'t [VariableId]),
    ) {
        for term in self.terms() {
            term.closures(&mut |query| found(query, &[]));
        }
        if let ExpressionKind::Every { declared, body, .. } = &self.kind {
            found(body, declared);
        }
    }

    /// All variables of the queries inside the expression.
    pub(super) fn closed_over(&self) -> VariableSet {
        let mut all = VariableSet::new();
        self.closures(&mut |query, _| {
            for one in query {
                one.variables(Skip::default(), &mut |variable| {
                    all.insert(variable);
                });
            }
        });
        all
    }

    /// The variables that the expression gives a value, if those in `safe` have theirs.
    pub(super) fn outputs(&self, safe: &VariableSet) -> VariableSet {
        let mut outputs = VariableSet::new();
        let has_none = self.is_negated || matches!(self.kind, ExpressionKind::Every { .. });
        if has_none || !are_safe(&self.with, OWN, safe, &outputs) {
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
                if !are_safe(inputs, OF_CALL, safe, &outputs) {
                    return VariableSet::new();
                }
                for result in results {
                    result.variables(OF_CALL, &mut |variable| {
                        outputs.insert(variable);
                    });
                }
                outputs
            }
            ExpressionKind::Equal(left, right) => {
                let known: VariableSet = outputs.union(safe).copied().collect();
                let unified = unify(&known, left, right);
                known
                    .union(&unified)
                    .filter(|variable| !safe.contains(variable))
                    .copied()
                    .collect()
            }
        }
    }
}

/// Whether all variables of the terms have a value.
fn are_safe(terms: &[Operand], skip: Skip, safe: &VariableSet, outputs: &VariableSet) -> bool {
    let mut are_safe = true;
    for term in terms {
        term.variables(skip, &mut |variable| {
            are_safe &= safe.contains(&variable) || outputs.contains(&variable);
        });
    }
    are_safe
}
