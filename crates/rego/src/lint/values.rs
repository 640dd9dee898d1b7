//! Finds comparisons with values that a part of `input` never has.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Findings, Ids,
    effects::Effects,
    schema::Schema,
    shape::{Locals, Part, Rules, Shape, constant_keys},
};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, LiteralKind, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    ids: &BTreeMap<String, Ids>,
    effects: &Effects,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        let locals = Locals::of(rule, rules, schema);
        without_elements(rule, &locals, (rules, schema), effects, findings);
        lookups(file, rule, &locals, (rules, schema), ids, findings);
        for (left, right, compared, span) in comparisons(rule) {
            let left = locals.shape(&left, rules, schema);
            let right = match compared {
                Compared::In => locals.elements(&right, rules, schema),
                _ => locals.shape(&right, rules, schema),
            };
            let ((Some(Shape::Part(part)), Some(Shape::Constants(constants)))
            | (Some(Shape::Constants(constants)), Some(Shape::Part(part)))) = (left, right)
            else {
                continue;
            };
            let place = || place(file, &part, span);
            for constant in &constants {
                for found in findings_of(&part, constant, compared, ids, &place) {
                    findings.add(found);
                }
            }
        }
    }
}

/// Reports searches in a part that has no elements.
fn without_elements<'a>(
    rule: &Rule,
    locals: &Locals<'a>,
    (rules, schema): (&Rules<'a>, Schema<'a>),
    effects: &Effects,
    findings: &mut Findings<'_>,
) {
    let tell = |collection: &Value, span: Span, is_in: bool, findings: &mut Findings<'_>| {
        let Some(Shape::Part(part)) = locals.shape(collection, rules, schema) else {
            return;
        };
        let Some(kind) = part.schema.scalar() else {
            return;
        };
        let path = &part.path;
        let effect = effects.at_false(span);
        let cure = if is_in && kind == "string" {
            format!("compare it with `==`, or write `contains({path}, ..)` for a part of the text")
        } else {
            "compare it with `==`".to_owned()
        };
        findings.report(
            Code::Value,
            span,
            format!("`{path}` is of the type {kind}, which has no elements, {effect}"),
            &cure,
        );
    };
    uses::literals(rule, &mut |literal| {
        if !literal.with.is_empty() {
            return;
        }
        if let LiteralKind::SomeIn { collection, .. }
        | LiteralKind::Every {
            domain: collection, ..
        } = &literal.kind
        {
            tell(collection, literal.span, false, findings);
        }
    });
    uses::values(rule, &mut |value, span| {
        if let Value::In { operands, .. } = value {
            if let Value::Scalar(Scalar::String(text)) = &operands.1 {
                findings.report(
                    Code::Condition,
                    span,
                    format!("this condition never holds: the text `\"{text}\"` has no elements"),
                    &format!("write `in {{\"{text}\"}}`, or compare it with `==`"),
                );
                return;
            }
            tell(&operands.1, span, true, findings);
        }
    });
}

/// Reports constant keys that the part with which they are looked up never has.
fn lookups<'a>(
    file: &File,
    rule: &Rule,
    locals: &Locals<'a>,
    (rules, schema): (&Rules<'a>, Schema<'a>),
    ids: &BTreeMap<String, Ids>,
    findings: &mut Findings<'_>,
) {
    let mut found: Vec<(Vec<Scalar>, Value, Span)> = Vec::new();
    uses::values(rule, &mut |value, span| {
        let (keys, way) = match value {
            Value::Document { path, way } => (rules.keys_of(path), way),
            Value::Inside(head, way) => (constant_keys(head), way),
            _ => return,
        };
        if let (Some(keys), Some(key)) = (keys, way.first()) {
            found.push((keys, key.clone(), span));
        }
    });
    for (keys, key, span) in found {
        if let Some(Shape::Part(part)) = locals.shape(&key, rules, schema) {
            let place = || place(file, &part, span);
            // By habit, this key stands for all others.
            let is_for_all = |key: &&Scalar| **key == Scalar::String("*".to_owned());
            for constant in keys.iter().filter(|key| !is_for_all(key)) {
                for found in findings_of(&part, constant, Compared::In, ids, &place) {
                    findings.add(found);
                }
            }
        }
    }
}

/// The values that a rule compares, and the place of the statement.
pub(super) fn comparisons(rule: &Rule) -> Vec<(Value, Value, Compared, Span)> {
    let mut found = Vec::new();
    uses::literals(rule, &mut |literal| {
        if let LiteralKind::Condition(Condition::Unify(left, right))
        | LiteralKind::Not(Condition::Unify(left, right)) = &literal.kind
            && literal.with.is_empty()
        {
            found.push((left.clone(), right.clone(), Compared::Equal, literal.span));
        }
    });
    uses::values(rule, &mut |value, span| match value {
        Value::Infix(operator, operands) => {
            let compared = match operator {
                Operator::Equal | Operator::NotEqual => Compared::Equal,
                Operator::Less
                | Operator::LessOrEqual
                | Operator::Greater
                | Operator::GreaterOrEqual => Compared::Ordered,
                _ => return,
            };
            found.push((operands.0.clone(), operands.1.clone(), compared, span));
        }
        Value::In { operands, .. } => {
            found.push((operands.0.clone(), operands.1.clone(), Compared::In, span));
        }
        _ => {}
    });
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Equal,
    Ordered,
    In,
}

/// The place of a part within a statement.
fn place(file: &File, part: &Part<'_>, statement: Span) -> Span {
    let is_inside = |span: Span| statement.start <= span.start && span.end <= statement.end;
    // For an element, look for the collection that holds it.
    let path = part.path.split('[').next().unwrap_or_default();
    let mut mentions = file.mentions.iter();
    mentions
        .find(|mention| is_inside(mention.span) && mention.path.join(".") == path)
        .map_or(statement, |mention| mention.span)
}

/// What is wrong with a constant that is compared with a part.
pub(super) fn findings_of(
    part: &Part<'_>,
    constant: &Scalar,
    compared: Compared,
    ids: &BTreeMap<String, Ids>,
    place: &dyn Fn() -> Span,
) -> Vec<Diagnostic> {
    let kinds = part.schema.kinds();
    let (kind, shown) = kind_and_text(constant);
    let takes =
        kinds.is_empty() || kinds.contains(&kind) || kind == "number" && kinds.contains(&"integer");
    if !takes {
        let is = format!("`{}` is of the type {}", part.path, kinds.join(" or "));
        let message = if compared == Compared::Ordered {
            format!("{is}, and {shown} of the type {kind}: they are ordered by their types")
        } else {
            format!("{is}, and never {shown}")
        };
        let cure = match (kind, kinds.as_slice()) {
            ("string", ["number" | "integer" | "boolean"]) => "write it without quotes",
            ("number", ["string"]) if compared == Compared::Ordered => "write `to_number(..)`",
            ("number" | "boolean", ["string"]) => "write it between quotes",
            ("string", ["array"]) => "write `.. in` before it to ask whether it is among them",
            _ => "",
        };
        return vec![Diagnostic {
            code: Code::Value,
            span: place(),
            message,
            cure: (!cure.is_empty()).then(|| cure.to_owned()),
            ..Diagnostic::default()
        }];
    }
    let mut found = Vec::new();
    if compared == Compared::Ordered {
        return found;
    }
    let Scalar::String(text) = constant else {
        return found;
    };
    if let Some(values) = part.schema.values() {
        let all: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
        if !all.contains(&text.as_str()) {
            let path = &part.path;
            found.push(Diagnostic {
                code: Code::Value,
                span: place(),
                message: format!("`{path}` is never {shown}"),
                cure: Some(format!("it is one of {}", all.join(", "))),
                suggestion: nearest(text, all.iter().copied()),
                ..Diagnostic::default()
            });
        }
    }
    let names = part.schema.word("x-names");
    if let Some((kind, known)) = names.and_then(|kind| Some((kind, ids.get(kind)?)))
        && !known.ids.contains(text)
    {
        found.push(Diagnostic {
            code: Code::UnknownId,
            span: place(),
            message: format!("there is no {kind} {shown} in {}", known.listed_in),
            cure: Some("correct the id, or add it there".to_owned()),
            suggestion: nearest(text, known.ids.iter().map(String::as_str)),
            ..Diagnostic::default()
        });
    }
    found
}

/// The JSON Schema type of a constant, and the constant as it is written.
fn kind_and_text(constant: &Scalar) -> (&'static str, String) {
    match constant {
        Scalar::Null => ("null", "`null`".to_owned()),
        Scalar::Bool(truth) => ("boolean", format!("`{truth}`")),
        Scalar::Number(number) => ("number", format!("`{number}`")),
        Scalar::String(text) => ("string", format!("`\"{text}\"`")),
    }
}
