//! What listeners refer to by name, and a dump shows.

use std::collections::BTreeMap;

use super::node::Node;

/// What listeners refer to by name.
#[derive(Debug, Default)]
pub(crate) struct Named<'a> {
    /// Sets of routes (RDS).
    pub(crate) routes: BTreeMap<&'a str, Node<'a>>,
    /// Filters (ECDS).
    pub(crate) filters: BTreeMap<&'a str, Node<'a>>,
}
