//! Negation as OPA means it.
//!
//! OPA's compiler takes nested calls and references out of a negated expression and evaluates them before it, so that
//! `not startswith(input.user, "evil")` does not hold where there is no `input.user`: what is missing makes the whole
//! statement undefined. regorus evaluates them inside of the negation, where undefined becomes true. What OPA lifts is
//! lifted here too, before regorus sees the policy.

use regorus::unstable::{AssignOp, BoolOp, Expr};

use super::{builtins, names::Scope, syntax::operands};

/// What has to be evaluated before a negation, in the order in which it is written.
pub(super) fn lifted<'a>(negated: &'a Expr, scope: &Scope<'_>) -> Vec<&'a Expr> {
    let mut lift = Lift {
        scope,
        all: Vec::new(),
    };
    lift.negated(negated);
    // Calls before references, as OPA does: which of two faults is met first decides whether it is an error.
    lift.all.sort_by_key(|expression| !is_call(expression));
    lift.all
}

/// Whether an expression is a call to OPA: operators are calls of built-ins.
pub(super) fn is_call(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Call { .. }
            | Expr::BinExpr { .. }
            | Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::Membership { .. }
    )
}

struct Lift<'a, 'b> {
    scope: &'b Scope<'b>,
    all: Vec<&'a Expr>,
}

impl<'a> Lift<'a, '_> {
    fn negated(&mut self, negated: &'a Expr) {
        match negated {
            Expr::Call { fcn, params, .. } => match output(fcn, params, self.scope) {
                // `f(x, y)` is `y = f(x)`.
                Some(output) => {
                    self.side(output);
                    self.all.push(negated);
                }
                None => params.iter().for_each(|param| self.operand(param)),
            },
            // OPA makes `==` a unification, whose sides may be undefined.
            Expr::BoolExpr {
                op: BoolOp::Eq,
                lhs,
                rhs,
                ..
            }
            | Expr::AssignExpr {
                op: AssignOp::Eq,
                lhs,
                rhs,
                ..
            } => {
                self.side(lhs);
                self.side(rhs);
            }
            Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::BinExpr { .. }
            | Expr::Membership { .. } => {
                for operand in operands(negated) {
                    self.operand(operand);
                }
            }
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(negated),
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
                for element in operands(negated) {
                    self.element(element);
                }
            }
            _ => {}
        }
    }

    /// An argument of a call.
    fn operand(&mut self, operand: &'a Expr) {
        if is_dynamic(operand, self.scope) {
            self.all.push(operand);
        }
    }

    /// A side of a unification: a reference may be undefined, but not what chooses its way or what is called.
    fn side(&mut self, side: &'a Expr) {
        match side {
            Expr::Var { .. } => {}
            Expr::RefDot { .. } | Expr::RefBrack { .. } => self.reference(side),
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
                for element in operands(side) {
                    self.element(element);
                }
            }
            other => self.operand(other),
        }
    }

    fn element(&mut self, element: &'a Expr) {
        match element {
            Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
                for inner in operands(element) {
                    self.element(inner);
                }
            }
            other => self.operand(other),
        }
    }

    fn reference(&mut self, mut reference: &'a Expr) {
        loop {
            match reference {
                Expr::RefDot { refr, .. } => reference = refr,
                Expr::RefBrack { refr, index, .. } => {
                    self.operand(index);
                    reference = refr;
                }
                Expr::Var { .. } => return,
                head => return self.operand(head),
            }
        }
    }
}

/// Whether the value of an expression can be missing. Variables of the rule have one.
pub(super) fn is_dynamic(expression: &Expr, scope: &Scope<'_>) -> bool {
    match expression {
        Expr::Var { span, .. } => scope.is_global(span.text()),
        Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => operands(expression)
            .into_iter()
            .any(|element| is_dynamic(element, scope)),
        Expr::Call { .. }
        | Expr::RefDot { .. }
        | Expr::RefBrack { .. }
        | Expr::BinExpr { .. }
        | Expr::BoolExpr { .. }
        | Expr::ArithExpr { .. }
        | Expr::AssignExpr { .. }
        | Expr::Membership { .. } => true,
        Expr::String { .. }
        | Expr::RawString { .. }
        | Expr::Number { .. }
        | Expr::Bool { .. }
        | Expr::Null { .. }
        | Expr::UnaryExpr { .. }
        | Expr::ArrayCompr { .. }
        | Expr::SetCompr { .. }
        | Expr::ObjectCompr { .. } => false,
    }
}

/// The argument behind the last of a built-in of ours, which takes its result.
pub(super) fn output<'a>(
    function: &Expr,
    params: &'a [regorus::unstable::Ref<Expr>],
    scope: &Scope<'_>,
) -> Option<&'a Expr> {
    let path = super::syntax::constant_path(function)?;
    // Its results are many, one after the other.
    if path == "walk" || scope.function(&path).is_some() {
        return None;
    }
    let arity = builtins::arity(&path)?;
    (params.len() == arity + 1)
        .then(|| params.last())
        .flatten()
        .map(AsRef::as_ref)
}
