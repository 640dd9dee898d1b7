//! Variables of a negation that nothing else binds, which OPA refuses as unsafe and regorus takes for "there is one".

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleHead, Span};

use super::{
    names::Scope,
    negation::is_call,
    refusal::Refusals,
    syntax::{Visitor, operands, variables, walk},
};

/// Finds the unsafe negations of a rule.
pub(super) fn check(rule: &Rule, scope: &Scope<'_>, refusals: &mut Refusals<'_>) {
    let Rule::Spec { head, bodies, .. } = rule else {
        return;
    };
    let mut bound = BTreeSet::new();
    let mut values: Vec<&Expr> = Vec::new();
    match head {
        RuleHead::Func { args, assign, .. } => {
            for argument in args {
                variables(argument, &mut bound);
            }
            values.extend(assign.iter().map(|assign| assign.value.as_ref()));
        }
        RuleHead::Compr { refr, assign, .. } => {
            values.push(refr);
            values.extend(assign.iter().map(|assign| assign.value.as_ref()));
        }
        RuleHead::Set { key, .. } => values.extend(key.iter().map(AsRef::as_ref)),
    }
    for body in bodies {
        values.extend(body.assign.iter().map(|assign| assign.value.as_ref()));
        let mut here = bound.clone();
        query(&body.query, &mut here, scope, refusals);
        // A value of the head is evaluated where its body has been.
        for value in &values {
            nested(value, &here, scope, refusals);
        }
    }
    if bodies.is_empty() {
        for value in values {
            nested(value, &bound, scope, refusals);
        }
    }
}

/// Checks a query, of which the variables in `bound` are known; leaves those known after it there.
fn query(
    query: &Query,
    bound: &mut BTreeSet<String>,
    scope: &Scope<'_>,
    refusals: &mut Refusals<'_>,
) {
    let mut declared = BTreeSet::new();
    for statement in &query.stmts {
        if let Literal::SomeVars { vars, .. } = &statement.literal {
            // Declared here, so no longer what it may be outside.
            for variable in vars {
                bound.remove(variable.text());
                declared.insert(variable.text().to_owned());
            }
        }
    }
    for statement in &query.stmts {
        binds(statement, bound);
    }
    for statement in &query.stmts {
        match &statement.literal {
            Literal::NotExpr { expr, span } => {
                negated(expr, span, (bound, &declared), scope, refusals);
                nested(expr, bound, scope, refusals);
            }
            Literal::Expr { expr, .. } => nested(expr, bound, scope, refusals),
            Literal::SomeIn { collection, .. } => nested(collection, bound, scope, refusals),
            Literal::SomeVars { .. } => {}
            Literal::Every {
                key,
                value,
                domain,
                query: body,
                ..
            } => {
                nested(domain, bound, scope, refusals);
                let mut inner = bound.clone();
                inner.extend(key.iter().map(|span| span.text().to_owned()));
                inner.insert(value.text().to_owned());
                self::query(body, &mut inner, scope, refusals);
            }
        }
        for with in &statement.with_mods {
            nested(&with.r#as, bound, scope, refusals);
        }
    }
}

/// Adds the variables that a statement can bind: those of what is not negated, and of calls nested in what is.
fn binds(statement: &LiteralStmt, bound: &mut BTreeSet<String>) {
    match &statement.literal {
        Literal::Expr { expr, .. } => variables(expr, bound),
        Literal::SomeIn {
            key,
            value,
            collection,
            ..
        } => {
            for part in key.iter().chain([value, collection]) {
                variables(part, bound);
            }
        }
        Literal::Every { domain, .. } => variables(domain, bound),
        Literal::NotExpr { expr, .. } => {
            for operand in operands(expr) {
                calls(operand, bound);
            }
        }
        Literal::SomeVars { .. } => {}
    }
    for with in &statement.with_mods {
        variables(&with.r#as, bound);
    }
}

/// Adds the variables of the calls in an expression, which OPA evaluates before the negation.
fn calls(expression: &Expr, bound: &mut BTreeSet<String>) {
    if is_call(expression) {
        variables(expression, bound);
    } else {
        for operand in operands(expression) {
            calls(operand, bound);
        }
    }
}

fn negated(
    expression: &Expr,
    not: &Span,
    (bound, declared): (&BTreeSet<String>, &BTreeSet<String>),
    scope: &Scope<'_>,
    refusals: &mut Refusals<'_>,
) {
    if let Expr::AssignExpr {
        op: AssignOp::ColEq,
        ..
    } = expression
    {
        refusals.add(
            not.line,
            "`not` cannot assign a variable: compare with `==`, or assign before the `not`",
        );
        return;
    }
    let mut rest: Vec<&Expr> = match expression {
        Expr::Call { params, .. } => params.iter().map(AsRef::as_ref).collect(),
        Expr::Var { .. } => vec![expression],
        other => operands(other),
    };
    while let Some(part) = rest.pop() {
        match part {
            Expr::Var { span, .. } => {
                let name = span.text();
                let is_global = scope.is_global(name) && !declared.contains(name);
                if !bound.contains(name) && !is_global {
                    refusals.add(
                        not.line,
                        format!(
                            "`not` uses the variable `{name}`, which nothing outside of the negation binds: bind it before, such as by `some {name} in ..`"
                        ),
                    );
                }
            }
            part if is_call(part) => {}
            other => rest.extend(operands(other)),
        }
    }
}

/// Checks the queries inside of an expression, each with what is known around it.
fn nested(
    expression: &Expr,
    bound: &BTreeSet<String>,
    scope: &Scope<'_>,
    refusals: &mut Refusals<'_>,
) {
    struct Comprehensions<'a, 'b, 'c> {
        bound: &'a BTreeSet<String>,
        scope: &'a Scope<'b>,
        refusals: &'a mut Refusals<'c>,
    }
    impl Visitor for Comprehensions<'_, '_, '_> {
        fn expression(&mut self, expression: &Expr) -> bool {
            let (terms, inner): (Vec<&Expr>, &Query) = match expression {
                Expr::ArrayCompr { term, query, .. } | Expr::SetCompr { term, query, .. } => {
                    (vec![term], query)
                }
                Expr::ObjectCompr {
                    key, value, query, ..
                } => (vec![key, value], query),
                _ => return true,
            };
            let mut here = self.bound.clone();
            query(inner, &mut here, self.scope, self.refusals);
            for term in terms {
                nested(term, &here, self.scope, self.refusals);
            }
            false
        }
    }
    walk(
        expression,
        &mut Comprehensions {
            bound,
            scope,
            refusals,
        },
    );
}
