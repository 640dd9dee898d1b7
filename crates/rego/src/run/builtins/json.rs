//! JSON as Go's encoder writes it, within limits. A value can contain another value many times: small in memory, but
//! huge as text.

use std::fmt::Write as _;

use regorus::Value;
use serde::de::IgnoredAny;

use super::{Builtin, budget, errors};

pub(super) const ALL: [Builtin; 5] = [
    Builtin {
        name: "json.marshal",
        arity: 1,
        call: marshal,
    },
    Builtin {
        name: "json.unmarshal",
        arity: 1,
        call: unmarshal,
    },
    Builtin {
        name: "json.is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => match fault(text) {
                None => Ok(Value::Bool(true)),
                Some(JsonError::Syntax) => Ok(Value::Bool(false)),
                Some(JsonError::Limit) => Err(errors::refuse("the text is nested too deep")),
            },
            // A value that is not a string is not JSON.
            _ => Ok(Value::Bool(false)),
        },
    },
    Builtin {
        name: "json.remove",
        arity: 2,
        call: |arguments| by_paths("json.remove", arguments),
    },
    Builtin {
        name: "json.filter",
        arity: 2,
        call: |arguments| by_paths("json.filter", arguments),
    },
];

/// The parts of a value at some paths. regorus splits a path that is a string at its slashes. OPA reads it as a JSON
/// Pointer (RFC 6901) that may lack its first slash.
fn by_paths(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let [value, paths] = arguments else {
        return Err("expected 2 arguments".to_owned());
    };
    let paths: Vec<Value> = match paths {
        Value::Array(paths) => paths.iter().cloned().collect(),
        Value::Set(paths) => paths.iter().cloned().collect(),
        _ => return Err("operand 2 must be an array or a set of paths".to_owned()),
    };
    let mut steps = Vec::new();
    for path in paths {
        let Value::String(text) = &path else {
            steps.extend(kept_part(name, value, path));
            continue;
        };
        // The empty path names no member.
        if text.is_empty() {
            continue;
        }
        let text = text.trim_start_matches('/');
        budget::text(text.len())?;
        let names = text
            .split('/')
            .map(|name| super::string(&name.replace("~1", "/").replace("~0", "~")));
        let path = Value::from(names.collect::<Vec<_>>());
        steps.extend(kept_part(name, value, path));
    }
    if name == "json.filter" {
        without_longer(&mut steps);
    }
    super::by_regorus(name, &[value.clone(), Value::from(steps)])
}

/// Removes the paths that begin with another one, because the shorter path keeps all that is there.
fn without_longer(paths: &mut Vec<Value>) {
    paths.sort_unstable();
    paths.dedup_by(|longer, shorter| match (longer, shorter) {
        (Value::Array(longer), Value::Array(shorter)) => {
            longer.as_slice().starts_with(shorter.as_slice())
        }
        _ => false,
    });
}

/// The path, if it names members only. If it goes on after a value that has no members, nothing is removed there, and
/// that value itself is kept by a filter.
fn kept_part(name: &str, value: &Value, path: Value) -> Option<Value> {
    let Value::Array(steps) = &path else {
        return Some(path);
    };
    // The empty path names no member.
    if steps.is_empty() {
        return None;
    }
    let mut value = value;
    for (index, step) in steps.iter().enumerate() {
        value = match (value, step) {
            (Value::Array(items), Value::String(position)) => position
                .parse::<usize>()
                .ok()
                .and_then(|position| items.get(position))
                .unwrap_or(&Value::Undefined),
            (Value::Object(_) | Value::Array(_) | Value::Set(_), _) => &value[step],
            (Value::Undefined, _) => break,
            _ if name == "json.filter" && index > 0 => {
                let begin: Vec<Value> = steps.iter().take(index).cloned().collect();
                return Some(Value::from(begin));
            }
            _ => return None,
        };
    }
    Some(path)
}

/// Why a text cannot be read.
enum JsonError {
    /// It is not JSON.
    Syntax,
    /// It exceeds a limit here, but OPA can read it.
    Limit,
}

fn fault(text: &str) -> Option<JsonError> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?.to_string();
    // Go replaces half of a surrogate pair by another character, so OPA reads such a text.
    let limits = ["recursion limit", "surrogate", "hex escape"];
    Some(if limits.iter().any(|limit| error.contains(limit)) {
        JsonError::Limit
    } else {
        JsonError::Syntax
    })
}

/// The text of a value that is followed by `null`. OPA reads no further.
fn before_null(text: &str) -> Option<&str> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    if !error.to_string().starts_with("trailing characters") {
        return None;
    }
    let lines = text
        .split_inclusive('\n')
        .take(error.line().checked_sub(1)?);
    let line = lines.map(str::len).sum::<usize>();
    let (value, rest) = text.split_at_checked(line + error.column().checked_sub(1)?)?;
    rest.starts_with("null").then_some(value)
}

fn unmarshal(arguments: &[Value]) -> Result<Value, String> {
    read(super::text(arguments, 0)?)
}

/// The value of a JSON text. If an object repeats a name, its last value counts.
pub(super) fn read(text: &str) -> Result<Value, String> {
    // A value takes at least as much memory as its text.
    budget::text(text.len())?;
    let text = before_null(text).unwrap_or(text);
    match fault(text) {
        None => {}
        Some(JsonError::Syntax) => return Err("expected the text of a JSON value".to_owned()),
        Some(JsonError::Limit) => {
            return Err(errors::refuse(
                "the JSON is nested too deep, or has half a pair of surrogates",
            ));
        }
    }
    Value::from_json_str(text)
        .map_err(|_| errors::refuse("the JSON holds a value that is not supported"))
}

/// Values nested deeper are not written.
const MAX_DEPTH: usize = 200;

fn marshal(arguments: &[Value]) -> Result<Value, String> {
    let [value] = arguments else {
        return Err("expected 1 argument".to_owned());
    };
    Ok(super::string(&text(value)?))
}

/// A value as Go's encoder writes it.
pub(super) fn text(value: &Value) -> Result<String, String> {
    let mut text = String::new();
    write(value, &mut text, 0)?;
    Ok(text)
}

fn write(value: &Value, text: &mut String, depth: usize) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(errors::refuse("the value is nested too deep"));
    }
    budget::text(2)?;
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(_) => text.push_str(&number(value)?),
        Value::String(string) => quoted(string, text)?,
        Value::Array(items) => list(items.iter(), text, depth)?,
        Value::Set(members) => list(members.iter(), text, depth)?,
        Value::Object(fields) => {
            text.push('{');
            let mut named = Vec::new();
            for (key, value) in fields.iter() {
                let mut name = String::new();
                match key {
                    Value::String(key) => name.push_str(key),
                    // JSON keys are strings, so write other keys as JSON text.
                    other => write(other, &mut name, depth + 1)?,
                }
                named.push((name, value));
            }
            named.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            let mut pairs = named.iter().zip(named.iter().skip(1));
            if pairs.any(|((a, _), (b, _))| a == b) {
                return Err(errors::refuse("two keys of an object have the same text"));
            }
            for (index, (name, value)) in named.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                quoted(&name, text)?;
                text.push(':');
                write(value, text, depth + 1)?;
            }
            text.push('}');
        }
        Value::Undefined => return Err("undefined has no JSON".to_owned()),
    }
    Ok(())
}

/// The shortest text of a number.
pub(super) fn number(value: &Value) -> Result<String, String> {
    serde_json::to_string(value).map_err(|e| errors::refuse(e.to_string()))
}

fn list<'a>(
    items: impl Iterator<Item = &'a Value>,
    text: &mut String,
    depth: usize,
) -> Result<(), String> {
    text.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(',');
        }
        write(item, text, depth + 1)?;
    }
    text.push(']');
    Ok(())
}

/// Writes a string as Go does, which also escapes characters that have a meaning in HTML.
fn quoted(string: &str, text: &mut String) -> Result<(), String> {
    budget::text(string.len())?;
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            other => text.push(other),
        }
    }
    text.push('"');
    Ok(())
}
