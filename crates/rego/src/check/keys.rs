//! Finds keys in names of rules that OPA takes as they are written.

use super::types::usual;
use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Kind, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

/// Adds an error for each rule whose document can differ from OPA's, or be missing, because of a constant key that is no text.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    for file in files {
        for rule in &file.rules {
            if has_inner_key(rule) {
                diagnostics.push(fault(
                    file,
                    rule.span,
                    "expected a text or a variable as a key inside of a rule's name, found another constant".to_owned(),
                    "write the key as a text, or as a variable that the body gives the value",
                ));
            }
            for number in rule.keys.iter().filter_map(unusual) {
                diagnostics.push(unusual_number(file, rule.span, number));
            }
            uses::values(rule, &mut |value, span| {
                let Value::Document { path, way } = value else {
                    return;
                };
                if path.first().is_none_or(|first| first != "data") {
                    return;
                }
                for number in way.iter().filter_map(unusual) {
                    diagnostics.push(unusual_number(file, span, number));
                }
            });
        }
    }
}

/// Whether a constant key that is no text stands before another key, or before the members of a set. OPA has the document in front of
/// that key also where no rule gives it anything.
fn has_inner_key(rule: &Rule) -> bool {
    let inner = match rule.kind {
        Kind::Member => rule.keys.len(),
        Kind::Value => rule.keys.len().saturating_sub(1),
    };
    let mut inner = rule.keys.iter().take(inner);
    inner.any(|key| matches!(key, Value::Scalar(scalar) if !matches!(scalar, Scalar::String(_))))
}

/// A number that is not written as usual, as `1.0` and `1e2`.
fn unusual(key: &Value) -> Option<&str> {
    match key {
        Value::Scalar(Scalar::Number(text)) if usual(text) != *text => Some(text),
        _ => None,
    }
}

fn unusual_number(file: &File, span: Span, number: &str) -> Diagnostic {
    fault(
        file,
        span,
        format!("expected a key as numbers are usually written, found `{number}`"),
        &format!("write `{}`", usual(number)),
    )
}

fn fault(file: &File, span: Span, message: String, cure: &str) -> Diagnostic {
    Diagnostic {
        code: Code::Key,
        file: file.name.clone(),
        span,
        message,
        cure: Some(cure.to_owned()),
        ..Diagnostic::default()
    }
}
