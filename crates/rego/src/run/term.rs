//! Writes Rego values as text and as JSON, within limits. A value can contain another value many times: small in
//! memory, but huge once written.

use regorus::Value;
use serde_json::{Map, Value as Json};

use crate::resolve::tree::Scalar;

/// Values nested deeper are not written.
const MAX_DEPTH: usize = 200;

/// The largest size of a value that is converted to JSON, in bytes.
const MAX_BYTES: usize = 16 << 20;
/// The size of each value in addition to its text, in bytes.
const NODE: usize = 32;

/// The value of a constant.
pub(crate) fn constant(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => Value::Bool(*truth),
        Scalar::Number(text) => Value::from_numeric_string(text).unwrap_or(Value::Undefined),
        Scalar::String(text) => Value::String(text.as_str().into()),
    }
}

/// Converts JSON to a value. regorus's own conversion goes through serde, which takes several times as long.
pub(crate) fn of_json(value: Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::String(text) => Value::String(text.into()),
        Json::Array(items) => Value::from(items.into_iter().map(of_json).collect::<Vec<Value>>()),
        Json::Object(members) => {
            let mut object = Value::new_object();
            if let Ok(fields) = object.as_object_mut() {
                for (name, value) in members {
                    fields.insert(Value::String(name.into()), of_json(value));
                }
            }
            object
        }
        number @ Json::Number(_) => Value::from(number),
    }
}

/// Converts a value to JSON. Sets become arrays, and keys that are not strings are written as JSON.
pub(crate) fn to_json(value: &Value) -> Result<Json, String> {
    let mut left = MAX_BYTES;
    json(value, &mut left, 0)
}

fn json(value: &Value, left: &mut usize, depth: usize) -> Result<Json, String> {
    let text = match value {
        Value::String(text) => text.len(),
        _ => 0,
    };
    *left = left
        .checked_sub(NODE + text)
        .filter(|_| depth <= MAX_DEPTH)
        .ok_or("the value is too large")?;
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(_) => serde_json::to_value(value).map_err(|e| e.to_string())?,
        Value::String(text) => Json::String(text.to_string()),
        Value::Array(items) => list(items.iter(), left, depth)?,
        Value::Set(members) => list(members.iter(), left, depth)?,
        Value::Object(fields) => {
            let mut all = Map::new();
            for (key, value) in fields.iter_sorted() {
                let name = match key {
                    Value::String(name) => name.to_string(),
                    other => json(other, left, depth + 1)?.to_string(),
                };
                all.insert(name, json(value, left, depth + 1)?);
            }
            Json::Object(all)
        }
        Value::Undefined => return Err("undefined has no JSON".to_owned()),
    })
}

fn list<'a>(
    items: impl Iterator<Item = &'a Value>,
    left: &mut usize,
    depth: usize,
) -> Result<Json, String> {
    items
        .map(|item| json(item, left, depth + 1))
        .collect::<Result<Vec<Json>, String>>()
        .map(Json::Array)
}

/// Appends a value to `text`, written as in OPA. Before each piece, `count` gets its length; an error of `count` ends
/// the writing.
pub(crate) fn write(
    value: &Value,
    text: &mut String,
    count: &mut dyn FnMut(usize) -> Result<(), String>,
) -> Result<(), String> {
    nested(value, text, count, 0)
}

fn nested(
    value: &Value,
    text: &mut String,
    count: &mut dyn FnMut(usize) -> Result<(), String>,
    depth: usize,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err("the value is nested too deep".to_owned());
    }
    count(2)?;
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.format_decimal()),
        Value::String(string) => {
            count(string.len())?;
            text.push_str(&serde_json::to_string(&**string).map_err(|e| e.to_string())?);
        }
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                nested(item, text, count, depth + 1)?;
            }
            text.push(']');
        }
        Value::Set(members) if members.is_empty() => text.push_str("set()"),
        Value::Set(members) => {
            text.push('{');
            for (index, member) in members.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                nested(member, text, count, depth + 1)?;
            }
            text.push('}');
        }
        Value::Object(fields) => {
            text.push('{');
            for (index, (key, value)) in fields.iter_sorted().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                nested(key, text, count, depth + 1)?;
                text.push_str(": ");
                nested(value, text, count, depth + 1)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err("undefined has no text".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_becomes_what_regorus_makes_of_it() {
        for json in [
            json!(null),
            json!(true),
            json!("text"),
            json!([
                1,
                -2,
                3.5,
                1e300,
                18_446_744_073_709_551_615_u64,
                "a",
                [],
                {}
            ]),
            json!({"b": {"a": [null, {"c": 0}]}, "": false}),
        ] {
            assert_eq!(of_json(json.clone()), Value::from(json.clone()), "{json}");
            assert_eq!(to_json(&of_json(json.clone())), Ok(json));
        }
    }
}
