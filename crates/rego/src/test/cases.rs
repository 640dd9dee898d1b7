//! The cases of a test `test_name[case]`: those in its value, and those that were begun but are not in the value.

use std::collections::BTreeMap;

use regorus::Value;
use serde::Serialize;

/// The result of one case of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// The name of the case. A name that is not a string is written as JSON.
    pub name: String,
    /// Whether the case and all cases below it are true.
    pub passed: bool,
    /// The cases below it, for a test `test_name[case][inner]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseResult>,
}

/// Cases by name.
#[derive(Default)]
pub(super) struct Cases(BTreeMap<String, Case>);

#[derive(Default)]
struct Case {
    is_failed: bool,
    inner: Cases,
}

impl Cases {
    /// The cases of a test. `value` is the value of the test at the path `below`, which follows the test's name. A case
    /// in `begun` that is missing in the value has failed.
    pub(super) fn of(below: &[String], value: Value, begun: &[Value]) -> Self {
        let value = below.iter().rev().fold(value, |value, name| {
            let mut object = BTreeMap::new();
            object.insert(Value::from(name.as_str()), value);
            Value::from(object)
        });
        let mut cases = Case::of(&value).inner;
        for case in begun {
            if let Value::Array(names) = case {
                cases.begun(names.as_slice());
            }
        }
        cases
    }

    /// Adds a case that was begun, and returns whether it failed.
    fn begun(&mut self, names: &[Value]) -> bool {
        let Some((first, rest)) = names.split_first() else {
            return false;
        };
        let missing = Case {
            is_failed: true,
            ..Case::default()
        };
        let case = self.0.entry(shown(first)).or_insert(missing);
        if !rest.is_empty() {
            case.is_failed |= case.inner.begun(rest);
        }
        case.is_failed
    }

    pub(super) fn is_any_failed(&self) -> bool {
        self.0.values().any(|case| case.is_failed)
    }

    pub(super) fn into_results(self) -> Vec<CaseResult> {
        let cases = self.0.into_iter();
        cases
            .map(|(name, case)| CaseResult {
                name,
                passed: !case.is_failed,
                cases: case.inner.into_results(),
            })
            .collect()
    }
}

impl Case {
    fn of(value: &Value) -> Self {
        let Value::Object(fields) = value else {
            return Self {
                is_failed: *value != Value::from(true),
                inner: Cases::default(),
            };
        };
        let fields = fields.iter();
        let inner = fields.map(|(name, value)| (shown(name), Self::of(value)));
        let inner = Cases(inner.collect());
        Self {
            is_failed: inner.is_any_failed(),
            inner,
        }
    }
}

fn shown(name: &Value) -> String {
    match name {
        Value::String(name) => name.to_string(),
        other => other.to_json_str().unwrap_or_default(),
    }
}
