//! Rules with their names resolved.

use super::{
    super::core::RESERVED,
    names::OfFile,
    scope::Scope,
    tree::{Body, Kind, Rule},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::tree::{self as written, Expr, ExprKind, HeadKind, Query},
    source::Span,
};

/// Resolves one rule of a file; what is wrong with it is added to the diagnostics.
pub(super) fn resolve(
    rule: &written::Rule,
    file: &OfFile<'_>,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Rule {
    let mut scope = Scope::new(file, name, diagnostics);
    let head = &rule.head;
    if head.name.text == "input" || head.name.text == "data" {
        let message = format!(
            "a rule is called `{0}`, which hides the document `{0}`",
            head.name.text
        );
        scope.fault(Code::Rule, head.name.span, message, "give it another name");
    }
    if RESERVED.contains(&head.name.text.as_str()) {
        let message = format!("a rule is called `{}`, which is a keyword", head.name.text);
        scope.fault(
            Code::Unsupported,
            head.name.span,
            message,
            "give it another name",
        );
    }
    let mut path = vec![head.name.text.clone()];
    let mut key = None;
    for (index, part) in head.path.iter().enumerate() {
        let is_last = index + 1 == head.path.len();
        match &part.kind {
            ExprKind::String(name) if key.is_none() => path.push(name.clone()),
            _ if is_last && matches!(head.kind, HeadKind::Value(_)) => key = Some(part),
            _ => {
                scope.fault(
                    Code::Unsupported,
                    part.span,
                    "a key in a rule's name that is not constant and not the last has no exact meaning here".to_owned(),
                    "write an object of sets or objects, such as `s[key] := {x | ..} if ..`",
                );
                break;
            }
        }
    }
    let (kind, value) = match &head.kind {
        HeadKind::Value(value) => (Kind::Value, value.as_ref()),
        HeadKind::Member(member) => (Kind::Member, Some(member)),
    };
    let empty = Vec::new();
    scope.enter_arguments(head.arguments.as_ref().unwrap_or(&empty));
    let arguments = head
        .arguments
        .as_ref()
        .map(|arguments| scope.values(arguments));
    let (resolved_key, body) = body(&mut scope, rule.body.as_ref(), key, value, rule.span);
    let elses = rule
        .elses
        .iter()
        .map(|one| {
            self::body(
                &mut scope,
                one.body.as_ref(),
                None,
                one.value.as_ref(),
                one.span,
            )
            .1
        })
        .collect();
    scope.leave();
    Rule {
        is_default: rule.is_default,
        path,
        key: resolved_key,
        arguments,
        kind,
        body,
        elses,
        replaced: std::mem::take(&mut scope.replaced),
        locals: scope.into_locals(),
        span: rule.span,
    }
}

fn body(
    scope: &mut Scope<'_>,
    query: Option<&Query>,
    key: Option<&Expr>,
    value: Option<&Expr>,
    span: Span,
) -> (Option<super::tree::Value>, Body) {
    let values: Vec<&Expr> = key.into_iter().chain(value).collect();
    scope.enter(query, &values);
    let query = query.map(|query| scope.query(query));
    let key = key.map(|key| scope.value(key));
    let value = value.map(|value| scope.value(value));
    scope.leave();
    (key, Body { query, value, span })
}
