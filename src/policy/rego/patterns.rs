//! What regorus reads otherwise than OPA, and no other text could say the same: each place is refused with what to write.

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleHead};

use super::{
    names::Scope,
    refusal::Refusals,
    syntax::{Visitor, operands, walk_rule},
};

const KEYS: &str = "a pattern with the keys of an object fits only that very set of keys in OPA, and more here: take values out by their names, such as `x := object.key`";

/// Finds them in a rule.
pub(super) fn check(rule: &Rule, scope: &Scope<'_>, refusals: &mut Refusals<'_>) {
    if let Rule::Spec { head, bodies, .. } = rule {
        if let RuleHead::Func { args, .. } = head
            && args.iter().any(|argument| has_object(argument))
        {
            refusals.add(rule.span().line, KEYS);
        }
        for body in bodies {
            braces(&body.query, refusals);
        }
    }
    walk_rule(rule, &mut Statements { scope, refusals });
}

/// Behind `if`, OPA takes a brace for the body's; regorus takes `{1, x in xs}` for a set and `{a | b}` for a comprehension.
fn braces(query: &Query, refusals: &mut Refusals<'_>) {
    if let [only] = query.stmts.as_slice()
        && only.span.start == query.span.start
        && only.span.text().starts_with('{')
    {
        refusals.add(
            only.span.line,
            "what stands in these braces is not read as a body: write each condition on a line of its own, and `(a | b)` in parentheses",
        );
    }
}

struct Statements<'a, 'b, 'c> {
    scope: &'a Scope<'b>,
    refusals: &'a mut Refusals<'c>,
}

impl Visitor for Statements<'_, '_, '_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        let line = statement.span.line;
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for variable in vars {
                    let name = variable.text();
                    if self.scope.is_global(name) {
                        self.refusals.add(
                            line,
                            format!("`some {name}` does not hide the rule or import `{name}` here: give the variable another name"),
                        );
                    }
                }
            }
            Literal::SomeIn { key, value, .. } => {
                if key.iter().chain([value]).any(|pattern| has_object(pattern)) {
                    self.refusals.add(line, KEYS);
                }
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                if let Expr::AssignExpr { op, lhs, rhs, .. } = expr.as_ref() {
                    let is_pattern = match op {
                        AssignOp::ColEq => has_object(lhs),
                        AssignOp::Eq => {
                            self.has_object_of_variables(lhs) || self.has_object_of_variables(rhs)
                        }
                    };
                    if is_pattern {
                        self.refusals.add(line, KEYS);
                    }
                }
            }
            Literal::Every { .. } => {}
        }
    }
}

impl Statements<'_, '_, '_> {
    fn has_object_of_variables(&self, pattern: &Expr) -> bool {
        match pattern {
            Expr::Object { .. } => self.has_variables(pattern),
            Expr::Array { items, .. } => {
                items.iter().any(|item| self.has_object_of_variables(item))
            }
            _ => false,
        }
    }

    fn has_variables(&self, pattern: &Expr) -> bool {
        match pattern {
            Expr::Var { span, .. } => !self.scope.is_global(span.text()),
            Expr::Object { .. } | Expr::Array { .. } => operands(pattern)
                .into_iter()
                .any(|part| self.has_variables(part)),
            _ => false,
        }
    }
}

fn has_object(pattern: &Expr) -> bool {
    match pattern {
        Expr::Object { .. } => true,
        Expr::Array { items, .. } => items.iter().any(|item| has_object(item)),
        _ => false,
    }
}
