//! The variables that a query declares: inside of it their names stand for no rule and no import.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, Query, Ref};

/// What `some` and `:=` declare in a query, without the queries inside of it.
pub(crate) fn declared(query: &Query) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for statement in &query.stmts {
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                names.extend(vars.iter().map(|span| span.text().to_owned()));
            }
            Literal::SomeIn { key, value, .. } => {
                for part in key.iter().chain([value]) {
                    pattern(part, &mut names);
                }
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    ..
                } = expr.as_ref()
                {
                    pattern(lhs, &mut names);
                }
            }
            Literal::NotExpr { .. } | Literal::Every { .. } => {}
        }
    }
    names
}

/// The variables of a function's arguments.
pub(crate) fn arguments(arguments: &[Ref<Expr>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for argument in arguments {
        pattern(argument, &mut names);
    }
    names
}

/// Adds the variables of a pattern that takes values apart.
fn pattern(expression: &Expr, names: &mut BTreeSet<String>) {
    match expression {
        Expr::Var { span, .. } => {
            names.insert(span.text().to_owned());
        }
        Expr::Array { items, .. } | Expr::Set { items, .. } => {
            for item in items {
                pattern(item, names);
            }
        }
        Expr::Object { fields, .. } => {
            for (_, _, value) in fields {
                pattern(value, names);
            }
        }
        _ => {}
    }
}
