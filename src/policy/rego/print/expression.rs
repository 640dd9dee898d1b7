//! Expressions, with the parentheses that they need.

use std::collections::BTreeSet;

use regorus::unstable::{ArithOp, BinOp, BoolOp, Expr, Query, Ref};

use super::{
    super::syntax::{constant_path, is_scalar},
    Printer,
};

/// How tightly an operator binds, loosest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// `in`.
    Membership,
    /// Comparisons.
    Bool,
    /// `|`.
    Union,
    /// `&`.
    Intersection,
    /// `+` and `-`.
    Sum,
    /// `*`, `/` and `%`.
    Product,
    /// What needs no parentheses.
    Term,
}

impl Printer<'_> {
    /// An expression where one of at least this level may stand.
    pub(super) fn expression(&mut self, expression: &Expr, level: Level) {
        if let Some(name) = self.lifted.get(&expression.eidx()).cloned() {
            self.push(&name);
            return;
        }
        if binding(expression) < level {
            self.push("(");
            self.bare(expression);
            self.push(")");
        } else {
            self.bare(expression);
        }
    }

    fn bare(&mut self, expression: &Expr) {
        match expression {
            Expr::String { value, span, .. } => {
                self.go_to(span.line);
                self.push(&value.to_string());
            }
            Expr::RawString { span, .. } => {
                self.go_to(span.line);
                self.push(&format!("`{}`", span.text()));
            }
            Expr::Number { span, .. }
            | Expr::Bool { span, .. }
            | Expr::Null { span, .. }
            | Expr::Var { span, .. } => {
                self.go_to(span.line);
                self.push(span.text());
            }
            Expr::Array { items, .. } => {
                self.list("[", items.iter().map(AsRef::as_ref), "]");
            }
            Expr::Set { items, .. } if items.is_empty() => self.push("set()"),
            Expr::Set { items, .. } => {
                self.list("{", items.iter().map(AsRef::as_ref), "}");
            }
            Expr::Object { fields, .. } => {
                self.push("{");
                for (index, (_, key, value)) in fields.iter().enumerate() {
                    if index > 0 {
                        self.push(", ");
                    }
                    self.expression(key, Level::Bool);
                    self.push(": ");
                    self.expression(value, Level::Bool);
                }
                self.push("}");
            }
            Expr::ArrayCompr { term, query, .. } => self.comprehension("[", None, term, query, "]"),
            Expr::SetCompr { term, query, .. } => self.comprehension("{", None, term, query, "}"),
            Expr::ObjectCompr {
                key, value, query, ..
            } => self.comprehension("{", Some(key), value, query, "}"),
            Expr::Call { fcn, params, .. } => self.call(fcn, params),
            Expr::UnaryExpr { expr, .. } => {
                self.push("-");
                self.expression(expr, Level::Term);
            }
            Expr::RefDot { refr, field, .. } => {
                self.expression(refr, Level::Term);
                self.push(".");
                self.push(field.0.text());
            }
            Expr::RefBrack { refr, index, .. } => {
                self.expression(refr, Level::Term);
                self.push("[");
                self.expression(index, Level::Bool);
                self.push("]");
            }
            Expr::BinExpr { op, lhs, rhs, .. } => {
                let (word, level) = set_operator(op);
                self.infix(lhs, word, rhs, level);
            }
            Expr::BoolExpr { op, lhs, rhs, .. } => match ordering(op) {
                // A call, since regorus orders sets before objects, and OPA behind them.
                Some(call) if ![lhs, rhs].into_iter().any(|side| self.is_of_a_scalar(side)) => {
                    self.is_changed = true;
                    self.push(call);
                    self.list("(", [lhs.as_ref(), rhs.as_ref()].into_iter(), ")");
                }
                _ => self.infix(lhs, comparison(op), rhs, Level::Bool),
            },
            Expr::ArithExpr { op, lhs, rhs, .. } => match arithmetic(op) {
                Ok(call) => {
                    // A call, for the digits that the operator of regorus loses.
                    self.is_changed = true;
                    self.push(call);
                    self.list("(", [lhs.as_ref(), rhs.as_ref()].into_iter(), ")");
                }
                Err(word) => self.infix(lhs, word, rhs, Level::Product),
            },
            // Only a statement can be one, and the statement prints it.
            Expr::AssignExpr { lhs, rhs, .. } => self.infix(lhs, " = ", rhs, Level::Bool),
            // A call, since the operator of regorus is false where an operand is undefined, and OPA's undefined.
            Expr::Membership {
                key,
                value,
                collection,
                ..
            } => {
                self.is_changed = true;
                self.push(match key {
                    Some(_) => "internal.member_3",
                    None => "internal.member_2",
                });
                let key = key.iter().map(AsRef::as_ref);
                self.list("(", key.chain([value.as_ref(), collection.as_ref()]), ")");
            }
        }
    }

    /// Whether the value can only be a scalar: then the other side is compared alike in both orders.
    fn is_of_a_scalar(&self, expression: &Expr) -> bool {
        match expression {
            // Sets have a difference too.
            Expr::ArithExpr { op, .. } => !matches!(op, ArithOp::Sub),
            Expr::UnaryExpr { .. } => true,
            Expr::Call { fcn, .. } => constant_path(fcn)
                .is_some_and(|path| path == "count" && self.scope.is_builtin(&path)),
            other => is_scalar(other),
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        key: Option<&Expr>,
        value: &Expr,
        query: &Query,
        close: &str,
    ) {
        self.push(open);
        self.within(query, BTreeSet::new(), |printer| {
            if let Some(key) = key {
                printer.expression(key, Level::Bool);
                printer.push(": ");
            }
            printer.expression(value, Level::Term);
            printer.push(" | ");
            printer.query(query);
        });
        self.push(close);
    }

    /// A call, or the variable that stands for it.
    pub(super) fn call_or_lifted(&mut self, call: &Expr, function: &Expr, params: &[Ref<Expr>]) {
        if let Some(name) = self.lifted.get(&call.eidx()).cloned() {
            return self.push(&name);
        }
        let inputs = params.len().saturating_sub(1);
        self.call(function, params.get(..inputs).unwrap_or_default());
    }

    fn call(&mut self, function: &Expr, params: &[Ref<Expr>]) {
        self.expression(function, Level::Term);
        self.list("(", params.iter().map(AsRef::as_ref), ")");
    }

    pub(super) fn list<'a>(
        &mut self,
        open: &str,
        items: impl Iterator<Item = &'a Expr>,
        close: &str,
    ) {
        self.push(open);
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.expression(item, Level::Bool);
        }
        self.push(close);
    }

    fn infix(&mut self, left: &Expr, operator: &str, right: &Expr, level: Level) {
        self.expression(left, level);
        self.push(operator);
        // All operators are read from the left.
        self.expression(right, next(level));
    }
}

fn set_operator(operator: &BinOp) -> (&'static str, Level) {
    match operator {
        BinOp::Union => (" | ", Level::Union),
        BinOp::Intersection => (" & ", Level::Intersection),
    }
}

fn comparison(operator: &BoolOp) -> &'static str {
    match operator {
        BoolOp::Lt => " < ",
        BoolOp::Le => " <= ",
        BoolOp::Eq => " == ",
        BoolOp::Ge => " >= ",
        BoolOp::Gt => " > ",
        BoolOp::Ne => " != ",
    }
}

/// The built-in that stands for an operator of order.
fn ordering(operator: &BoolOp) -> Option<&'static str> {
    match operator {
        BoolOp::Lt => Some("internal.lt"),
        BoolOp::Le => Some("internal.lte"),
        BoolOp::Ge => Some("internal.gte"),
        BoolOp::Gt => Some("internal.gt"),
        BoolOp::Eq | BoolOp::Ne => None,
    }
}

/// The built-in that stands for an operator, or the operator's word.
fn arithmetic(operator: &ArithOp) -> Result<&'static str, &'static str> {
    match operator {
        ArithOp::Add => Ok("internal.plus"),
        ArithOp::Sub => Ok("internal.minus"),
        ArithOp::Mul => Ok("internal.mul"),
        ArithOp::Div => Err(" / "),
        ArithOp::Mod => Err(" % "),
    }
}

fn next(level: Level) -> Level {
    match level {
        Level::Membership => Level::Bool,
        Level::Bool => Level::Union,
        Level::Union => Level::Intersection,
        Level::Intersection => Level::Sum,
        Level::Sum => Level::Product,
        Level::Product | Level::Term => Level::Term,
    }
}

fn binding(expression: &Expr) -> Level {
    match expression {
        Expr::AssignExpr { .. } => Level::Membership,
        Expr::BoolExpr { .. } => Level::Bool,
        Expr::BinExpr { op, .. } => set_operator(op).1,
        Expr::ArithExpr { op, .. } if arithmetic(op).is_err() => Level::Product,
        _ => Level::Term,
    }
}
