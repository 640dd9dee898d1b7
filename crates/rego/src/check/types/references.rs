//! What OPA looks at where it takes the types of calls and comparisons for granted: references and comprehensions alone.

use super::{
    kind::Type,
    statement::{Ready, Statements},
    value::inside,
};
use crate::resolve::tree::{Condition, LiteralKind, Query, Value};

impl Statements<'_> {
    /// Of the body of an `every`, and of a query that is negated, OPA looks at references and comprehensions alone. It knows nothing
    /// of its variables.
    ///
    /// `depth` is the number of queries that it adds: the variables of an `every` are those of a query of their own.
    pub(super) fn references_of_query(&mut self, query: &Query, depth: usize) {
        let types = self.types();
        let span = self.span;
        self.depth += depth;
        for (local, variable) in self.variables.iter().enumerate() {
            if variable.depth <= self.depth && self.local(local).is_err() {
                self.set_local(local, Type::Unknown);
            }
        }
        for literal in &query.literals {
            self.span = literal.span;
            // Nothing has to be ready here.
            let _ = match &literal.kind {
                LiteralKind::Condition(condition) | LiteralKind::Not(condition) => {
                    self.references_of_condition(condition)
                }
                LiteralKind::NotQuery(query) => {
                    self.references_of_query(query, 1);
                    Ok(())
                }
                LiteralKind::SomeIn { collection, .. } => self.searched(collection),
                LiteralKind::Every { domain, body, .. } => {
                    let ready = self.references(domain);
                    self.references_of_query(body, 2);
                    ready
                }
            };
        }
        self.depth -= depth;
        self.span = span;
        self.return_to(types);
    }

    /// The collection of a `some .. in`, which is the reference to each of its elements.
    fn searched(&mut self, collection: &Value) -> Ready<()> {
        let found = self.diagnostics.len();
        self.references(collection)?;
        if let Value::Local(_) | Value::Document { .. } | Value::Inside(..) = collection {
            let kind = self.value(collection)?;
            if kind.keys() == Type::Unknown {
                self.cannot_be_searched(&kind, found);
            }
        }
        Ok(())
    }

    pub(super) fn references_of_condition(&mut self, condition: &Condition) -> Ready<()> {
        match condition {
            Condition::Value(value) => self.references(value),
            Condition::Unify(left, right) => {
                self.references(left).and_then(|()| self.references(right))
            }
        }
    }

    /// Looks at the references and comprehensions within a value, and at nothing else.
    pub(super) fn references(&mut self, value: &Value) -> Ready<()> {
        match value {
            Value::Template(_) | Value::Comprehension(..) => self.value(value).map(|_| ()),
            Value::Document { way, .. } | Value::Inside(_, way) if !way.iter().any(is_call) => {
                self.value(value).map(|_| ())
            }
            // OPA evaluates a call before the reference, and looks at it no more than at any other call.
            other => inside(other).try_for_each(|inner| self.references(inner)),
        }
    }
}

fn is_call(value: &Value) -> bool {
    matches!(value, Value::Call(..) | Value::Infix(..) | Value::In { .. })
}
