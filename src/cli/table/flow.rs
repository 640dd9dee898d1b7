//! Writes a row as YAML: a line for each key, and what is further inside on one line.

use geowarden_yaml::Document;
use serde_json::{Map, Value};

/// The keys of a row and of its request in the order in which they are read best.
const ORDER: [&str; 16] = [
    "name",
    "who",
    "id",
    "attributes",
    "request",
    "method",
    "target",
    "headers",
    "body",
    "host",
    "scheme",
    "at",
    "decision",
    "status",
    "reason",
    "reason_user",
];

/// How many levels have a line for each key.
const LEVELS: usize = 2;

/// A mapping in YAML, without an indent and without a line break at the end.
pub(super) fn block(members: &Map<String, Value>) -> String {
    lines(members, LEVELS).join("\n")
}

fn lines(members: &Map<String, Value>, levels: usize) -> Vec<String> {
    let mut all = Vec::new();
    for (key, value) in ordered(members) {
        match value {
            Value::Object(inner) if levels > 1 && !inner.is_empty() => {
                all.push(format!("{}:", scalar(key)));
                let inner = lines(inner, levels - 1);
                all.extend(inner.into_iter().map(|line| format!("  {line}")));
            }
            _ => all.push(format!("{}: {}", scalar(key), flow(value))),
        }
    }
    all
}

fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut all: Vec<_> = members.iter().collect();
    let place = |key: &str| ORDER.iter().position(|other| *other == key);
    all.sort_by_key(|(key, _)| place(key).unwrap_or(ORDER.len()));
    all
}

fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let all: Vec<_> = ordered(members)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", scalar(key), flow(value)))
                .collect();
            format!("{{{}}}", all.join(", "))
        }
        Value::Array(items) => {
            let all: Vec<_> = items.iter().map(flow).collect();
            format!("[{}]", all.join(", "))
        }
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A string, in quotes where it would be read as something else without.
fn scalar(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " /._-".contains(c);
    let is_read_so = || {
        let read = Document::parse(text).map(|document| document.value);
        read.is_ok_and(|value| value.as_str() == Some(text))
    };
    if text.chars().all(is_plain) && is_read_so() {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
