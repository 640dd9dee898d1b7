//! The variables that an expression names, and the queries inside it.

use std::collections::BTreeSet;

use super::expression::{Expression, ExpressionKind, Operand, VariableId};

pub(super) type VariableSet = BTreeSet<VariableId>;

/// Which variables are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// All.
    All,
    /// Those of the expression itself, without those of queries inside it.
    Own,
    /// Those that the keys of a reference can give a value.
    OfKeys,
    /// Those that a call can give a value, or needs.
    OfCall,
    /// Those that a pattern can give a value.
    OfPattern,
}

impl Sought {
    fn heads(self) -> bool {
        matches!(self, Self::All | Self::Own)
    }

    fn sets(self) -> bool {
        self != Self::OfCall
    }

    fn keys_of_objects(self) -> bool {
        !matches!(self, Self::OfCall | Self::OfPattern)
    }

    fn queries(self) -> bool {
        matches!(self, Self::All | Self::OfKeys)
    }

    fn templates(self) -> bool {
        matches!(self, Self::All | Self::Own)
    }
}

impl Operand {
    /// Calls `found` with each variable of the term.
    pub(super) fn variables(&self, sought: Sought, found: &mut dyn FnMut(VariableId)) {
        match self {
            Self::Scalar(_) => {}
            Self::Variable(variable) => found(*variable),
            Self::Reference(head, way) => {
                if let Some(head) = head.filter(|_| sought.heads()) {
                    found(head);
                }
                for key in way {
                    key.variables(sought, found);
                }
            }
            Self::Array(items) => items.iter().for_each(|item| item.variables(sought, found)),
            Self::Template(items) => {
                if sought.templates() {
                    for item in items {
                        item.variables(sought, found);
                    }
                }
            }
            Self::Set(items) => {
                if sought.sets() {
                    for item in items {
                        item.variables(sought, found);
                    }
                }
            }
            Self::Object(pairs) => {
                for (key, value) in pairs {
                    if sought.keys_of_objects() {
                        key.variables(sought, found);
                    }
                    value.variables(sought, found);
                }
            }
            Self::Comprehension(_, query) => {
                if sought.queries() {
                    for one in query {
                        one.variables(sought, found);
                    }
                }
            }
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
    pub(super) fn terms(&self) -> impl Iterator<Item = &Operand> {
        let (first, second): (&[Operand], &[Operand]) = match &self.kind {
            ExpressionKind::Term(term) => (std::slice::from_ref(term), &[]),
            ExpressionKind::Call { inputs, outputs } => (inputs, outputs),
            ExpressionKind::Equal(left, right) | ExpressionKind::Assigned { left, right } => {
                (std::slice::from_ref(left), std::slice::from_ref(right))
            }
            ExpressionKind::Every { .. } => (&[], &[]),
        };
        first.iter().chain(second).chain(&self.with)
    }

    fn variables(&self, sought: Sought, found: &mut dyn FnMut(VariableId)) {
        self.terms().for_each(|term| term.variables(sought, found));
        if let ExpressionKind::Every {
            domain,
            declared,
            body,
        } = &self.kind
        {
            found(*domain);
            if sought.queries() {
                for declared in declared {
                    found(*declared);
                }
                for one in body {
                    one.variables(sought, found);
                }
            }
        }
    }

    /// The variables of the expression in the order in which they are written, without those of queries inside it.
    pub(super) fn own_variables(&self) -> Vec<VariableId> {
        let mut own = Vec::new();
        self.variables(Sought::Own, &mut |variable| own.push(variable));
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
                one.variables(Sought::All, &mut |variable| {
                    all.insert(variable);
                });
            }
        });
        all
    }
}
