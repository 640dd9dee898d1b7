//! Parts that listeners refer to by name, and that a configuration dump contains.

use std::collections::BTreeMap;

use super::node::Node;

/// Parts that listeners refer to by name.
#[derive(Debug, Default)]
pub(crate) struct Named<'a> {
    /// Sets of routes (RDS).
    pub(crate) routes: BTreeMap<&'a str, Node<'a>>,
    /// HTTP filters (ECDS).
    pub(crate) filters: BTreeMap<&'a str, Node<'a>>,
}
