//! Finds values of the entrypoint that are no verdict. The service refuses each request that gets one.

use serde_json::{Map, Value as Json};

use super::Findings;
use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Collection, Kind, Rule, Scalar, Value},
    },
};

/// The member of a verdict that says whether the request is allowed.
pub(super) const ALLOWED: &str = "allowed";
const CURE: &str = "give it `true`, `false`, or an object with `allowed`, as in `name := {\"allowed\": false, \"reason\": \"..\"}`";

pub(super) fn check(
    files: &[File],
    entry: &[String],
    unread: fn(&Json) -> Option<String>,
    all: &mut Vec<Diagnostic>,
) {
    for file in files {
        let mut findings = Findings { file, all };
        let own = file.rules.iter().filter(|rule| file.path(rule) == entry);
        for rule in own {
            one(rule, unread, &mut findings);
        }
    }
}

fn one(rule: &Rule, unread: fn(&Json) -> Option<String>, findings: &mut Findings<'_>) {
    let name = rule.path.join(".");
    let tell = |findings: &mut Findings<'_>, span, what: &str| {
        let message = format!(
            "`{name}` is {what}, which is no verdict: each request that it decides is refused"
        );
        findings.report(Code::Verdict, span, message, CURE);
    };
    if rule.kind == Kind::Member {
        tell(findings, rule.span, "a set (`contains`)");
        return;
    }
    if rule.arguments.is_some() || !rule.keys.is_empty() {
        return;
    }
    for body in std::iter::once(&rule.body).chain(&rule.elses) {
        let Some(value) = &body.value else { continue };
        if let Some(what) = no_verdict(value) {
            tell(findings, body.span, what);
            continue;
        }
        for fault in faults(value, unread) {
            findings.report(
                Code::Verdict,
                body.span,
                format!("each request that `{name}` decides by this value is refused: {fault}"),
                "correct this member",
            );
        }
    }
}

/// What is wrong with the members of an object: with each by itself, and else with all of them together.
fn faults(value: &Value, unread: fn(&Json) -> Option<String>) -> Vec<String> {
    let all = constants(value);
    let whole = |members: &Map<String, Json>| unread(&Json::Object(members.clone()));
    // Whether it allows can depend on the request.
    let mut of_whole = all.iter().map(whole);
    let Some(Some(first)) = of_whole.next() else {
        return Vec::new();
    };
    if of_whole.any(|other| other.is_none()) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let names = all
        .iter()
        .flat_map(Map::keys)
        .filter(|name| *name != ALLOWED);
    for name in names {
        let mut of_one = all.iter().map(|members| {
            let own = members
                .iter()
                .filter(|(other, _)| *other == name || *other == ALLOWED);
            unread(&Json::Object(
                own.map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            ))
        });
        if let Some(Some(fault)) = of_one.next()
            && of_one.all(|other| other.is_some())
            && !found.contains(&fault)
        {
            found.push(fault);
        }
    }
    if found.is_empty() {
        found.push(first);
    }
    found
}

/// The constant members of an object: once if `allowed` is among them, otherwise with both of its values.
fn constants(value: &Value) -> Vec<Map<String, Json>> {
    let Value::Object(pairs) = value else {
        return Vec::new();
    };
    let pairs = pairs.iter().filter_map(|(key, value)| match key {
        Value::Scalar(Scalar::String(name)) => Some((name.clone(), constant(value)?)),
        _ => None,
    });
    let members: Map<String, Json> = pairs.collect();
    if members.contains_key(ALLOWED) {
        return vec![members];
    }
    let with = |allowed: bool| {
        let mut members = members.clone();
        members.insert(ALLOWED.to_owned(), Json::Bool(allowed));
        members
    };
    vec![with(true), with(false)]
}

/// The value of a constant. A set is an array, as where a verdict is read.
fn constant(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Scalar(Scalar::Null) => Json::Null,
        Value::Scalar(Scalar::Bool(truth)) => Json::Bool(*truth),
        Value::Scalar(Scalar::Number(text)) => serde_json::from_str(text).ok()?,
        Value::Scalar(Scalar::String(text)) => Json::String(text.clone()),
        Value::Array(items) | Value::Set(items) => {
            Json::Array(items.iter().map(constant).collect::<Option<_>>()?)
        }
        Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| match key {
                Value::Scalar(Scalar::String(name)) => Some((name.clone(), constant(value)?)),
                _ => None,
            });
            Json::Object(pairs.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// What a value is, if it can never be a verdict.
fn no_verdict(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Scalar(Scalar::String(_)) | Value::Template(_) => "a string",
        Value::Scalar(Scalar::Number(_)) => "a number",
        Value::Scalar(Scalar::Null) => "`null`",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Comprehension(kind, ..) => match kind {
            Collection::Array => "an array",
            Collection::Set => "a set",
            Collection::Object => return None,
        },
        Value::Object(pairs) => {
            let mut is_known = true;
            for (key, value) in pairs {
                match key {
                    Value::Scalar(Scalar::String(name)) if name == ALLOWED => {
                        return match value {
                            Value::Scalar(Scalar::Bool(_)) => None,
                            Value::Scalar(_)
                            | Value::Array(_)
                            | Value::Set(_)
                            | Value::Object(_) => {
                                Some("an object whose `allowed` is not a boolean")
                            }
                            _ => None,
                        };
                    }
                    Value::Scalar(_) => {}
                    // It can be this key.
                    _ => is_known = false,
                }
            }
            return is_known.then_some("an object without `allowed`");
        }
        _ => return None,
    })
}
