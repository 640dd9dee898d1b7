//! Finds comparisons of `input.request_path` that are never true, at any place and with the path on either side.

use std::collections::BTreeSet;

use regorus::unstable::{BoolOp, Expr, Module, Rule, RuleHead};

use super::{Finding, Kind, finding};
use crate::plan::syntax::{Visitor, walk_rule};

/// Adds each comparison with a path whose first segment is not `first`.
pub(super) fn never_true(module: &Module, first: &str, all: &mut Vec<Finding>) {
    let mut search = Search {
        first,
        names: names(module),
        all,
    };
    search.module(module);
}

struct Search<'a> {
    first: &'a str,
    /// The expressions that mean the path, besides `input.request_path`.
    names: BTreeSet<String>,
    all: &'a mut Vec<Finding>,
}

/// The names that the policy gives to the path: by an import, or by `path := input.request_path`.
fn names(module: &Module) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for import in &module.imports {
        if is_request_path(&import.refr) {
            let name = import
                .r#as
                .as_ref()
                .map_or("request_path", |span| span.text());
            names.insert(name.to_owned());
        }
    }
    each(module, &mut |expression| {
        if let Expr::AssignExpr { lhs, rhs, .. } = expression {
            for (name, value) in [(lhs, rhs), (rhs, lhs)] {
                if let Expr::Var { span, .. } = name.as_ref()
                    && is_request_path(value)
                {
                    names.insert(span.text().to_owned());
                }
            }
        }
    });
    for rule in &module.policy {
        if let Rule::Spec {
            head: RuleHead::Compr { refr, assign, .. },
            ..
        } = rule.as_ref()
            && let (Expr::Var { span, .. }, Some(assign)) = (refr.as_ref(), assign)
            && is_request_path(&assign.value)
        {
            names.insert(span.text().to_owned());
        }
    }
    names
}

impl Search<'_> {
    fn module(&mut self, module: &Module) {
        each(module, &mut |expression| {
            if self.is_never_true(expression) {
                self.all
                    .push(finding(expression.span(), Kind::MissingContext));
            }
        });
    }

    fn is_never_true(&self, expression: &Expr) -> bool {
        match expression {
            Expr::BoolExpr {
                op: BoolOp::Eq,
                lhs,
                rhs,
                ..
            }
            | Expr::AssignExpr { lhs, rhs, .. } => {
                self.is_other(lhs, rhs) || self.is_other(rhs, lhs)
            }
            Expr::Membership {
                value, collection, ..
            } => match collection.as_ref() {
                Expr::Set { items, .. } | Expr::Array { items, .. } => {
                    !items.is_empty() && items.iter().all(|item| self.is_other(value, item))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether `place` is the path, or its first segment, and `value` begins with another segment.
    fn is_other(&self, place: &Expr, value: &Expr) -> bool {
        let compared = match (place, value) {
            (Expr::RefBrack { refr, index, .. }, value)
                if self.is_path(refr) && index.span().text() == "0" =>
            {
                text(value)
            }
            (place, Expr::Array { items, .. }) if self.is_path(place) => {
                items.first().and_then(|item| text(item))
            }
            _ => None,
        };
        compared.is_some_and(|compared| compared != self.first)
    }

    fn is_path(&self, expression: &Expr) -> bool {
        is_request_path(expression)
            || matches!(expression, Expr::Var { span, .. } if self.names.contains(span.text()))
    }
}

/// `input.request_path`, or `input["request_path"]`.
fn is_request_path(expression: &Expr) -> bool {
    let is_input =
        |expression: &Expr| matches!(expression, Expr::Var { span, .. } if span.text() == "input");
    match expression {
        Expr::RefDot { refr, field, .. } => is_input(refr) && field.0.text() == "request_path",
        Expr::RefBrack { refr, index, .. } => {
            is_input(refr) && text(index).as_deref() == Some("request_path")
        }
        _ => false,
    }
}

fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::String { value, .. } | Expr::RawString { value, .. } => {
            value.as_string().ok().map(ToString::to_string)
        }
        _ => None,
    }
}

/// Calls a function for every expression of a policy.
fn each(module: &Module, show: &mut dyn FnMut(&Expr)) {
    struct Each<'a>(&'a mut dyn FnMut(&Expr));
    impl Visitor for Each<'_> {
        fn expression(&mut self, expression: &Expr) -> bool {
            (self.0)(expression);
            true
        }
    }
    for rule in &module.policy {
        walk_rule(rule, &mut Each(show));
    }
}
