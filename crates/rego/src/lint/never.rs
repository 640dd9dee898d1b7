//! Finds conditions that no request meets, whatever its parts are.

use std::collections::BTreeMap;

use super::{
    Findings,
    outcome::{Evaluator, Never},
    schema::Schema,
};
use crate::{
    core::Module,
    diagnostic::{Code, Diagnostic},
    resolve::{File, tree::Rule},
    source::Span,
};

pub(super) fn check(
    files: &[File],
    core: &[Module],
    schema: Schema<'_>,
    all: &mut Vec<Diagnostic>,
) {
    let files: BTreeMap<&str, &File> = files
        .iter()
        .map(|file| (file.name.as_str(), file))
        .collect();
    for never in Evaluator::never(core, schema) {
        let Some(file) = files.get(never.file.as_str()) else {
            continue;
        };
        // Another finding says more of why it never holds.
        let is_told = |found: &Diagnostic| {
            found.file == never.file && found.span == never.span && found.code == Code::Condition
        };
        if never.against.is_none() && all.iter().any(is_told) {
            continue;
        }
        let mut findings = Findings { file, all };
        one(&never, file, &mut findings);
    }
}

fn one(never: &Never, file: &File, findings: &mut Findings<'_>) {
    let rule = file
        .rules
        .iter()
        .find(|rule| contains(rule.span, never.span));
    let name = rule.map_or_else(String::new, |rule| rule.path.join("."));
    let is_of_rule = rule.is_some_and(|rule| is_of(rule, never.span));
    if let Some(line) = never.against {
        let what = if is_of_rule {
            format!("`{name}`")
        } else {
            "what is around it".to_owned()
        };
        findings.report(
            Code::Condition,
            never.span,
            format!(
                "this condition contradicts the one in line {line}, so {what} never holds here"
            ),
            "write a second rule of the same name, or `in {..}` for one of several values",
        );
        return;
    }
    let why = match &never.shown {
        Some(shown) => format!("no request changes `{shown}`"),
        None => "no request changes what it depends on".to_owned(),
    };
    findings.report(
        Code::Condition,
        never.span,
        format!("this condition never holds: {why}"),
        if is_of_rule {
            "ask for a part of `input`, or remove the rule"
        } else {
            "ask for a part of `input`, or remove what is around it"
        },
    );
}

/// Whether a statement is one of the rule itself, and not of a query inside of it.
fn is_of(rule: &Rule, span: Span) -> bool {
    let mut bodies = std::iter::once(&rule.body).chain(&rule.elses);
    bodies.any(|body| {
        let mut literals = body.query.iter().flat_map(|query| &query.literals);
        literals.any(|literal| literal.span == span)
    })
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
