//! Rules with their names resolved.

use super::{
    Mention,
    names::OfFile,
    scope::Scope,
    tree::{Body, Kind, Rule},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::tree::{self as written, Expr, ExprKind, HeadKind, Query},
    source::Span,
};

/// Resolves one rule of a file and reports its errors.
pub(super) fn resolve(
    rule: &written::Rule,
    file: &OfFile<'_>,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
    mentions: &mut Vec<Mention>,
) -> Rule {
    let mut scope = Scope::new(file, name, diagnostics, mentions);
    let head = &rule.head;
    if head.name.text == "input" || head.name.text == "data" {
        let message = format!(
            "a rule is called `{0}`, which hides the document `{0}`",
            head.name.text
        );
        scope.fault(Code::Rule, head.name.span, message, "give it another name");
    }
    if let (HeadKind::Value(None), Some(_), None) = (&head.kind, &head.arguments, &rule.body)
        && file.all.builtins.arity(&head.name.text).is_some()
    {
        let message = format!(
            "expected `:=` or `if` behind a function, found a call of the built-in `{}` alone",
            head.name.text
        );
        let cure = "write the call in the body of a rule: `name if {..}`";
        scope.fault(Code::Rule, head.span, message, cure);
    }
    let mut path = vec![head.name.text.clone()];
    let mut keys = Vec::new();
    for part in &head.path {
        match &part.kind {
            ExprKind::String(name) if keys.is_empty() => path.push(name.clone()),
            _ => keys.push(part),
        }
    }
    let (kind, value) = match &head.kind {
        HeadKind::Value(value) => (Kind::Value, value.as_ref()),
        HeadKind::Member(member) => (Kind::Member, Some(member)),
    };
    let empty = Vec::new();
    scope.enter_arguments(head.arguments.as_ref().unwrap_or(&empty));
    for argument in head.arguments.iter().flatten() {
        scope.check_argument(argument, false);
    }
    let arguments = head
        .arguments
        .as_ref()
        .map(|arguments| scope.values(arguments));
    let (keys, body) = body(&mut scope, rule.body.as_ref(), &keys, value, rule.span);
    let elses = rule
        .elses
        .iter()
        .map(|one| {
            self::body(
                &mut scope,
                one.body.as_ref(),
                &[],
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
        keys,
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
    keys: &[&Expr],
    value: Option<&Expr>,
    span: Span,
) -> (Vec<super::tree::Value>, Body) {
    let values: Vec<&Expr> = keys.iter().copied().chain(value).collect();
    scope.enter(query, &values);
    let query = query.map(|query| scope.query(query));
    scope.enter_head();
    let keys = keys.iter().map(|key| scope.value(key)).collect();
    let value = value.map(|value| scope.value(value));
    scope.leave_head();
    scope.leave();
    (keys, Body { query, value, span })
}
