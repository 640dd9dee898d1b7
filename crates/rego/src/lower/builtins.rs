//! Translates operators to built-ins.

use crate::{core::Term, parse::tree::Operator};

/// OPA's names of the operators, and functions that are evaluated differently: `with` cannot replace them.
pub(super) const FIXED: [&str; 18] = [
    "and", "assign", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or",
    "plus", "print", "rem", "trace", "walk",
];

/// An operator between two terms.
pub(super) fn infix(operator: Operator, left: Term, right: Term) -> Term {
    let is_scalar = [&left, &right]
        .into_iter()
        .any(|term| matches!(term, Term::Scalar(_)));
    let call = match operator {
        // The engine orders sets before objects. A constant is neither.
        Operator::Less if !is_scalar => Some("internal.lt"),
        Operator::LessOrEqual if !is_scalar => Some("internal.lte"),
        Operator::Greater if !is_scalar => Some("internal.gt"),
        Operator::GreaterOrEqual if !is_scalar => Some("internal.gte"),
        // The engine's own functions lose digits.
        Operator::Plus => Some("internal.plus"),
        Operator::Minus => Some("internal.minus"),
        Operator::Times => Some("internal.mul"),
        // Functions whose errors may be undefined.
        Operator::Divide => Some("internal.div"),
        Operator::Remainder => Some("internal.rem"),
        Operator::Or => Some("internal.or"),
        Operator::And => Some("internal.and"),
        _ => None,
    };
    match call {
        Some(name) => Term::call(name, vec![left, right]),
        None => Term::infix(operator, left, right),
    }
}
