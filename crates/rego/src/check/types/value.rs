//! The types of values, and references into them.

use super::{
    declared::of_operator,
    documents::{Segment, steps},
    kind::{Array, Key, Type},
    statement::{NotYet, Ready, Statements, object},
};
use crate::resolve::tree::{Collection, Function, Part, Scalar, Value};

impl Statements<'_> {
    /// The type of a value.
    ///
    /// A call, a reference or a comprehension is looked at once in a statement, however often its type is asked for.
    pub(super) fn value(&mut self, value: &Value) -> Ready<Type> {
        let is_remembered = matches!(
            value,
            Value::Call(..)
                | Value::Infix(..)
                | Value::Document { .. }
                | Value::Inside(..)
                | Value::Comprehension(..)
        );
        if !is_remembered {
            return Ok(self.type_of(value)?.bounded());
        }
        if let Some(kind) = self.remembered(value) {
            return Ok(kind);
        }
        let kind = self.type_of(value)?.bounded();
        self.remember(value, &kind);
        Ok(kind)
    }

    fn type_of(&mut self, value: &Value) -> Ready<Type> {
        Ok(match value {
            Value::Scalar(scalar) => match scalar {
                Scalar::Null => Type::Null,
                Scalar::Bool(_) => Type::Boolean,
                Scalar::Number(_) => Type::Number,
                Scalar::String(_) => Type::String,
            },
            Value::Template(parts) => {
                for part in parts {
                    if let Part::Value(value, ..) = part {
                        self.value(value)?;
                    }
                }
                Type::String
            }
            Value::Local(local) => self.local(*local)?,
            Value::Wildcard => return Err(NotYet),
            Value::Document { path, way } => self.document(path, way)?,
            Value::Inside(head, way) => {
                let mut kind = self.value(head)?;
                if let (Type::Unknown, Value::Local(local)) = (&kind, &**head) {
                    kind = Type::Any;
                    self.set_local(*local, Type::Any);
                }
                let start = match &**head {
                    Value::Local(local) => self.name(*local),
                    _ => "the value".to_owned(),
                };
                self.walk(kind, &start, way)?
            }
            Value::Call(function, arguments) => self.call(function, arguments)?,
            Value::Array(items) => Type::Array(Array {
                fixed: self.all(items)?,
                rest: items.is_empty().then(|| Box::new(Type::Any)),
            }),
            Value::Set(items) => {
                let of = self.all(items)?.into_iter().fold(Type::Unknown, Type::or);
                Type::Set(Box::new(if items.is_empty() { Type::Any } else { of }))
            }
            Value::Object(pairs) => {
                let (mut fixed, mut rest) = (Vec::new(), None);
                for (key, value) in pairs {
                    let value = self.value(value)?;
                    match constant(key) {
                        Some(key) => fixed.push((key, value)),
                        None => rest = Some((self.value(key)?, value)),
                    }
                }
                object(fixed, rest)
            }
            Value::Comprehension(collection, first, second, query) => {
                self.closure(query, |this| {
                    // A reference of the head can give a variable its value, as in `[x, xs[x]]`.
                    for value in [Some(first), second.as_ref()].into_iter().flatten() {
                        let _ = this.attempt(|this| this.references(value));
                    }
                    let kind = this.value(first)?;
                    Ok(match (collection, second) {
                        // OPA takes an array of elements without a type for one without elements.
                        (Collection::Array, _) => Type::Array(Array {
                            fixed: Vec::new(),
                            rest: (kind != Type::Unknown).then(|| Box::new(kind)),
                        }),
                        (Collection::Set, _) => Type::Set(Box::new(kind)),
                        (Collection::Object, Some(second)) => {
                            Type::object_of(kind, this.value(second)?)
                        }
                        (Collection::Object, None) => Type::Any,
                    })
                })?
            }
            Value::Infix(operator, operands) => {
                let operands = [&operands.0, &operands.1];
                let before = self.diagnostics.len();
                self.evaluated(&operands)?;
                match of_operator(*operator)
                    .and_then(|name| Some((name, self.declared.function(name)?)))
                {
                    Some((_, (takes, result))) => {
                        self.arguments(operator.sign(), &operands, takes, before)?;
                        result.clone()
                    }
                    None => self.compared(&operands)?,
                }
            }
            Value::In { key, operands } => {
                let key = key.as_deref();
                let all: Vec<&Value> = key.into_iter().chain([&operands.0, &operands.1]).collect();
                self.evaluated(&all)?;
                self.compared(&all)?
            }
        })
    }

    /// Looks at what OPA evaluates before a statement compares these values or gives them to a function: the calls, and then the
    /// references, which can give the variables beside them a type, as in `[x, xs[x]]`.
    pub(super) fn evaluated(&mut self, values: &[&Value]) -> Ready<()> {
        values.iter().try_for_each(|value| self.calls(value))?;
        values.iter().try_for_each(|value| self.references(value))
    }

    /// Looks at the calls within a value, the innermost first: OPA takes each out of its statement and puts it before.
    pub(super) fn calls(&mut self, value: &Value) -> Ready<()> {
        if let Value::Call(..) | Value::Infix(..) = value {
            return self.value(value).map(|_| ());
        }
        inside(value).try_for_each(|inner| self.calls(inner))
    }

    fn all(&mut self, values: &[Value]) -> Ready<Vec<Type>> {
        values.iter().map(|value| self.value(value)).collect()
    }

    /// What takes values of any type.
    fn compared(&mut self, operands: &[&Value]) -> Ready<Type> {
        for operand in operands {
            self.value(operand)?;
            self.bind(operand, &Type::Any, false)?;
        }
        Ok(Type::Boolean)
    }

    fn call(&mut self, function: &Function, arguments: &[Value]) -> Ready<Type> {
        let arguments: Vec<&Value> = arguments.iter().collect();
        let before = self.diagnostics.len();
        self.evaluated(&arguments)?;
        let Some(Type::Function(takes, result)) = self.function(function) else {
            for argument in arguments {
                self.value(argument)?;
            }
            return Ok(Type::Any);
        };
        let name = match function {
            Function::Builtin { name, .. } => name.clone(),
            Function::Rule { path, .. } => path.join("."),
        };
        let (inputs, output) = arguments.split_at(takes.len().min(arguments.len()));
        self.arguments(&name, inputs, &takes, before)?;
        if let [output] = output
            && !self.bind(output, &result, false)?
        {
            self.fault(
                format!(
                    "`{name}` gives {result}, which is never equal to what it is compared with"
                ),
                None,
            );
        }
        Ok(*result)
    }

    /// `before` is the number of faults before these arguments were looked at: each can be the cause of an unknown type.
    fn arguments(
        &mut self,
        name: &str,
        arguments: &[&Value],
        takes: &[Type],
        before: usize,
    ) -> Ready<()> {
        for (number, (argument, takes)) in arguments.iter().zip(takes).enumerate() {
            let found = self.diagnostics.len();
            let kind = self.value(argument)?;
            if !self.bind(argument, takes, false)?
                && self.diagnostics.len() == found
                && (found == before || !kind.is_unknown())
            {
                self.fault(
                    format!(
                        "`{name}` takes {takes} as argument {}, found {kind}",
                        number + 1
                    ),
                    (name == "+" && kind == Type::String)
                        .then_some("write `concat(\"\", [a, b])` to join texts"),
                );
            }
        }
        Ok(())
    }

    fn document(&mut self, path: &[String], way: &[Value]) -> Ready<Type> {
        let start = path.join(".");
        if path.first().is_none_or(|first| first != "data") {
            return self.walk(Type::Any, &start, way);
        }
        let mut all = steps(path);
        all.extend(way.iter().map(|value| match constant(value) {
            Some(key) => Segment::Key(key),
            None => Segment::Value,
        }));
        let Some((mut kind, rest)) = self.documents.find(&all) else {
            return self.walk(Type::Any, &start, way);
        };
        if matches!(kind, Type::Function(..)) {
            self.fault(
                format!("`{start}` is a function, found without arguments"),
                None,
            );
            return Ok(Type::Unknown);
        }
        // The last names of the path can be keys of what a rule makes, and the first steps behind it names of rules.
        let names = rest.len().saturating_sub(way.len());
        for (at, step) in rest.iter().take(names).enumerate() {
            let above = path.get(..path.len() - names + at).unwrap_or_default();
            if let Segment::Key(key) = step {
                match self.part(&kind, key, || above.join(".")) {
                    Some(part) => kind = part,
                    None => return Ok(Type::Unknown),
                }
            }
        }
        let skipped = way.len().saturating_sub(rest.len());
        self.walk(kind, &start, way.get(skipped..).unwrap_or_default())
    }

    /// The type at the end of a reference's way, which gives its variables their types.
    fn walk(&mut self, mut kind: Type, start: &str, way: &[Value]) -> Ready<Type> {
        for (at, step) in way.iter().enumerate() {
            let above = || shown(start, way.get(..at).unwrap_or_default());
            if let Some(key) = constant(step) {
                match self.part(&kind, &key, above) {
                    Some(part) => kind = part,
                    None => return Ok(Type::Unknown),
                }
                continue;
            }
            let keys = kind.keys();
            if keys == Type::Unknown {
                self.has_no_parts(&kind, &above());
                return Ok(Type::Unknown);
            }
            let found = self.diagnostics.len();
            if !self.bind(step, &keys, false)? {
                let own = self.value(step)?;
                if self.diagnostics.len() == found && own != Type::Unknown {
                    let above = above();
                    self.fault(
                        format!("`{above}` takes {keys} in its brackets, found {own}"),
                        None,
                    );
                }
                return Ok(Type::Unknown);
            }
            kind = kind.values();
        }
        Ok(kind)
    }

    fn part(&mut self, kind: &Type, key: &Key, above: impl Fn() -> String) -> Option<Type> {
        let part = kind.part(key);
        if part != Type::Unknown {
            return Some(part);
        }
        if kind.keys() == Type::Unknown {
            self.has_no_parts(kind, &above());
        } else {
            let above = above();
            self.fault(
                format!("`{above}` is {kind} and never has the part {key}"),
                None,
            );
        }
        None
    }

    fn has_no_parts(&mut self, kind: &Type, above: &str) {
        if *kind != Type::Unknown {
            self.fault(format!("`{above}` is {kind}, which has no parts"), None);
        }
    }
}

/// A reference in an author's words, as far as it is constant.
fn shown(start: &str, way: &[Value]) -> String {
    let mut shown = start.to_owned();
    for step in way {
        match constant(step) {
            Some(Key::String(name)) => {
                shown.push('.');
                shown.push_str(&name);
            }
            Some(Key::Number(number)) => {
                shown.push('[');
                shown.push_str(&number);
                shown.push(']');
            }
            _ => shown.push_str("[..]"),
        }
    }
    shown
}

/// The direct parts of a value. A comprehension has none, since its query is checked by itself.
pub(super) fn inside(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Scalar(_)
        | Value::Local(_)
        | Value::Wildcard
        | Value::Template(_)
        | Value::Comprehension(..) => Box::new(std::iter::empty()),
        Value::Document { way, .. } => Box::new(way.iter()),
        Value::Inside(head, way) => Box::new(std::iter::once(&**head).chain(way)),
        Value::Call(_, items) | Value::Array(items) | Value::Set(items) => Box::new(items.iter()),
        Value::Object(pairs) => Box::new(pairs.iter().flat_map(|(key, value)| [key, value])),
        Value::Infix(_, operands) => Box::new([&operands.0, &operands.1].into_iter()),
        Value::In { key, operands } => {
            Box::new(key.as_deref().into_iter().chain([&operands.0, &operands.1]))
        }
    }
}

/// The key that a constant is.
pub(super) fn constant(value: &Value) -> Option<Key> {
    let Value::Scalar(scalar) = value else {
        return None;
    };
    Some(match scalar {
        Scalar::Null => Key::Null,
        Scalar::Bool(value) => Key::Boolean(*value),
        Scalar::Number(number) => Key::Number(usual(number)),
        Scalar::String(text) => Key::String(text.clone()),
    })
}

/// A number as it is usually written, so that `1.0` is the key `1`. A number that f64 cannot hold exactly is not changed.
pub(in crate::check) fn usual(number: &str) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.parse::<f64>() {
        Ok(value) if value.fract() == 0.0 && value.abs() < EXACT => {
            // Without the sign of a zero.
            format!("{}", value + 0.0)
        }
        _ => number.to_owned(),
    }
}
