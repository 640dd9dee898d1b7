//! The variables of queries: which a query declares, so that their names stand for no rule and no import inside of it, and
//! which it shares with the queries around it.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Ref};

use super::syntax::{Visitor, each_variable, variables, walk_query};

/// What `some` and `:=` declare in a query, without the queries inside of it.
pub(super) fn declared(query: &Query) -> BTreeSet<String> {
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
pub(super) fn arguments(arguments: &[Ref<Expr>]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for argument in arguments {
        pattern(argument, &mut names);
    }
    names
}

/// The names that stand in the statements of a query, without the queries inside of it.
pub(super) fn occurring(query: &Query) -> BTreeSet<String> {
    let mut names = declared(query);
    for statement in &query.stmts {
        let values = statement.with_mods.iter().map(|with| &with.r#as);
        let parts: Vec<&Ref<Expr>> = match &statement.literal {
            Literal::SomeVars { .. } => Vec::new(),
            Literal::SomeIn { collection, .. } => vec![collection],
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => vec![expr],
            Literal::Every { domain, .. } => vec![domain],
        };
        for part in parts.into_iter().chain(values) {
            variables(part, &mut names);
        }
    }
    names
}

/// The names that stand in a query or in those inside of it, but for what they declare there, and for these names.
pub(super) fn free(query: &Query, own: BTreeSet<String>) -> BTreeSet<String> {
    let mut free = Free {
        own,
        every: BTreeMap::new(),
        declared: Vec::new(),
        found: BTreeSet::new(),
    };
    walk_query(query, &[], &mut free);
    free.found
}

struct Free {
    own: BTreeSet<String>,
    /// The variables of each `every`, by the address of its query.
    every: BTreeMap<*const Query, BTreeSet<String>>,
    declared: Vec<BTreeSet<String>>,
    found: BTreeSet<String>,
}

impl Visitor for Free {
    fn query(&mut self, query: &Query) {
        let every = self.every.remove(&std::ptr::from_ref(query));
        let mut names = every.unwrap_or_default();
        names.extend(declared(query));
        self.declared.push(names);
    }

    fn leave_query(&mut self, _query: &Query) {
        self.declared.pop();
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        if let Literal::Every {
            key, value, query, ..
        } = &statement.literal
        {
            let names = key.iter().chain([value]).map(|span| span.text().to_owned());
            self.every
                .insert(std::ptr::from_ref(query.as_ref()), names.collect());
        }
    }

    fn expression(&mut self, expression: &Expr) -> bool {
        each_variable(expression, &mut |name| {
            let is_own = self.own.contains(name);
            if !is_own && !self.declared.iter().any(|names| names.contains(name)) {
                self.found.insert(name.to_owned());
            }
        });
        true
    }
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
