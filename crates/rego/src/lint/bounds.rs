//! Finds bounds of one value that no number meets together, such as `n > 5` and `n < 3`.

use std::cmp::Ordering;

use super::Findings;
use crate::{
    diagnostic::Code,
    parse::tree::Operator,
    resolve::{
        File,
        tree::{Condition, Literal, LiteralKind, Query, Rule, Scalar, Value},
        uses,
    },
    source::Span,
};

/// The numbers that a value can have, as far as the statements before say.
struct Bounds {
    value: Value,
    /// The least number, and whether it is excluded.
    least: (f64, bool),
    most: (f64, bool),
    /// The lines of the statements that say so.
    lines: [u32; 2],
}

pub(super) fn check(file: &File, findings: &mut Findings<'_>) {
    for rule in &file.rules {
        for body in std::iter::once(&rule.body).chain(&rule.elses) {
            let name = rule.path.join(".");
            if let Some(query) = &body.query {
                of_query(query, &format!("`{name}`"), findings);
            }
        }
        inside(rule, findings);
    }
}

/// The queries inside statements and values.
fn inside(rule: &Rule, findings: &mut Findings<'_>) {
    let around = "what is around it";
    uses::literals(rule, &mut |literal| match &literal.kind {
        LiteralKind::NotQuery(query) | LiteralKind::Every { body: query, .. } => {
            of_query(query, around, findings);
        }
        _ => {}
    });
    uses::values(rule, &mut |value, _| {
        if let Value::Comprehension(_, _, _, query) = value {
            of_query(query, around, findings);
        }
    });
}

fn of_query(query: &Query, what: &str, findings: &mut Findings<'_>) {
    let mut all: Vec<Bounds> = Vec::new();
    for literal in &query.literals {
        let Some((value, operator, number)) = bound(literal) else {
            continue;
        };
        let line = literal.span.line;
        let known = all.iter().position(|other| other.value == *value);
        let at = known.unwrap_or_else(|| {
            all.push(Bounds {
                value: value.clone(),
                least: (f64::NEG_INFINITY, false),
                most: (f64::INFINITY, false),
                lines: [line; 2],
            });
            all.len() - 1
        });
        let Some(bounds) = all.get_mut(at) else {
            continue;
        };
        bounds.narrow(operator, number, line);
        if bounds.are_none() {
            let other = bounds.lines.into_iter().min().unwrap_or(line);
            tell(literal.span, other, what, findings);
            return;
        }
    }
}

impl Bounds {
    fn narrow(&mut self, operator: Operator, number: f64, line: u32) {
        let is_strict = matches!(operator, Operator::Greater | Operator::Less);
        let is_least = matches!(operator, Operator::Greater | Operator::GreaterOrEqual);
        let is_most = matches!(operator, Operator::Less | Operator::LessOrEqual);
        let (least, most) = (self.least, self.most);
        let is_new = |order: Ordering, of: Ordering, is_out: bool| {
            order == of || order == Ordering::Equal && is_strict && !is_out
        };
        if is_least && is_new(number.total_cmp(&least.0), Ordering::Greater, least.1) {
            self.least = (number, is_strict);
            self.lines[0] = line;
        }
        if is_most && is_new(number.total_cmp(&most.0), Ordering::Less, most.1) {
            self.most = (number, is_strict);
            self.lines[1] = line;
        }
    }

    fn are_none(&self) -> bool {
        let ((least, is_least_out), (most, is_most_out)) = (self.least, self.most);
        match least.total_cmp(&most) {
            Ordering::Greater => true,
            Ordering::Equal => is_least_out || is_most_out,
            Ordering::Less => false,
        }
    }
}

fn tell(span: Span, line: u32, what: &str, findings: &mut Findings<'_>) {
    findings.report(
        Code::Condition,
        span,
        format!("this condition contradicts the one in line {line}, so {what} never holds here"),
        "write a second rule of the same name, or `in {..}` for one of several values",
    );
}

/// The value that a statement compares with a number, with the value on the left.
fn bound(literal: &Literal) -> Option<(&Value, Operator, f64)> {
    if !literal.with.is_empty() {
        return None;
    }
    let LiteralKind::Condition(condition) = &literal.kind else {
        return None;
    };
    let (operator, left, right) = match condition {
        Condition::Value(Value::Infix(operator, operands)) => (*operator, &operands.0, &operands.1),
        // What follows from an equation is known to the evaluation of all conditions.
        Condition::Unify(..) | Condition::Value(_) => return None,
    };
    let (value, operator, number) = match (number(left), number(right)) {
        (None, Some(number)) => (left, operator, number),
        (Some(number), None) => (right, turned(operator), number),
        _ => return None,
    };
    let is_order = matches!(
        operator,
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual
    );
    (is_order && is_one(value)).then_some((value, operator, number))
}

fn number(value: &Value) -> Option<f64> {
    match value {
        // A negative zero is zero.
        Value::Scalar(Scalar::Number(text)) => text.parse().ok().map(|number: f64| number + 0.0),
        _ => None,
    }
}

/// The same comparison with its sides exchanged.
fn turned(operator: Operator) -> Operator {
    match operator {
        Operator::Less => Operator::Greater,
        Operator::LessOrEqual => Operator::GreaterOrEqual,
        Operator::Greater => Operator::Less,
        Operator::GreaterOrEqual => Operator::LessOrEqual,
        other => other,
    }
}

/// Whether an expression has one value in all statements of a query.
fn is_one(value: &Value) -> bool {
    let mut is_one = true;
    uses::values_inside(value, &mut |inner| {
        is_one &= !matches!(inner, Value::Wildcard | Value::Comprehension(..));
    });
    is_one
}
