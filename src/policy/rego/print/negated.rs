//! Negated references by variables, such as `not data.blocked[user]`.
//!
//! regorus takes a variable between brackets for one to search for, in a negation too: it may evaluate the negation before
//! the variable has its value, and then for every key there is. The argument of a function is never searched for, so the
//! reference becomes a function's body and what is negated is the call.

use std::collections::BTreeSet;

use regorus::unstable::Expr;

use super::Printer;
use crate::policy::rego::syntax::operands;

impl Printer<'_> {
    /// What stands behind `not`, of which all that OPA evaluates before is lifted.
    pub(super) fn negated(&mut self, expression: &Expr) {
        if !self.searches(expression) {
            return self.whole(expression);
        }
        let mut variables = BTreeSet::new();
        self.variables(expression, &mut variables);
        let variables: Vec<String> = variables.into_iter().collect();
        self.is_changed = true;
        self.functions.count += 1;
        let call = format!(
            "__negated{}_{}__({})",
            self.functions.module,
            self.functions.count,
            variables.join(", ")
        );
        let outside = std::mem::take(&mut self.text);
        // The function stands on one line.
        let line = std::mem::replace(&mut self.line, u32::MAX);
        self.push(&call);
        self.push(if self.has_keywords { " if { " } else { " { " });
        self.whole(expression);
        self.push(" }");
        let function = std::mem::replace(&mut self.text, outside);
        self.line = line;
        self.functions.waiting.push(function);
        self.push(&call);
    }

    /// Writes the functions that the rule before has given its negations to.
    pub(super) fn waiting_functions(&mut self) {
        for function in std::mem::take(&mut self.functions.waiting) {
            self.push(" ");
            self.push(&function);
        }
    }

    /// Whether a reference has a variable between its brackets.
    fn searches(&self, expression: &Expr) -> bool {
        if self.lifted.contains_key(&expression.eidx()) {
            return false;
        }
        let by_variable = match expression {
            Expr::RefBrack { index, .. } => {
                let mut variables = BTreeSet::new();
                self.variables(index, &mut variables);
                !variables.is_empty()
            }
            _ => false,
        };
        by_variable || parts(expression).iter().any(|part| self.searches(part))
    }

    /// Adds the local variables of what is evaluated in place.
    fn variables(&self, expression: &Expr, found: &mut BTreeSet<String>) {
        if let Some(name) = self.lifted.get(&expression.eidx()) {
            found.insert(name.clone());
            return;
        }
        match expression {
            Expr::Var { span, .. } if self.is_local(span.text()) => {
                found.insert(span.text().to_owned());
            }
            other => {
                for part in parts(other) {
                    self.variables(part, found);
                }
            }
        }
    }
}

/// What is evaluated of an expression, without the names of functions.
fn parts(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Call { params, .. } => params.iter().map(AsRef::as_ref).collect(),
        other => operands(other),
    }
}

/// The functions that negations are given to.
pub(super) struct Functions {
    /// The number of the module: modules of one package share their names.
    pub(super) module: usize,
    count: usize,
    /// Those of the rule that is printed, to be written behind it.
    waiting: Vec<String>,
}

impl Functions {
    pub(super) fn of_module(module: usize) -> Self {
        Self {
            module,
            count: 0,
            waiting: Vec::new(),
        }
    }
}
