//! Semantic versions as in OPA: a version may begin with `v`, and its numbers may begin with zeros.

use regorus::Value;

use super::{Builtin, by_regorus, string};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "semver.is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(_)] => lenient("semver.is_valid", arguments),
            // A value that is not a string is not a version.
            _ => Ok(Value::Bool(false)),
        },
    },
    Builtin {
        name: "semver.compare",
        arity: 2,
        call: |arguments| lenient("semver.compare", arguments),
    },
];

fn lenient(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let plain: Vec<Value> = arguments
        .iter()
        .map(|argument| match argument {
            Value::String(version) => string(&without_ornaments(version)),
            other => other.clone(),
        })
        .collect();
    by_regorus(name, &plain)
}

fn without_ornaments(version: &str) -> String {
    let version = version.strip_prefix('v').unwrap_or(version);
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let (numbers, rest) = version.split_at(end);
    let numbers: Vec<&str> = numbers
        .split('.')
        .map(|number| match number.trim_start_matches('0') {
            "" if number.starts_with('0') => "0",
            short => short,
        })
        .collect();
    format!("{}{rest}", numbers.join("."))
}
