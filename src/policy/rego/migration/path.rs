//! Comparisons of `input.request_path` with what it never is, wherever they stand and whichever side it is on.

use std::collections::BTreeSet;

use regorus::unstable::{BoolOp, Expr, Literal, Module, Query, Rule, RuleHead};

use super::{Finding, Kind, finding};

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
    /// What stands for the path besides `input.request_path`.
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
                let first = self.first;
                let message = format!(
                    "never true: `request_path` begins with \"{first}\"; set `policy.path_prefix: strip`, or compare with \"{first}\" first"
                );
                self.all
                    .push(finding(expression.span(), Kind::MissingContext, message));
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

    /// Whether `place` is the path, or its first segment, and `value` begins with another one.
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

/// Shows every expression of a policy.
fn each(module: &Module, show: &mut dyn FnMut(&Expr)) {
    for rule in &module.policy {
        let Rule::Spec { head, bodies, .. } = rule.as_ref() else {
            continue;
        };
        let assigned = match head {
            RuleHead::Compr { assign, .. } | RuleHead::Func { assign, .. } => assign.as_ref(),
            RuleHead::Set { key, .. } => {
                if let Some(key) = key {
                    within(key, show);
                }
                None
            }
        };
        let values = assigned
            .into_iter()
            .chain(bodies.iter().filter_map(|body| body.assign.as_ref()));
        for assign in values {
            within(&assign.value, show);
        }
        for body in bodies {
            query(&body.query, show);
        }
    }
}

fn query(asked: &Query, show: &mut dyn FnMut(&Expr)) {
    for statement in &asked.stmts {
        match &statement.literal {
            Literal::SomeVars { .. } => {}
            Literal::SomeIn {
                value, collection, ..
            } => {
                within(value, show);
                within(collection, show);
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => within(expr, show),
            Literal::Every {
                domain,
                query: inner,
                ..
            } => {
                within(domain, show);
                query(inner, show);
            }
        }
    }
}

fn within(expression: &Expr, show: &mut dyn FnMut(&Expr)) {
    show(expression);
    match expression {
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::Var { .. } => {}
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            for item in items {
                within(item, show);
            }
        }
        Expr::Object { fields, .. } => {
            for (_, key, value) in fields {
                within(key, show);
                within(value, show);
            }
        }
        Expr::ArrayCompr {
            term, query: inner, ..
        }
        | Expr::SetCompr {
            term, query: inner, ..
        } => {
            within(term, show);
            query(inner, show);
        }
        Expr::ObjectCompr {
            key,
            value,
            query: inner,
            ..
        } => {
            within(key, show);
            within(value, show);
            query(inner, show);
        }
        Expr::Call { params, .. } => {
            for param in params {
                within(param, show);
            }
        }
        Expr::UnaryExpr { expr, .. } => within(expr, show),
        Expr::RefDot { refr, .. } => within(refr, show),
        Expr::RefBrack { refr, index, .. } => {
            within(refr, show);
            within(index, show);
        }
        Expr::BinExpr { lhs, rhs, .. }
        | Expr::BoolExpr { lhs, rhs, .. }
        | Expr::ArithExpr { lhs, rhs, .. }
        | Expr::AssignExpr { lhs, rhs, .. } => {
            within(lhs, show);
            within(rhs, show);
        }
        Expr::Membership {
            value, collection, ..
        } => {
            within(value, show);
            within(collection, show);
        }
    }
}
