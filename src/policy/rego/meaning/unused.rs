//! `some x` without a use of `x` where it is declared: OPA does not compile it.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Literal, LiteralStmt, Query, Rule};

use super::super::{
    locals,
    refusal::Refusals,
    syntax::{Visitor, each_variable, walk_rule},
};

/// Finds the unused declarations of a rule.
pub(super) fn check(rule: &Rule, refusals: &mut Refusals<'_>) {
    let mut declarations = Declarations {
        refusals,
        every: BTreeMap::new(),
        around: Vec::new(),
    };
    walk_rule(rule, &mut declarations);
}

struct Declarations<'a, 'b> {
    refusals: &'a mut Refusals<'b>,
    /// The variables of each `every`, by the address of its query.
    every: BTreeMap<*const Query, BTreeSet<String>>,
    /// The queries that are entered, the innermost last.
    around: Vec<OfQuery>,
}

/// What one query declares.
#[derive(Default)]
struct OfQuery {
    names: BTreeSet<String>,
    /// What `some x` declares and nothing has used yet, with its line.
    unused: BTreeMap<String, u32>,
}

impl Visitor for Declarations<'_, '_> {
    fn query(&mut self, query: &Query) {
        let every = self.every.remove(&std::ptr::from_ref(query));
        let mut names = every.unwrap_or_default();
        names.extend(locals::declared(query));
        let mut unused = BTreeMap::new();
        for statement in &query.stmts {
            if let Literal::SomeVars { vars, .. } = &statement.literal {
                unused.extend(
                    vars.iter()
                        .map(|span| (span.text().to_owned(), statement.span.line)),
                );
            }
        }
        self.around.push(OfQuery { names, unused });
    }

    fn leave_query(&mut self, _query: &Query) {
        for (name, line) in self.around.pop().unwrap_or_default().unused {
            self.refusals.add(
                line,
                format!("`some {name}` declares a variable that nothing uses: remove it"),
            );
        }
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
        let around = &mut self.around;
        each_variable(expression, &mut |name| {
            // The innermost of that name is the one that is used.
            let declaring = around.iter_mut().rev();
            if let Some(query) = declaring
                .into_iter()
                .find(|query| query.names.contains(name))
            {
                query.unused.remove(name);
            }
        });
        true
    }
}
