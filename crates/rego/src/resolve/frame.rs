//! The names that one query or function has, while it is resolved.

use std::collections::{BTreeMap, BTreeSet};

use super::{direct, tree::Local};
use crate::parse::tree::{Expr, Name, Query};

/// The names of one query or function.
#[derive(Default)]
pub(super) struct Frame {
    /// Names that are declared above.
    pub(super) declared: BTreeMap<String, Local>,
    /// Names that are declared further below in this query.
    pub(super) later: BTreeSet<String>,
    /// Names that are not declared anywhere.
    pub(super) plain: BTreeMap<String, Local>,
    /// Names that the query itself uses.
    pub(super) direct: BTreeSet<String>,
    /// Names that the query declares with `some`, and only queries inside of it use. OPA takes each such use as another variable.
    pub(super) passed_on: BTreeMap<String, Local>,
    /// The arguments of a function, or the key and the value of an `every`. The query inside may not declare them again.
    pub(super) is_of_query_inside: bool,
    /// The query of a `not { .. }`. Above its declaration, OPA takes a name there in two ways: as the variable in inner queries, and as
    /// that of an outer query elsewhere. Such a use is rejected.
    pub(super) is_negated: bool,
}

impl Frame {
    /// The frame of a query, and the names that it uses itself, with those of the values that it is for.
    pub(super) fn of_query(query: Option<&Query>, values: &[&Expr]) -> (Self, BTreeSet<String>) {
        let mut frame = Self::default();
        let mut names = BTreeSet::new();
        let mut add = |name: &str| {
            names.insert(name.to_owned());
        };
        if let Some(query) = query {
            direct::of_query(query, &mut add);
        }
        for value in values {
            direct::of_value(value, &mut add);
        }
        let mut whole = BTreeSet::new();
        if let Some(query) = query {
            let declared = direct::declared(query).into_iter();
            frame.later.extend(declared.map(|(name, _)| name.text));
            direct::of_replacements(query, &mut |name, is_whole| {
                let to = if is_whole { &mut whole } else { &mut names };
                to.insert(name.to_owned());
            });
        }
        frame.direct = names.union(&whole).cloned().collect();
        (frame, names)
    }

    pub(super) fn declare(&mut self, name: &Name, local: Local, by_some: bool) {
        self.later.remove(&name.text);
        let is_passed_on = by_some && !self.direct.contains(&name.text);
        let names = if is_passed_on {
            &mut self.passed_on
        } else {
            &mut self.declared
        };
        names.insert(name.text.clone(), local);
    }

    pub(super) fn has_declared(&self, name: &str) -> bool {
        self.declared.contains_key(name) || self.passed_on.contains_key(name)
    }

    /// Whether the query has a variable of this name, or will declare one.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.has_declared(name) || self.plain.contains_key(name) || self.later.contains(name)
    }
}
