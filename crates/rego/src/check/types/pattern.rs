//! What a value must look like to be equal to one of a type, and the types that its variables get by that.

use super::{
    kind::{Array, Type},
    statement::{NotYet, Ready, Statements},
    value::constant,
};
use crate::resolve::tree::{Local, Value, Variable};

impl Statements<'_> {
    /// Whether a value can be equal to one of a type; variables without a type get theirs.
    ///
    /// With `is_union` a variable takes this type beside the one that it has: the value is tried against several.
    pub(super) fn bind(&mut self, value: &Value, kind: &Type, is_union: bool) -> Ready<bool> {
        match value {
            Value::Wildcard => Ok(true),
            Value::Local(local) => self.bind_local(*local, kind, is_union),
            Value::Array(items) => match kind {
                Type::Array(array) => {
                    if array.rest.is_none() && items.len() != array.fixed.len() {
                        return Ok(false);
                    }
                    for (at, item) in items.iter().enumerate() {
                        if !self.bind(item, &array.element(Some(at)), is_union)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                _ => self.bind_other(value, items.iter(), kind),
            },
            Value::Object(pairs) => match kind {
                Type::Object(object) => {
                    if object.rest.is_none() && pairs.len() != object.fixed.len() {
                        return Ok(false);
                    }
                    for (key, value) in pairs {
                        let part = constant(key).map_or(Type::Any, |key| kind.part(&key));
                        if part == Type::Unknown || !self.bind(value, &part, is_union)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                _ => self.bind_other(
                    value,
                    pairs.iter().flat_map(|(key, value)| [key, value]),
                    kind,
                ),
            },
            Value::Set(items) => match kind {
                Type::Set(of) => {
                    for item in items {
                        if !self.bind(item, of, is_union)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                _ => self.bind_other(value, items.iter(), kind),
            },
            _ => Ok(self.value(value)?.unifies(kind)),
        }
    }

    /// A value with parts against a type that is not of its kind alone.
    fn bind_other<'v>(
        &mut self,
        value: &Value,
        parts: impl Iterator<Item = &'v Value>,
        kind: &Type,
    ) -> Ready<bool> {
        match kind {
            Type::Any => {
                for part in parts {
                    self.bind(part, &Type::Any, true)?;
                }
                Ok(true)
            }
            Type::OneOf(all) => {
                let mut holds = false;
                for one in all {
                    holds |= self.bind(value, one, true)?;
                }
                Ok(holds)
            }
            _ => Ok(false),
        }
    }

    fn bind_local(&mut self, local: Local, kind: &Type, is_union: bool) -> Ready<bool> {
        let own = self.local(local);
        // A query gives no value to a variable of a query around it.
        let is_of_around = |variable: &Variable| variable.depth < self.depth;
        let variable = self.variables.get(local);
        if own.is_err() && !self.takes_open_queries && variable.is_some_and(is_of_around) {
            return Err(NotYet);
        }
        let own = own.unwrap_or(Type::Unknown);
        if is_union {
            self.set_local(local, own.or(kind.clone()));
            return Ok(true);
        }
        if own != Type::Unknown {
            return Ok(own.unifies(kind));
        }
        self.set_local(local, kind.clone());
        Ok(true)
    }

    /// Gives a variable without a type that of a comprehension whose elements have no type. OPA then takes the elements for values that
    /// nothing equals.
    pub(super) fn give_comprehension(&mut self, variable: &Value, value: &Value) -> Ready<bool> {
        let (Value::Local(local), Value::Comprehension(..)) = (variable, value) else {
            return Ok(false);
        };
        if !matches!(self.local(*local), Err(NotYet) | Ok(Type::Unknown)) {
            return Ok(false);
        }
        let kind = self.attempt(|this| this.value(value))?;
        let is_given = kind.is_unknown();
        if is_given {
            self.set_local(*local, kind);
        }
        Ok(is_given)
    }

    /// Whether two values, whose variables have values, can be equal.
    pub(super) fn match_both(
        &mut self,
        left: &Value,
        one: &Type,
        right: &Value,
        other: &Type,
    ) -> Ready<bool> {
        match (one.is_unknown(), other.is_unknown()) {
            (true, false) => self.bind(left, other, false),
            (false, true) => self.bind(right, one, false),
            (false, false) => Ok(one.unifies(other)),
            (true, true) => match (left, right) {
                (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                    for (left, right) in left.iter().zip(right) {
                        let (one, other) = (self.value(left)?, self.value(right)?);
                        if !self.match_both(left, &one, right, &other)? {
                            return Ok(false);
                        }
                    }
                    Ok(true)
                }
                (Value::Local(_), _) | (_, Value::Local(_)) => {
                    Ok(self.bind(left, &Type::Any, false)?
                        && self.bind(right, &Type::Any, false)?)
                }
                // Nothing is known of either side.
                _ => Ok(true),
            },
        }
    }

    /// A value of which nothing is known, and a pattern that takes it apart.
    pub(super) fn match_unknown(&mut self, value: &Value, pattern: &Value) -> Ready<bool> {
        if !self.bind(value, &Type::Any, false)? || !self.bind(pattern, &Type::Any, false)? {
            return Ok(false);
        }
        let kind = self.pattern(pattern)?;
        self.bind(value, &kind, false)
    }

    /// The type of a pattern whose variables have types.
    fn pattern(&mut self, pattern: &Value) -> Ready<Type> {
        match pattern {
            Value::Wildcard => Ok(Type::Any),
            Value::Array(items) => {
                let fixed = items.iter().map(|item| self.pattern(item));
                let array = Type::Array(Array {
                    fixed: fixed.collect::<Ready<_>>()?,
                    rest: items.is_empty().then(|| Box::new(Type::Any)),
                });
                Ok(array.bounded())
            }
            _ => self.value(pattern),
        }
    }
}
