//! Compares a decision with its row.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::{Changes, Decision, Row, Values};
use crate::{policy::Verdict, record::DecisionRecord};

/// One expectation that was not met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(in crate::cli) struct Difference {
    /// The key of the row, such as `decision` or `changes.headers`.
    pub(in crate::cli) key: String,
    pub(in crate::cli) expected: Value,
    pub(in crate::cli) found: Value,
}

impl Difference {
    /// All expectations of a row that a decision does not meet.
    pub(in crate::cli) fn all(row: &Row, record: &DecisionRecord<'_>) -> Vec<Self> {
        let mut all = Vec::new();
        let mut compare = |key: &str, expected: Option<Value>, found: Value| {
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                all.push(Self {
                    key: key.to_owned(),
                    expected,
                    found,
                });
            }
        };
        let decision = Decision::of(record.is_allowed()).as_str();
        compare(
            "decision",
            Some(row.decision.as_str().into()),
            decision.into(),
        );
        // A request that cannot be read, or a policy that fails, is no decision to deny unless the row says so.
        let is_decided = record.followed_verdict().is_some()
            || matches!(record.status(), 200 | 401 | 403)
            || row.reason.is_some();
        let status = match row.status {
            None if !is_decided => Some("401, 403 or that of the policy".into()),
            status => status.map(Value::from),
        };
        compare("status", status, record.status().into());
        let reason = row.reason.as_deref().map(Value::from);
        compare("reason", reason, record.reason().into());
        let none = Verdict::default();
        let verdict = record.followed_verdict().unwrap_or(&none);
        let for_user = row.reason_user.as_deref().map(Value::from);
        compare("reason_user", for_user, json!(verdict.reason_user));
        let (wanted, has) = (lower(&row.changes), lower(&changes(verdict)));
        for (key, expected) in wanted {
            let found = has.get(&key).cloned().unwrap_or_default();
            compare(&format!("changes.{key}"), Some(expected), found);
        }
        all
    }
}

/// What a verdict changes.
pub(in crate::cli) fn changes(verdict: &Verdict) -> Changes {
    Changes {
        headers: Some(grouped(&verdict.headers)),
        response_headers_to_add: Some(grouped(&verdict.response_headers_to_add)),
        request_headers_to_remove: Some(verdict.request_headers_to_remove.clone()),
        query_parameters_to_set: Some(grouped(&verdict.query_parameters_to_set)),
        query_parameters_to_remove: Some(verdict.query_parameters_to_remove.clone()),
    }
}

fn grouped(pairs: &[(String, String)]) -> BTreeMap<String, Values> {
    let mut all: BTreeMap<String, Values> = BTreeMap::new();
    for (name, value) in pairs {
        all.entry(name.clone()).or_default().0.push(value.clone());
    }
    all
}

/// The members that are there. Names of headers are the same in lower and upper case, and lists are without order.
fn lower(changes: &Changes) -> BTreeMap<String, Value> {
    let headers = |all: &BTreeMap<String, Values>| {
        let mut merged: BTreeMap<String, Values> = BTreeMap::new();
        for (name, values) in all {
            let merged = merged.entry(name.to_ascii_lowercase()).or_default();
            merged.0.extend(values.0.iter().cloned());
        }
        json!(merged)
    };
    let names = |all: &Vec<String>, is_header: bool| {
        let mut all: Vec<String> = all
            .iter()
            .map(|name| {
                if is_header {
                    name.to_ascii_lowercase()
                } else {
                    name.clone()
                }
            })
            .collect();
        all.sort_unstable();
        json!(all)
    };
    let members = [
        ("headers", changes.headers.as_ref().map(headers)),
        (
            "response_headers_to_add",
            changes.response_headers_to_add.as_ref().map(headers),
        ),
        (
            "request_headers_to_remove",
            changes
                .request_headers_to_remove
                .as_ref()
                .map(|all| names(all, true)),
        ),
        (
            "query_parameters_to_set",
            changes
                .query_parameters_to_set
                .as_ref()
                .map(|all| json!(all)),
        ),
        (
            "query_parameters_to_remove",
            changes
                .query_parameters_to_remove
                .as_ref()
                .map(|all| names(all, false)),
        ),
    ];
    let present = members.into_iter();
    present
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
}
