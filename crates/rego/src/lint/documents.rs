//! Finds parts of `input` that are not in the schema, and data that is in no file.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::{
    Findings,
    schema::{Member, Schema},
    shape::Rules,
};
use crate::{
    diagnostic::{Code, Diagnostic, nearest},
    resolve::{
        File, Mention,
        tree::{Literal, LiteralKind, Value},
        uses,
    },
    source::Span,
};

pub(super) fn check(
    file: &File,
    rules: &Rules<'_>,
    schema: Schema<'_>,
    data: &Map<String, Json>,
    findings: &mut Findings<'_>,
) {
    let effects = effects(file);
    for mention in &file.mentions {
        match mention.path.split_first() {
            Some((first, names)) if first == "input" => {
                input(mention, names, schema, effect(mention, &effects), findings);
            }
            Some((_, names)) if !names.is_empty() && !rules.is_touched_by(&mention.path) => {
                if let Some(missing) = missing(names, data) {
                    let effect = effect(mention, &effects);
                    tell_data(mention, names, missing, data, effect, findings);
                }
            }
            _ => {}
        }
    }
}

fn is_within(inner: Span, outer: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// What comes of a missing part in the innermost statement that names it.
fn effect(mention: &Mention, effects: &[(Span, &'static str)]) -> &'static str {
    let around = effects
        .iter()
        .filter(|(span, _)| is_within(mention.span, *span));
    let innermost = around.min_by_key(|(span, _)| span.end - span.start);
    innermost.map_or("so this never holds", |(_, effect)| *effect)
}

fn input(
    mention: &Mention,
    names: &[String],
    schema: Schema<'_>,
    effect: &str,
    findings: &mut Findings<'_>,
) {
    let mut part = schema;
    let mut path = "input".to_owned();
    for (at, name) in names.iter().enumerate() {
        match part.member(name) {
            Member::Known(known) => part = known,
            Member::Open => return,
            Member::None => {
                let place = mention.places.get(at + 1).copied();
                let elsewhere = || {
                    let mut all = schema.paths_to(name);
                    (all.len() == 1).then(|| all.remove(0))
                };
                let suggestion = nearest(name, part.names())
                    .map(|near| format!("{path}.{near}"))
                    .or_else(elsewhere);
                let known: Vec<_> = part.names().collect();
                let (message, cure) = if known.is_empty() {
                    let kind = part.scalar().unwrap_or("array");
                    (
                        format!("`{path}` has no member `{name}`: it is of the type {kind}"),
                        None,
                    )
                } else {
                    (
                        format!("`{path}` has no member `{name}`, {effect}"),
                        Some(format!("it has {}", known.join(", "))),
                    )
                };
                findings.add(Diagnostic {
                    code: Code::Input,
                    span: place.unwrap_or(mention.span),
                    message,
                    cure,
                    suggestion,
                    ..Diagnostic::default()
                });
                return;
            }
        }
        path = format!("{path}.{name}");
    }
}

/// The statements in which a missing part has another effect than that they never hold.
fn effects(file: &File) -> Vec<(Span, &'static str)> {
    let negated = "so this negation always holds: what it was to keep out is let in";
    let gathered = "so nothing is gathered here";
    let mut found = Vec::new();
    for rule in &file.rules {
        uses::values(rule, &mut |value, _| {
            if let Value::Comprehension(_, _, _, query) = value {
                let literals = query.literals.iter();
                found.extend(literals.map(|literal| (literal.span, gathered)));
            }
        });
        uses::literals(rule, &mut |literal: &Literal| {
            if matches!(literal.kind, LiteralKind::Not(_)) {
                found.retain(|(span, _)| *span != literal.span);
                found.push((literal.span, negated));
            }
        });
    }
    found
}

/// The position of the first name in a path that the data does not have.
fn missing(names: &[String], data: &Map<String, Json>) -> Option<usize> {
    let mut members = data;
    for (at, name) in names.iter().enumerate() {
        match members.get(name) {
            None => return Some(at),
            Some(Json::Object(inner)) => members = inner,
            Some(_) => return (at + 1 < names.len()).then_some(at + 1),
        }
    }
    None
}

fn tell_data(
    mention: &Mention,
    names: &[String],
    missing: usize,
    data: &Map<String, Json>,
    effect: &str,
    findings: &mut Findings<'_>,
) {
    let path = format!("data.{}", names.get(..=missing).unwrap_or(names).join("."));
    let mut members = Some(data);
    for name in names.iter().take(missing) {
        members = members
            .and_then(|all| all.get(name))
            .and_then(Json::as_object);
    }
    let known: BTreeSet<&str> = members
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let name = names.get(missing).map_or("", String::as_str);
    let above = names.get(..missing).unwrap_or_default();
    let suggestion = nearest(name, known.iter().copied()).map(|near| {
        let path = above.iter().map(String::as_str).chain([near.as_str()]);
        format!("data.{}", path.collect::<Vec<_>>().join("."))
    });
    findings.add(Diagnostic {
        code: Code::Data,
        span: mention
            .places
            .get(missing + 1)
            .copied()
            .unwrap_or(mention.span),
        message: format!("no data file and no rule has `{path}`, {effect}"),
        cure: Some(
            "add it to a data file, or `# geowarden ignore: data` where it may be missing"
                .to_owned(),
        ),
        suggestion,
        ..Diagnostic::default()
    });
}
