//! Finds conditions that always or never hold, and bodies that are not part of the condition before them.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use super::{
    Findings,
    schema::Schema,
    shape::{Locals, Rules, Shape},
};
use crate::{
    diagnostic::Code,
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, Literal, LiteralKind, Query, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        let locals = Locals::of(rule, rules, schema);
        let bodies = std::iter::once(&rule.body).chain(&rule.elses);
        let own: BTreeSet<Span> = bodies
            .clone()
            .filter_map(|body| body.query.as_ref())
            .flat_map(|query| query.literals.iter().map(|literal| literal.span))
            .collect();
        uses::literals(rule, &mut |literal| {
            one(literal, own.contains(&literal.span), schema, findings);
        });
        for query in bodies.filter_map(|body| body.query.as_ref()) {
            contradiction(query, rule, &locals, rules, schema, findings);
        }
    }
}

/// `is_of_rule` tells a statement of the rule itself from one of a query inside of it, such as a negated one.
fn one(literal: &Literal, is_of_rule: bool, schema: Schema<'_>, findings: &mut Findings<'_>) {
    if compares_constants(literal) == Some(false) {
        findings.report(
            Code::Condition,
            literal.span,
            "this condition compares constants and never holds".to_owned(),
            if is_of_rule {
                "compare with a part of `input`, or remove the rule"
            } else {
                "compare with a part of `input`"
            },
        );
        return;
    }
    let (condition, is_negated) = match &literal.kind {
        LiteralKind::Condition(Condition::Value(value)) => (value, false),
        LiteralKind::Not(Condition::Value(value)) => (value, true),
        _ => return,
    };
    let because = match condition {
        Value::Scalar(Scalar::Bool(false)) if !is_negated => {
            findings.report(
                Code::Condition,
                literal.span,
                if is_of_rule {
                    "`false` never holds, so neither does this rule"
                } else {
                    "`false` never holds, so neither do the statements beside it"
                }
                .to_owned(),
                if is_of_rule {
                    "remove the rule"
                } else {
                    "remove it, or what is around it"
                },
            );
            return;
        }
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

/// Whether a comparison of two constants holds. `None` if the statement is no such comparison, or if it cannot be told.
fn compares_constants(literal: &Literal) -> Option<bool> {
    let (condition, is_negated) = match &literal.kind {
        LiteralKind::Condition(condition) => (condition, false),
        LiteralKind::Not(condition) => (condition, true),
        _ => return None,
    };
    let (operator, left, right) = match condition {
        Condition::Unify(left, right) => (Operator::Equal, left, right),
        Condition::Value(Value::Infix(operator, operands)) => (*operator, &operands.0, &operands.1),
        Condition::Value(_) => return None,
    };
    let (Value::Scalar(left), Value::Scalar(right)) = (left, right) else {
        return None;
    };
    let order = match (left, right) {
        (Scalar::Number(left), Scalar::Number(right)) => {
            let number = |text: &String| text.parse::<f64>().ok();
            number(left)?.partial_cmp(&number(right)?)?
        }
        (Scalar::String(left), Scalar::String(right)) => left.cmp(right),
        (Scalar::Bool(left), Scalar::Bool(right)) => left.cmp(right),
        (Scalar::Null, Scalar::Null) => Ordering::Equal,
        // Values of two types are never the same.
        _ if operator == Operator::Equal => Ordering::Less,
        _ => return None,
    };
    let holds = match operator {
        Operator::Equal => order.is_eq(),
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => return None,
    };
    Some(holds != is_negated)
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

/// Reports two conditions in one body that compare the same part with different values.
fn contradiction(
    query: &Query,
    rule: &Rule,
    locals: &Locals<'_>,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    findings: &mut Findings<'_>,
) {
    let mut allowed: BTreeMap<String, (BTreeSet<String>, u32)> = BTreeMap::new();
    for literal in query.literals.iter().filter(|one| one.with.is_empty()) {
        let (left, right) = match &literal.kind {
            LiteralKind::Condition(Condition::Unify(left, right)) => {
                (left, locals.shape(right, rules, schema))
            }
            LiteralKind::Condition(Condition::Value(Value::Infix(Operator::Equal, operands))) => {
                (&operands.0, locals.shape(&operands.1, rules, schema))
            }
            LiteralKind::Condition(Condition::Value(Value::In {
                key: None,
                operands,
            })) => (&operands.0, locals.elements(&operands.1, rules, schema)),
            _ => continue,
        };
        // A reference with a variable can mean another part each time.
        let Value::Document { path, way } = left else {
            continue;
        };
        let is_input = path.first().is_some_and(|first| first == "input");
        let (true, true, Some(Shape::Constants(constants))) = (is_input, way.is_empty(), right)
        else {
            continue;
        };
        let constants: BTreeSet<String> = constants.iter().map(|one| format!("{one:?}")).collect();
        let path = path.join(".");
        let line = literal.span.line;
        match allowed.get_mut(&path) {
            None => {
                allowed.insert(path, (constants, line));
            }
            Some((before, first)) => {
                let both: BTreeSet<_> = before.intersection(&constants).cloned().collect();
                if both.is_empty() {
                    let name = rule.path.join(".");
                    findings.report(
                        Code::Condition,
                        literal.span,
                        format!("`{path}` has one value in a request, and line {first} asks for another one: `{name}` never holds here"),
                        "write a second rule of the same name, or `in {..}` for one of several values",
                    );
                    return;
                }
                *before = both;
            }
        }
    }
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
