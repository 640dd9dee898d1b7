//! Finds bounds of one value that no number meets together, such as `n > 5` and `n < 3`.

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
        let known = all.iter_mut().find(|other| other.value == *value);
        let bounds = match known {
            Some(known) => known,
            None => {
                all.push(Bounds {
                    value: value.clone(),
                    least: (f64::NEG_INFINITY, false),
                    most: (f64::INFINITY, false),
                    lines: [line; 2],
                });
                match all.last_mut() {
                    Some(last) => last,
                    None => return,
                }
            }
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
        if is_least && (number > least.0 || number == least.0 && is_strict && !least.1) {
            self.least = (number, is_strict);
            self.lines[0] = line;
        }
        if is_most && (number < most.0 || number == most.0 && is_strict && !most.1) {
            self.most = (number, is_strict);
            self.lines[1] = line;
        }
    }

    fn are_none(&self) -> bool {
        let ((least, is_least_out), (most, is_most_out)) = (self.least, self.most);
        least > most || least == most && (is_least_out || is_most_out)
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
        Value::Scalar(Scalar::Number(text)) => text.parse().ok(),
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
