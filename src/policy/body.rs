//! `input.parsed_body` and `input.truncated_body`, as OPA-Envoy gives them.

use serde_json::{Map, Value};

use crate::request::CheckInput;

/// The body's value and whether it was cut.
pub(super) fn parse(check: &CheckInput) -> (Value, bool) {
    let header = |name: &'static str| {
        check
            .headers
            .all(name)
            .next()
            .and_then(|value| std::str::from_utf8(value).ok())
    };
    let truncated = header("x-envoy-auth-partial-body") == Some("true")
        || header("content-length")
            .and_then(|length| length.parse::<usize>().ok())
            .is_some_and(|length| length > check.body.len());
    if truncated || check.body.is_empty() {
        return (Value::Null, truncated);
    }
    let content_type = header("content-type").unwrap_or_default();
    let value = if content_type.contains("application/json") {
        serde_json::from_slice(&check.body).unwrap_or(Value::Null)
    } else if content_type.contains("application/x-www-form-urlencoded") {
        let mut all: Map<String, Value> = Map::new();
        for (name, value) in url::form_urlencoded::parse(&check.body) {
            let value = Value::String(value.into_owned());
            match all.get_mut(&*name) {
                Some(Value::Array(values)) => values.push(value),
                _ => {
                    all.insert(name.into_owned(), Value::Array(vec![value]));
                }
            }
        }
        Value::Object(all)
    } else {
        Value::Null
    };
    (value, false)
}
