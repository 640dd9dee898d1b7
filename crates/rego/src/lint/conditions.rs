//! Finds conditions that always or never hold by their form, and bodies that are not part of the condition before them.

use std::collections::BTreeMap;

use super::{Findings, schema::Schema};
use crate::{
    diagnostic::Code,
    resolve::{
        File,
        tree::{Condition, Literal, LiteralKind, Scalar, Value},
        uses,
    },
};

pub(super) fn check(file: &File, schema: Schema<'_>, findings: &mut Findings<'_>) {
    for rule in &file.rules {
        uses::literals(rule, &mut |literal| one(literal, schema, findings));
    }
}

fn one(literal: &Literal, schema: Schema<'_>, findings: &mut Findings<'_>) {
    let (condition, is_negated) = match &literal.kind {
        LiteralKind::Condition(Condition::Value(value)) => (value, false),
        LiteralKind::Not(Condition::Value(value)) => (value, true),
        _ => return,
    };
    let because = match condition {
        Value::Object(_) => "an object is never false",
        Value::Set(_) => "a set is never false",
        Value::Array(_) => "an array is never false",
        Value::Comprehension(..) => "what is gathered is never false, even where it is empty",
        Value::Scalar(Scalar::String(_)) | Value::Template(_) => "a text is never false",
        Value::Scalar(Scalar::Number(_)) => "a number is never false, not even 0",
        Value::Document { path, way } if way.is_empty() && literal.with.is_empty() => {
            if !is_always_there(path, schema) {
                return;
            }
            "it is in every request and never false"
        }
        _ => return,
    };
    let effect = if is_negated {
        "never holds"
    } else if holds_with_its_parts(condition) {
        "holds as soon as its parts are there"
    } else {
        "always holds"
    };
    let cure = match condition {
        Value::Set(_) | Value::Object(_) => "write conditions, each on a line of its own",
        Value::Comprehension(..) => "compare its `count(..)`",
        Value::Document { .. } => "compare it with a value",
        _ => "remove it, or compare it with a value",
    };
    let message = format!("this condition {effect}: {because}");
    findings.report(Code::Condition, literal.span, message, cure);
}

/// Whether a value has parts that are not constant. It is undefined if one of them is, so a condition on it tests them.
fn holds_with_its_parts(value: &Value) -> bool {
    let is_constant = |value: &Value| matches!(value, Value::Scalar(_));
    match value {
        Value::Array(items) | Value::Set(items) => !items.iter().all(is_constant),
        Value::Object(pairs) => !pairs
            .iter()
            .all(|(key, value)| is_constant(key) && is_constant(value)),
        _ => false,
    }
}

/// Whether every request has this part of `input`, with a value that is not false.
fn is_always_there(path: &[String], schema: Schema<'_>) -> bool {
    let Some(("input", names)) = path
        .split_first()
        .map(|(first, names)| (first.as_str(), names))
    else {
        return false;
    };
    let mut part = schema;
    for name in names {
        if !part.requires(name) {
            return false;
        }
        match part.at(std::slice::from_ref(name)) {
            Some(member) => part = member,
            None => return false,
        }
    }
    let kinds = part.kinds();
    !kinds.is_empty() && !kinds.contains(&"boolean")
}

/// Reports a body after another body: `allow if a { b }` holds if `a` holds or if `b` holds.
pub(super) fn chained(file: &File, text: &str, findings: &mut Findings<'_>) {
    let mut lines: BTreeMap<&[String], u32> = BTreeMap::new();
    for rule in &file.rules {
        let own = text.get(rule.span.start..).unwrap_or_default();
        if !own.starts_with('{') {
            lines.insert(&rule.path, rule.span.line);
            continue;
        }
        // Rules without `if` are Rego v0, where several bodies are usual.
        let line = lines.get(rule.path.as_slice()).copied();
        let before = text.get(..rule.span.start).unwrap_or_default();
        let line = line.unwrap_or(rule.span.line);
        let first = before.lines().nth((line as usize).saturating_sub(1));
        if first.is_none_or(|line| !line.split_whitespace().any(|word| word == "if")) {
            continue;
        }
        findings.report(
            Code::Condition,
            rule.span,
            format!("this body is another way for the rule of line {line} to hold, and no part of its condition"),
            "write all conditions between one pair of braces: `if {..}`",
        );
    }
}
