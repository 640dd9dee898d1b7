//! Functions that OPA only keeps for old policies, and `array.flatten`.

use std::collections::BTreeSet;

use regorus::Value;

use super::{Builtin, budget};

pub(super) const ALL: [Builtin; 10] = [
    Builtin {
        name: "all",
        arity: 1,
        call: |arguments| Ok(Value::Bool(members(arguments)?.into_iter().all(is_true))),
    },
    Builtin {
        name: "any",
        arity: 1,
        call: |arguments| Ok(Value::Bool(members(arguments)?.into_iter().any(is_true))),
    },
    Builtin {
        name: "cast_array",
        arity: 1,
        call: |arguments| {
            let members = members(arguments)?;
            budget::elements(members.len())?;
            Ok(Value::from(
                members.into_iter().cloned().collect::<Vec<Value>>(),
            ))
        },
    },
    Builtin {
        name: "cast_set",
        arity: 1,
        call: |arguments| {
            let members = members(arguments)?;
            budget::elements(members.len())?;
            Ok(Value::from(
                members.into_iter().cloned().collect::<BTreeSet<Value>>(),
            ))
        },
    },
    Builtin {
        name: "cast_string",
        arity: 1,
        call: |arguments| same(arguments, |value| matches!(value, Value::String(_))),
    },
    Builtin {
        name: "cast_boolean",
        arity: 1,
        call: |arguments| same(arguments, |value| matches!(value, Value::Bool(_))),
    },
    Builtin {
        name: "cast_null",
        arity: 1,
        call: |arguments| same(arguments, |value| matches!(value, Value::Null)),
    },
    Builtin {
        name: "cast_object",
        arity: 1,
        call: |arguments| same(arguments, |value| matches!(value, Value::Object(_))),
    },
    Builtin {
        name: "set_diff",
        arity: 2,
        call: |arguments| match arguments {
            [Value::Set(of), Value::Set(less)] => {
                let left = of.iter().filter(|member| !less.contains(member));
                Ok(Value::from(left.cloned().collect::<BTreeSet<Value>>()))
            }
            _ => Err("both operands must be sets".to_owned()),
        },
    },
    Builtin {
        name: "array.flatten",
        arity: 1,
        call: flatten,
    },
];

fn members(arguments: &[Value]) -> Result<Vec<&Value>, String> {
    match arguments {
        [Value::Array(items)] => Ok(items.iter().collect()),
        [Value::Set(members)] => Ok(members.iter().collect()),
        _ => Err("operand 1 must be an array or a set".to_owned()),
    }
}

fn is_true(value: &Value) -> bool {
    *value == Value::Bool(true)
}

/// Returns the value itself if it has the right type.
fn same(arguments: &[Value], is_of_kind: fn(&Value) -> bool) -> Result<Value, String> {
    match arguments {
        [value] if is_of_kind(value) => Ok(value.clone()),
        _ => Err("operand 1 is of another kind".to_owned()),
    }
}

/// Replaces each array inside an array by its elements, one level deep.
fn flatten(arguments: &[Value]) -> Result<Value, String> {
    let [Value::Array(items)] = arguments else {
        return Err("operand 1 must be an array".to_owned());
    };
    let mut made: Vec<Value> = Vec::new();
    for item in items.iter() {
        match item {
            Value::Array(inner) => {
                budget::elements(inner.len())?;
                made.extend(inner.iter().cloned());
            }
            other => {
                budget::elements(1)?;
                made.push(other.clone());
            }
        }
    }
    Ok(Value::from(made))
}
