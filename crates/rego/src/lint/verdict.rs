//! Finds values of the entrypoint that are no verdict. The service refuses each request that gets one.

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

pub(super) fn check(files: &[File], entry: &[String], all: &mut Vec<Diagnostic>) {
    for file in files {
        let mut findings = Findings { file, all };
        let own = file.rules.iter().filter(|rule| file.path(rule) == entry);
        for rule in own {
            one(rule, &mut findings);
        }
    }
}

fn one(rule: &Rule, findings: &mut Findings<'_>) {
    let name = rule.path.join(".");
    let mut tell = |span, what: &str| {
        let message = format!(
            "`{name}` is {what}, which is no verdict: each request that it decides is refused"
        );
        findings.report(Code::Verdict, span, message, CURE);
    };
    if rule.kind == Kind::Member {
        tell(rule.span, "a set (`contains`)");
        return;
    }
    if rule.arguments.is_some() || !rule.keys.is_empty() {
        return;
    }
    for body in std::iter::once(&rule.body).chain(&rule.elses) {
        if let Some(what) = body.value.as_ref().and_then(no_verdict) {
            tell(body.span, what);
        }
    }
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
