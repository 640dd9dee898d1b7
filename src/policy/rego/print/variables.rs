//! What is known of variables while a rule is printed.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Query, Ref};

use super::Printer;
use crate::policy::rego::locals;

/// The names of a function's arguments or of a query.
pub(super) struct Around {
    declared: BTreeSet<String>,
    occurring: BTreeSet<String>,
}

impl Printer<'_> {
    /// Whether a name stands for a variable of the rule.
    pub(super) fn is_local(&self, name: &str) -> bool {
        let is_declared = self.around.iter().any(|one| one.declared.contains(name));
        is_declared || !self.scope.is_global(name)
    }

    /// Those of the names that stand for variables of the queries around.
    pub(super) fn outer(&self, names: BTreeSet<String>) -> Vec<String> {
        let occurs = |name: &String| self.around.iter().any(|one| one.occurring.contains(name));
        names
            .into_iter()
            .filter(|name| self.is_local(name) && occurs(name))
            .collect()
    }

    /// Does something inside of a query; `more` are declared there too.
    pub(super) fn within(
        &mut self,
        query: &Query,
        more: BTreeSet<String>,
        work: impl FnOnce(&mut Self),
    ) {
        let mut declared = locals::declared(query);
        declared.extend(more.iter().cloned());
        let mut occurring = locals::occurring(query);
        occurring.extend(more);
        self.around.push(Around {
            declared,
            occurring,
        });
        work(self);
        self.around.pop();
    }

    /// Does something inside of a function.
    pub(super) fn with_arguments(&mut self, arguments: &[Ref<Expr>], work: impl FnOnce(&mut Self)) {
        let declared = locals::arguments(arguments);
        self.around.push(Around {
            occurring: declared.clone(),
            declared,
        });
        work(self);
        self.around.pop();
    }
}
