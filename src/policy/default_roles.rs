//! Checks the data of the default policy, which users copy and edit. Anything that its rules would not understand is an
//! error.
//!
//! In Rego a misspelt key, or a key without a value, is undefined. So a mistake in a role would have no effect and show
//! no error.

use geowarden_rego::Sources;
use geowarden_yaml::{Document, Step, display_path};
use serde_json::Value;

/// The package that the data belongs to.
pub(super) const POLICY: &str = include_str!("../../policies/default/authz.rego");

/// Whether a policy is the default one, or has a copy of it.
pub(super) fn is_in(policy: &Sources) -> bool {
    policy.modules.values().any(|text| text == POLICY)
}

/// The keys of a role, and which values they must have.
const KEYS: [(&str, Expected); 6] = [
    ("read", Expected::Ids),
    ("write", Expected::Ids),
    ("execute", Expected::Ids),
    ("all", Expected::Words(&["read", "write", "execute"])),
    ("lists", Expected::Boolean),
    ("admin", Expected::Words(&["read", "write"])),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Ids,
    Words(&'static [&'static str]),
    Boolean,
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ids => f.write_str("a list of ids of collections and processes"),
            Self::Words(words) => write!(f, "a list of {}", words.join(", ")),
            Self::Boolean => f.write_str("true or false"),
        }
    }
}

/// A problem and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RolesProblem {
    pub(super) line: Option<usize>,
    pub(super) path: String,
    pub(super) message: String,
}

/// Every problem in the roles of a data document.
pub(super) fn faults(document: &Document) -> Vec<RolesProblem> {
    let at = |path: &[Step], message: String| RolesProblem {
        line: document.line(path),
        path: display_path(path),
        message,
    };
    let path = [Step::Key("roles".to_owned())];
    let roles = match document.value.get("roles") {
        None => return Vec::new(),
        Some(Value::Object(roles)) => roles,
        Some(other) => {
            let message = format!("expected a mapping of roles, found {}", kind(other));
            return vec![at(&path, message)];
        }
    };
    let mut all = Vec::new();
    for (name, role) in roles {
        let path = [path.as_slice(), &[Step::Key(name.clone())]].concat();
        let Value::Object(role) = role else {
            let found = kind(role);
            let message = format!("expected a mapping of {}, found {found}", known_keys());
            all.push(at(
                &path,
                format!("{message}; write `{{}}` for a role that may do nothing"),
            ));
            continue;
        };
        for (key, value) in role {
            if let Some(message) = of_key(key, value) {
                let path = [path.as_slice(), &[Step::Key(key.clone())]].concat();
                all.push(at(&path, message));
            }
        }
    }
    all
}

/// Why a key of a role is wrong.
fn of_key(key: &str, value: &Value) -> Option<String> {
    match KEYS.iter().find(|(known, _)| *known == key) {
        Some((_, expected)) => of_value(key, *expected, value),
        None => Some(format!("expected one of {}", known_keys())),
    }
}

fn of_value(key: &str, expected: Expected, value: &Value) -> Option<String> {
    let wrong = |found: &str| Some(format!("expected {expected}, found {found}"));
    match (expected, value) {
        (Expected::Boolean, Value::Bool(_)) => None,
        (Expected::Ids | Expected::Words(_), Value::Array(items)) => {
            for item in items {
                let Value::String(word) = item else {
                    return wrong(&format!("{} in it", kind(item)));
                };
                match expected {
                    Expected::Words(words) if !words.contains(&word.as_str()) => {
                        return wrong(&format!("`{}` in it", word.escape_debug()));
                    }
                    Expected::Ids if word == "*" => {
                        return Some(format!(
                            "`*` is the id of a collection here, not everything; write `all: [{key}]` for everything"
                        ));
                    }
                    _ => {}
                }
            }
            None
        }
        (_, other) => wrong(kind(other)),
    }
}

fn known_keys() -> String {
    let keys: Vec<String> = KEYS.iter().map(|(key, _)| format!("`{key}`")).collect();
    keys.join(", ")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Option<String> {
        let fault = faults(&Document::parse(text).unwrap()).into_iter().next()?;
        Some(format!(
            "{}:{}: {}",
            fault.line.unwrap(),
            fault.path,
            fault.message
        ))
    }

    #[test]
    fn the_embedded_data_is_right() {
        assert_eq!(told(include_str!("../../policies/default/data.yaml")), None);
        assert_eq!(told("other: 1"), None);
    }

    #[test]
    fn what_the_rules_would_not_understand_is_told_with_its_place() {
        for (text, expected) in [
            (
                "roles:\n  anonymous:\n    read:\n",
                "3:roles.anonymous.read: expected a list of ids of collections and processes, found nothing",
            ),
            (
                "roles:\n  reader:\n",
                "2:roles.reader: expected a mapping of",
            ),
            (
                "roles: [reader]\n",
                "1:roles: expected a mapping of roles, found a list",
            ),
            (
                "roles:\n  reader: {reads: [obs]}\n",
                "2:roles.reader.reads: expected one of `read`",
            ),
            (
                "roles:\n  reader:\n    read: obs\n",
                "3:roles.reader.read: expected a list of ids of collections and processes, found a text",
            ),
            (
                "roles:\n  reader:\n    read: [1]\n",
                "3:roles.reader.read: expected a list of ids of collections and processes, found a number in it",
            ),
            (
                "roles:\n  reader:\n    read: ['*']\n",
                "3:roles.reader.read: `*` is the id of a collection here, not everything; write `all: [read]`",
            ),
            (
                "roles:\n  reader:\n    all: ['*']\n",
                "3:roles.reader.all: expected a list of read, write, execute, found `*` in it",
            ),
            (
                "roles:\n  reader:\n    admin: true\n",
                "3:roles.reader.admin: expected a list of read, write, found a boolean",
            ),
            (
                "roles:\n  reader:\n    lists: 'yes'\n",
                "3:roles.reader.lists: expected true or false, found a text",
            ),
        ] {
            let told = told(text).unwrap();
            assert!(told.starts_with(expected), "{text}: {told}");
        }
    }
}
