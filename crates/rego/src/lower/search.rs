//! References inside other values that search, such as `input.xs[i]`. They give values to variables in other parts.

use std::borrow::Cow;

use super::{Looks, Lower, Ready, value::is_relation};
use crate::resolve::tree::Value;

impl Lower<'_> {
    /// The value with variables in place of references that search. The references give values to other parts of it.
    pub(super) fn searched<'v>(&mut self, value: &'v Value) -> Ready<Cow<'v, Value>> {
        if self.looks != Looks::ToBind || !self.searches(value) {
            return Ok(Cow::Borrowed(value));
        }
        let all = |lower: &mut Self, items: &[Value]| {
            let mut made = Vec::new();
            for item in items {
                made.push(lower.searched(item)?.into_owned());
            }
            Ok(made)
        };
        Ok(Cow::Owned(match value {
            Value::Document { .. } | Value::Inside(..) => {
                let term = self.operand(value)?;
                Value::Local(self.variable(term))
            }
            Value::Call(function, arguments) if !is_relation(function) => {
                Value::Call(function.clone(), all(self, arguments)?)
            }
            Value::Array(items) => Value::Array(all(self, items)?),
            Value::Set(items) => Value::Set(all(self, items)?),
            Value::Object(pairs) => {
                let mut made = Vec::new();
                for (key, value) in pairs {
                    let key = self.searched(key)?.into_owned();
                    made.push((key, self.searched(value)?.into_owned()));
                }
                Value::Object(made)
            }
            Value::Infix(operator, operands) => {
                let left = self.searched(&operands.0)?.into_owned();
                let right = self.searched(&operands.1)?.into_owned();
                Value::Infix(*operator, Box::new((left, right)))
            }
            other => return Ok(Cow::Owned(other.clone())),
        }))
    }

    /// Whether a value contains a reference that searches.
    fn searches(&self, value: &Value) -> bool {
        let any = |items: &[Value]| items.iter().any(|item| self.searches(item));
        match value {
            Value::Document { way, .. } => !way.iter().all(|key| self.is_ground(key)),
            Value::Inside(head, way) => {
                self.searches(head) || !way.iter().all(|key| self.is_ground(key))
            }
            Value::Call(function, items) => !is_relation(function) && any(items),
            Value::Array(items) | Value::Set(items) => any(items),
            Value::Object(pairs) => pairs
                .iter()
                .any(|(key, value)| self.searches(key) || self.searches(value)),
            Value::Infix(_, operands) => self.searches(&operands.0) || self.searches(&operands.1),
            _ => false,
        }
    }
}
