//! Functions that translated policies call: for collections, patterns and template strings.

use regorus::Value;

use super::{Builtin, budget, errors, format, object_by_paths::object_by_paths};

pub(super) const ALL: [Builtin; 11] = [
    Builtin {
        name: "internal.one_output",
        arity: 1,
        call: |arguments| {
            one(
                arguments,
                "complete rules must not produce multiple outputs",
            )
        },
    },
    Builtin {
        name: "internal.one_output_of_function",
        arity: 1,
        call: |arguments| {
            let conflict = "functions must not produce multiple outputs for same inputs";
            one(arguments, conflict)
        },
    },
    Builtin {
        name: "internal.object_of_pairs",
        arity: 1,
        call: object_of_pairs,
    },
    Builtin {
        name: "internal.iterable",
        arity: 1,
        call: |arguments| Ok(iterable(arguments)),
    },
    Builtin {
        name: "internal.is_collection",
        arity: 1,
        call: |arguments| Ok(Value::Bool(arguments.first().is_some_and(is_collection))),
    },
    Builtin {
        name: "internal.array_of",
        arity: 2,
        call: |arguments| Ok(Value::Bool(is_array_of(arguments))),
    },
    Builtin {
        name: "internal.object_of",
        arity: 2,
        call: |arguments| Ok(Value::Bool(is_object_of(arguments))),
    },
    Builtin {
        name: "internal.template_string",
        arity: 1,
        call: template_string,
    },
    Builtin {
        name: "internal.same",
        arity: 1,
        call: |arguments| arguments.first().cloned().ok_or_else(String::new),
    },
    Builtin {
        name: "internal.object_by_paths",
        arity: 2,
        call: object_by_paths,
    },
    Builtin {
        name: "internal.note",
        arity: 1,
        call: trace,
    },
];

fn is_collection(value: &Value) -> bool {
    matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_))
}

/// Returns a collection unchanged, and an empty one for any other value. OPA finds nothing in other values, but the
/// engine would fail.
fn iterable(arguments: &[Value]) -> Value {
    match arguments.first() {
        Some(value) if is_collection(value) => value.clone(),
        _ => Value::new_array(),
    }
}

/// The only member of a set, or undefined if there is none. Several members are a conflict, which refuses the request.
fn one(arguments: &[Value], conflict: &str) -> Result<Value, String> {
    let Some(Value::Set(values)) = arguments.first() else {
        return Err("operand 1 must be a set".to_owned());
    };
    let mut values = values.iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value.clone()),
        (None, _) => Ok(Value::Undefined),
        (Some(_), Some(_)) => Err(errors::refuse(conflict)),
    }
}

/// An object of a set of pairs. Two values for one key are a conflict, which refuses the request.
fn object_of_pairs(arguments: &[Value]) -> Result<Value, String> {
    let Some(Value::Set(pairs)) = arguments.first() else {
        return Err("operand 1 must be a set".to_owned());
    };
    let mut object = Value::new_object();
    let fields = object.as_object_mut().map_err(|e| e.to_string())?;
    for pair in pairs.iter() {
        let Value::Array(pair) = pair else {
            return Err("operand 1 must be a set of pairs".to_owned());
        };
        let [key, value] = pair.as_slice() else {
            return Err("operand 1 must be a set of pairs".to_owned());
        };
        if fields.insert(key.clone(), value.clone()).is_some() {
            return Err(errors::refuse("object keys must be unique"));
        }
    }
    Ok(object)
}

/// Whether a value is an array with this number of elements.
fn is_array_of(arguments: &[Value]) -> bool {
    let [Value::Array(items), Value::Number(count)] = arguments else {
        return false;
    };
    let count = count.as_u64().and_then(|count| usize::try_from(count).ok());
    count == Some(items.len())
}

/// Whether a value is an object with exactly these keys.
fn is_object_of(arguments: &[Value]) -> bool {
    let [Value::Object(fields), Value::Array(keys)] = arguments else {
        return false;
    };
    let has_all = keys.iter().all(|key| fields.get(key).is_some());
    has_all && fields.len() == keys.len()
}

/// Joins the parts of a template string. Each part is a text or a set of at most one value.
fn template_string(arguments: &[Value]) -> Result<Value, String> {
    let Some(Value::Array(parts)) = arguments.first() else {
        return Err("operand 1 must be an array".to_owned());
    };
    let mut text = String::new();
    for part in parts.iter() {
        match part {
            Value::Set(values) if values.len() > 1 => {
                // This is an error in OPA too.
                return Err(errors::refuse(
                    "an expression in a template string has several values",
                ));
            }
            Value::Set(values) => match values.iter().next() {
                Some(Value::String(value)) => text.push_str(value),
                Some(value) => text.push_str(&format::shown(value)?),
                None => text.push_str("<undefined>"),
            },
            Value::String(value) => text.push_str(value),
            other => text.push_str(&format::shown(other)?),
        }
    }
    budget::text(text.len())?;
    Ok(super::string(&text))
}

/// `trace` checks its text and does nothing else: nobody reads it here.
fn trace(arguments: &[Value]) -> Result<Value, String> {
    super::text(arguments, 0)?;
    Ok(Value::Bool(true))
}
