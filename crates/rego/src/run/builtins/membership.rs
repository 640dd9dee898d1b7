//! `in` as a function. A call is undefined if an operand is undefined.

use regorus::Value;

use super::Builtin;

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "internal.member_2",
        arity: 2,
        call: member,
    },
    Builtin {
        name: "internal.member_3",
        arity: 3,
        call: member_at,
    },
];

fn member(arguments: &[Value]) -> Result<Value, String> {
    let [value, collection] = arguments else {
        return Err("expected 2 arguments".to_owned());
    };
    Ok(Value::Bool(match collection {
        Value::Array(items) => items.contains(value),
        Value::Set(members) => members.contains(value),
        Value::Object(fields) => fields.values().any(|field| field == value),
        _ => false,
    }))
}

fn member_at(arguments: &[Value]) -> Result<Value, String> {
    let [key, value, collection] = arguments else {
        return Err("expected 3 arguments".to_owned());
    };
    Ok(Value::Bool(match collection {
        Value::Array(_) | Value::Object(_) => collection[key] == *value,
        // The key of a set's member is the member itself.
        Value::Set(members) => key == value && members.contains(value),
        _ => false,
    }))
}
