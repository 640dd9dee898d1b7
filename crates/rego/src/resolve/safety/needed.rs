//! The variables that a value only needs: it stands where nothing gets a value, as in a template string or an argument of `print`.

use super::{
    expand::{Expander, Origin},
    expression::Operand,
};
use crate::{
    resolve::tree::{Part, Replacement, Value},
    source::Span,
};

impl Expander {
    /// Adds the variables of a value that gives none a value, and its comprehensions.
    pub(super) fn needed(&mut self, value: &Value, found: &mut Vec<Operand>) {
        match value {
            Value::Scalar(_) => {}
            Value::Local(local) => found.push(Operand::Variable(*local)),
            Value::Wildcard => {
                let wildcard = self.wildcard();
                found.push(wildcard);
            }
            Value::Document { way: items, .. }
            | Value::Call(_, items)
            | Value::Array(items)
            | Value::Set(items) => self.all_needed(items, found),
            Value::Inside(head, way) => {
                self.needed(head, found);
                self.all_needed(way, found);
            }
            Value::Object(pairs) => {
                for (key, value) in pairs {
                    self.needed(key, found);
                    self.needed(value, found);
                }
            }
            Value::Infix(_, operands) => {
                self.needed(&operands.0, found);
                self.needed(&operands.1, found);
            }
            Value::In { key, operands } => {
                let key = key.as_deref().into_iter();
                self.all_needed(key.chain([&operands.0, &operands.1]), found);
            }
            Value::Template(parts) => {
                for part in parts {
                    let Part::Value(value, with, _) = part else {
                        continue;
                    };
                    self.needed(value, found);
                    for one in with {
                        if let Replacement::Value(value) = &one.value {
                            self.needed(value, found);
                        }
                    }
                }
            }
            Value::Comprehension(..) => {
                let statement = Origin {
                    span: Span::default(),
                    with: Vec::new(),
                };
                let term = self.term(value, &statement, &mut Vec::new());
                found.push(term);
            }
        }
    }

    pub(super) fn all_needed<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
        found: &mut Vec<Operand>,
    ) {
        for value in values {
            self.needed(value, found);
        }
    }
}
