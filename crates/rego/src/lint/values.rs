//! Finds comparisons with values that a part of `input` never has.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{
    Findings, Ids,
    schema::Schema,
    shape::{Locals, Part, Rules, Shape},
};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, LiteralKind, Scalar, Value},
        uses,
    },
    source::Span,
};

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    ids: &BTreeMap<String, Ids>,
    findings: &mut Findings<'_>,
) {
    for rule in &file.rules {
        let locals = Locals::of(rule, rules, schema);
        let mut found = Vec::new();
        uses::literals(rule, &mut |literal| {
            if !literal.with.is_empty() {
                return;
            }
            match &literal.kind {
                LiteralKind::Condition(Condition::Unify(left, right))
                | LiteralKind::Not(Condition::Unify(left, right)) => {
                    found.push((left.clone(), right.clone(), Compared::Equal, literal.span));
                }
                LiteralKind::SomeIn { collection, .. }
                | LiteralKind::Every {
                    domain: collection, ..
                } => {
                    if let Some(Shape::Part(part)) = locals.shape(collection, rules, schema)
                        && let Some(kind) = part.schema.scalar()
                    {
                        findings.report(
                            Code::Value,
                            literal.span,
                            format!("`{}` is of the type {kind}, which has no elements, so this never holds", part.path),
                            "compare it with `==`",
                        );
                    }
                }
                _ => {}
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
        for (left, right, compared, span) in found {
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
                findings_of(&part, constant, compared, ids, &place, findings);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
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

fn findings_of(
    part: &Part<'_>,
    constant: &Scalar,
    compared: Compared,
    ids: &BTreeMap<String, Ids>,
    place: &dyn Fn() -> Span,
    findings: &mut Findings<'_>,
) {
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
        findings.report(Code::Value, place(), message, cure);
        return;
    }
    if compared == Compared::Ordered {
        return;
    }
    let Scalar::String(text) = constant else {
        return;
    };
    if let Some(values) = part.schema.values() {
        let all: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
        if !all.contains(&text.as_str()) {
            let path = &part.path;
            findings.add(Diagnostic {
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
        findings.add(Diagnostic {
            code: Code::UnknownId,
            span: place(),
            message: format!("there is no {kind} {shown} in {}", known.listed_in),
            cure: Some("correct the id, or add it there".to_owned()),
            suggestion: nearest(text, known.ids.iter().map(String::as_str)),
            ..Diagnostic::default()
        });
    }
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
