//! `every`, whose variables regorus takes for others: as an index for one to search for, beside `=` for one to set.

use std::collections::BTreeSet;

use regorus::unstable::{Expr, Query, Span};

use super::{super::locals, Printer, expression::Level};

impl Printer<'_> {
    /// Each variable is assigned once more inside, which makes it one of the body's own.
    pub(super) fn every(&mut self, key: Option<&Span>, value: &Span, domain: &Expr, query: &Query) {
        let mut renamed = Vec::new();
        let mut variable = |printer: &mut Self, span: &Span| {
            let name = span.text().to_owned();
            if name == "_" {
                return name;
            }
            let other = printer.name();
            renamed.push((name, other.clone()));
            other
        };
        let key = key.map(|key| variable(self, key));
        let value = variable(self, value);
        self.push("every ");
        if let Some(key) = key {
            self.push(&format!("{key}, "));
        }
        self.push(&format!("{value} in "));
        let own: BTreeSet<String> = renamed.iter().map(|(name, _)| name.clone()).collect();
        // regorus does not see what the body needs, and would begin before that is known.
        let needed = self.outer(locals::free(query, own.clone()));
        if needed.is_empty() {
            self.expression(domain, Level::Bool);
        } else {
            self.push("internal.after(");
            self.expression(domain, Level::Bool);
            self.push(&format!(", [{}])", needed.join(", ")));
        }
        self.push(" { ");
        for (name, other) in renamed {
            self.push(&format!("{name} := {other}; "));
        }
        self.within(query, own, |printer| printer.query(query));
        self.push(" }");
    }
}
