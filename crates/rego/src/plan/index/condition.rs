//! What the body of a rule first compares `input` with. If it compares with a constant, the rule cannot hold for
//! another value.

use regorus::unstable::{BoolOp, Expr, Literal, LiteralStmt, Rule};

use super::{super::syntax::is_scalar, PathPart};

/// The paths that can leave out a rule, each with the values for which the rule can hold.
pub(super) fn all(rule: &Rule) -> impl Iterator<Item = (Vec<PathPart>, Vec<String>)> {
    statements(rule).filter_map(condition)
}

/// The values at a path for which a rule can hold, or `None` if it can hold for any value.
pub(super) fn values(rule: &Rule, path: &[PathPart]) -> Option<Vec<String>> {
    all(rule).find_map(|(asked, values)| (asked == path).then_some(values))
}

/// Whether a rule has one body at most, and its statements can be false but cannot cause an error.
pub(super) fn cannot_err(rule: &Rule) -> bool {
    match rule {
        Rule::Spec { bodies, .. } => match bodies.as_slice() {
            [] => true,
            [only] => statements(rule).count() == only.query.stmts.len(),
            _ => false,
        },
        Rule::Default { .. } => true,
    }
}

/// The first statements of a body that can be false but cannot cause an error. The list ends at the first other
/// statement, because an error in it must not be left out.
fn statements(rule: &Rule) -> impl Iterator<Item = &Expr> {
    let bodies = match rule {
        Rule::Spec { bodies, .. } => bodies.as_slice(),
        Rule::Default { .. } => &[],
    };
    let statements: &[LiteralStmt] = match bodies {
        [only] => &only.query.stmts,
        // An `else` can hold if the first body does not, so this rule is never left out.
        _ => &[],
    };
    statements
        .iter()
        .map_while(|statement| match &statement.literal {
            Literal::Expr { expr, .. } => is_plain(expr).then_some(expr.as_ref()),
            _ => None,
        })
}

/// Whether an expression only compares parts of `input` with each other or with constants.
fn is_plain(expression: &Expr) -> bool {
    match expression {
        Expr::BoolExpr { lhs, rhs, .. } => is_operand(lhs) && is_operand(rhs),
        Expr::Membership {
            key: None,
            value,
            collection,
            ..
        } => {
            let is_known = strings(collection).is_some() || input_path(collection).is_some();
            is_operand(value) && is_known
        }
        other => input_path(other).is_some(),
    }
}

fn is_operand(expression: &Expr) -> bool {
    is_scalar(expression) || input_path(expression).is_some()
}

/// A path in `input`, and the strings that its value must be one of.
fn condition(expression: &Expr) -> Option<(Vec<PathPart>, Vec<String>)> {
    match expression {
        Expr::BoolExpr {
            op: BoolOp::Eq,
            lhs,
            rhs,
            ..
        } => {
            let (path, constant) = match input_path(lhs) {
                Some(path) => (path, rhs),
                None => (input_path(rhs)?, lhs),
            };
            Some((path, vec![string(constant)?]))
        }
        Expr::Membership {
            key: None,
            value,
            collection,
            ..
        } => Some((input_path(value)?, strings(collection)?)),
        _ => None,
    }
}

/// The text of a constant string.
pub(super) fn string(expression: &Expr) -> Option<String> {
    match expression {
        Expr::String { value, .. } => value.as_string().ok().map(ToString::to_string),
        _ => None,
    }
}

fn strings(collection: &Expr) -> Option<Vec<String>> {
    match collection {
        Expr::Set { items, .. } | Expr::Array { items, .. } => {
            items.iter().map(|item| string(item)).collect()
        }
        _ => None,
    }
}

/// A path in `input` of constant names and indexes, with at least one step.
pub(super) fn input_path(expression: &Expr) -> Option<Vec<PathPart>> {
    let mut path = Vec::new();
    let mut rest = expression;
    loop {
        match rest {
            Expr::Var { span, .. } if span.text() == "input" && !path.is_empty() => break,
            Expr::RefDot { refr, field, .. } => {
                path.push(PathPart::Name(field.0.text().to_owned()));
                rest = refr;
            }
            Expr::RefBrack { refr, index, .. } => {
                path.push(match index.as_ref() {
                    Expr::Number { value, .. } => {
                        PathPart::At(usize::try_from(value.as_u64().ok()?).ok()?)
                    }
                    name => PathPart::Name(string(name)?),
                });
                rest = refr;
            }
            _ => return None,
        }
    }
    path.reverse();
    Some(path)
}
