//! Functions for arrays and objects. Those that make larger values count against the budget.

use regorus::Value;

use super::{Builtin, budget, by_regorus};

pub(super) const ALL: [Builtin; 7] = [
    Builtin {
        name: "array.concat",
        arity: 2,
        call: |arguments| grown("array.concat", arguments),
    },
    Builtin {
        name: "object.union",
        arity: 2,
        call: |arguments| grown("object.union", arguments),
    },
    Builtin {
        name: "object.union_n",
        arity: 1,
        call: |arguments| grown("object.union_n", arguments),
    },
    Builtin {
        name: "object.subset",
        arity: 2,
        call: subset,
    },
    Builtin {
        name: "json.patch",
        arity: 2,
        call: patch,
    },
    Builtin {
        name: "walk",
        arity: 1,
        call: walk,
    },
    // The engine evaluates a function named `walk` in a special way, so the translation calls it by this name.
    Builtin {
        name: "internal.walk",
        arity: 1,
        call: walk,
    },
];

fn grown(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    budget::elements(arguments.iter().map(size).sum())?;
    by_regorus(name, arguments)
}

/// A patch is applied copy by copy, because each copy can double the value. All values in it count, also where the
/// engine shares them, because the patch writes them one by one.
fn patch(arguments: &[Value]) -> Result<Value, String> {
    let [value, Value::Array(operations)] = arguments else {
        return by_regorus("json.patch", arguments);
    };
    let mut value = value.clone();
    let mut rest = operations.iter().peekable();
    while let Some(first) = rest.next() {
        let mut next = vec![first.clone()];
        while let Some(operation) = rest.next_if(|operation| !is_copy(operation)) {
            next.push(operation.clone());
        }
        count(&value)?;
        next.iter().try_for_each(count)?;
        value = by_regorus("json.patch", &[value, Value::from(next)])?;
    }
    Ok(value)
}

fn is_copy(operation: &Value) -> bool {
    matches!(&operation["op"], Value::String(name) if name.as_ref() == "copy")
}

/// Counts a value and all values in it.
fn count(value: &Value) -> Result<(), String> {
    budget::elements(1)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(count),
        Value::Set(members) => members.iter().try_for_each(count),
        Value::Object(fields) => fields.iter().try_for_each(|(_, field)| count(field)),
        _ => Ok(()),
    }
}

/// The number of elements of a collection. For a list of collections, their elements count too.
fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + length(item)).sum(),
        other => length(other),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.len(),
        Value::Set(members) => members.len(),
        Value::Object(fields) => fields.len(),
        _ => 1,
    }
}

/// regorus panics if the second array is empty. It also gives results for types for which OPA has none.
fn subset(arguments: &[Value]) -> Result<Value, String> {
    match arguments {
        [Value::Array(_), Value::Array(part)] if part.is_empty() => Ok(Value::Bool(true)),
        [Value::Array(items), Value::Set(part)] => {
            // As in OPA, an element that occurs twice in the array counts twice.
            let found = items.iter().filter(|item| part.contains(item)).count();
            Ok(Value::Bool(!items.is_empty() && found >= part.len()))
        }
        [Value::Object(_), Value::Object(_)]
        | [Value::Array(_), Value::Array(_)]
        | [Value::Set(_), Value::Set(_)] => by_regorus("object.subset", arguments),
        _ => Err("both operands must be objects, sets or arrays".to_owned()),
    }
}

/// Every value within a value, with its path.
fn walk(arguments: &[Value]) -> Result<Value, String> {
    let mut found = Vec::new();
    if let Some(value) = arguments.first() {
        step(value, &mut Vec::new(), &mut found)?;
    }
    Ok(Value::from(found))
}

fn step(value: &Value, way: &mut Vec<Value>, found: &mut Vec<Value>) -> Result<(), String> {
    budget::elements(way.len() + 3)?;
    found.push(Value::from(vec![Value::from(way.clone()), value.clone()]));
    let mut inner = |key: Value, value: &Value| {
        way.push(key);
        let outcome = step(value, way, found);
        way.pop();
        outcome
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                inner(Value::from(index), item)?;
            }
        }
        Value::Set(members) => {
            for member in members.iter() {
                inner(member.clone(), member)?;
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields.iter_sorted() {
                inner(key.clone(), field)?;
            }
        }
        _ => {}
    }
    Ok(())
}
