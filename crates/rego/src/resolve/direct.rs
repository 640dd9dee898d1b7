//! The names in a query itself, without the names in queries inside it.

use crate::parse::tree::{Condition, Expr, ExprKind, Literal, LiteralKind, Name, Query};

/// Calls `found` with each name of a query.
pub(super) fn of_query(query: &Query, found: &mut dyn FnMut(&str)) {
    for literal in &query.literals {
        of_literal(literal, found);
    }
}

/// Calls `found` with each name in the values of `with`. The flag is true if the name is the whole value: then it can be a function,
/// and a variable gets its value elsewhere.
pub(super) fn of_replacements(query: &Query, found: &mut dyn FnMut(&str, bool)) {
    for with in query.literals.iter().flat_map(|literal| &literal.with) {
        let is_whole = matches!(with.value.kind, ExprKind::Var(_));
        of_value(&with.value, &mut |name| found(name, is_whole));
    }
}

/// Names in the value of a `with` are skipped, see [`of_replacements`].
fn of_literal(literal: &Literal, found: &mut dyn FnMut(&str)) {
    match &literal.kind {
        LiteralKind::Condition(condition) | LiteralKind::Not(condition) => match condition {
            Condition::Value(value) => of_value(value, found),
            Condition::Assign(left, right) | Condition::Unify(left, right) => {
                of_value(left, found);
                of_value(right, found);
            }
        },
        // A declaration alone, or a query of its own.
        LiteralKind::Some(_) | LiteralKind::NotQuery(_) => {}
        LiteralKind::SomeIn {
            key,
            value,
            collection,
        } => {
            for part in key.iter().chain([value, collection]) {
                of_value(part, found);
            }
        }
        LiteralKind::Every { domain, .. } => of_value(domain, found),
    }
}

/// Calls `found` with each name of a value, except in comprehensions. The names of functions are skipped.
pub(super) fn of_value(value: &Expr, found: &mut dyn FnMut(&str)) {
    if let ExprKind::Var(name) = &value.kind {
        found(name);
    }
    parts(value, &mut |part| of_value(part, found));
}

/// Calls `found` with each name in the keys of the references of a value, and with the first name of the reference. Comprehensions are
/// skipped.
pub(super) fn of_keys(value: &Expr, found: &mut dyn FnMut(&str, &str)) {
    if let ExprKind::Ref(head, way) = &value.kind
        && let ExprKind::Var(head) = &head.kind
    {
        for key in way {
            of_value(key, &mut |name| found(head, name));
        }
    }
    parts(value, &mut |part| of_keys(part, found));
}

/// Whether a value has a comprehension or a template string in it.
pub(super) fn has_query(value: &Expr) -> bool {
    let mut has_query = matches!(
        value.kind,
        ExprKind::Template(_)
            | ExprKind::ArrayComprehension(..)
            | ExprKind::SetComprehension(..)
            | ExprKind::ObjectComprehension(..)
    );
    parts(value, &mut |part| has_query |= self::has_query(part));
    has_query
}

/// Calls `found` with the first name of each function that a value calls, except in comprehensions.
pub(super) fn functions(value: &Expr, found: &mut dyn FnMut(&str)) {
    if let ExprKind::Call(function, _) = &value.kind {
        of_value(function, found);
    }
    parts(value, &mut |part| functions(part, found));
}

/// Calls `found` with each value that a value is made of. Comprehensions and expressions in template strings are separate
/// queries.
fn parts<'e>(value: &'e Expr, found: &mut dyn FnMut(&'e Expr)) {
    match &value.kind {
        ExprKind::Ref(head, way) => std::iter::once(&**head).chain(way).for_each(found),
        ExprKind::Call(_, items) | ExprKind::Array(items) | ExprKind::Set(items) => {
            items.iter().for_each(found);
        }
        ExprKind::Object(pairs) => {
            for (key, value) in pairs {
                found(key);
                found(value);
            }
        }
        ExprKind::Infix(_, operands) => {
            found(&operands.0);
            found(&operands.1);
        }
        ExprKind::In { key, operands } => {
            let key = key.as_deref().into_iter();
            key.chain([&operands.0, &operands.1]).for_each(found);
        }
        _ => {}
    }
}

/// The names that a query declares with `some` or `:=`, in order. The flag is true for `some`.
pub(super) fn declared(query: &Query) -> Vec<(Name, bool)> {
    let mut names = Vec::new();
    for literal in &query.literals {
        match &literal.kind {
            LiteralKind::Some(some) => names.extend(some.iter().cloned().map(|name| (name, true))),
            LiteralKind::SomeIn { key, value, .. } => {
                for part in key.iter().chain([value]) {
                    of_element(part, &mut |name| names.push((name, true)));
                }
            }
            LiteralKind::Condition(Condition::Assign(left, _)) => {
                of_pattern(left, &mut |name| names.push((name, false)));
            }
            _ => {}
        }
    }
    names
}

/// Calls `found` with each variable in the pattern of `some .. in`. `input` and `data` are not variables here: the
/// element must equal the document.
pub(super) fn of_element(pattern: &Expr, found: &mut dyn FnMut(Name)) {
    of_pattern(pattern, &mut |name| {
        if name.text != "input" && name.text != "data" {
            found(name);
        }
    });
}

/// Calls `found` with each variable of a pattern.
pub(super) fn of_pattern(pattern: &Expr, found: &mut dyn FnMut(Name)) {
    match &pattern.kind {
        ExprKind::Var(name) => found(Name {
            text: name.clone(),
            span: pattern.span,
        }),
        ExprKind::Array(items) => items.iter().for_each(|item| of_pattern(item, found)),
        ExprKind::Object(pairs) => {
            for (_, value) in pairs {
                of_pattern(value, found);
            }
        }
        _ => {}
    }
}
