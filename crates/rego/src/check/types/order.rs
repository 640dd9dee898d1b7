//! The order in which OPA looks at the statements of a query.

use super::{
    kind::Type,
    statement::{NotYet, Ready, Statements},
};
use crate::resolve::{
    tree::{Literal, LiteralKind, Query, Value},
    uses,
};

/// What is taken from a query when nothing else is left.
#[derive(PartialEq, Eq)]
enum Patience {
    /// Statements whose variables have values.
    Statements,
    /// Negations too: only a call within one can give a variable its value there, since OPA evaluates it before.
    Negations,
    /// Values with a query inside that needs a variable without a value.
    OpenQueries,
}

impl Patience {
    const ALL: [Self; 3] = [Self::Statements, Self::Negations, Self::OpenQueries];
}

impl Statements<'_> {
    /// Takes each statement as soon as its variables have values, as OPA orders them. Returns whether all were taken.
    pub(super) fn query(&mut self, query: &Query) -> bool {
        let mut rest: Vec<&Literal> = query.literals.iter().collect();
        let around = (self.span, self.takes_open_queries);
        let most = if self.depth == 1 || self.takes_open_queries {
            Patience::ALL.len()
        } else {
            Patience::ALL.len() - 1
        };
        let mut patience = Patience::ALL.iter().take(most);
        let mut now = patience.next();
        while !rest.is_empty() {
            let Some(taken) = now else { break };
            self.takes_open_queries = *taken == Patience::OpenQueries;
            let before = rest.len();
            rest.retain(|literal| {
                self.span = literal.span;
                let waits = *taken == Patience::Statements && self.is_waiting_negation(literal);
                waits || self.attempt(|this| this.literal(literal)).is_err()
            });
            if rest.len() < before {
                patience = Patience::ALL.iter().take(most);
            }
            now = patience.next();
        }
        (self.span, self.takes_open_queries) = around;
        // A variable never gets a value. The stage that orders statements reports this.
        rest.is_empty()
    }

    /// Whether a statement is a negation with a variable that has no value yet.
    fn is_waiting_negation(&self, literal: &Literal) -> bool {
        let mut waits = false;
        if matches!(literal.kind, LiteralKind::Not(_)) {
            uses::values_of_literal(literal, &mut |value| {
                waits |= matches!(value, Value::Local(local) if self.local(*local).is_err());
            });
        }
        waits
    }

    /// Forgets what was found where a variable has no value yet.
    pub(super) fn attempt<T>(&mut self, what: impl FnOnce(&mut Self) -> Ready<T>) -> Ready<T> {
        let types = self.types();
        let (found, looked_at) = (self.diagnostics.len(), self.order.len());
        let outcome = what(self);
        if outcome.is_err() {
            self.return_to(types);
            self.diagnostics.truncate(found);
            for address in self.order.drain(looked_at..) {
                self.remembered.remove(&address);
            }
        }
        outcome
    }

    /// Checks a query within a value. Types found for outer variables are discarded afterwards, as in OPA.
    pub(super) fn closure(
        &mut self,
        query: &Query,
        value: impl FnOnce(&mut Self) -> Ready<Type>,
    ) -> Ready<Type> {
        let types = self.types();
        let found = self.diagnostics.len();
        self.depth += 1;
        let is_complete = self.query(query);
        let kind = value(self);
        self.depth -= 1;
        self.return_to(types);
        if !is_complete && !self.takes_open_queries {
            return Err(NotYet);
        }
        // A faulty statement may not have given the value's variables a type, and the fault is told all the same.
        if is_complete && self.diagnostics.len() > found {
            return Ok(Type::Unknown);
        }
        let kind = kind?;
        Ok(if self.diagnostics.len() > found {
            Type::Unknown
        } else {
            kind
        })
    }
}
