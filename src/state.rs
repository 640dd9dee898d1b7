//! The rules in force: loaded once a request, replaced whole.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::pipeline::Rules;

/// Holds the rules behind one atomic pointer: a request never waits for a reload.
pub struct State(ArcSwap<Rules>);

impl State {
    /// Starts with `rules`.
    pub fn new(rules: Rules) -> Self {
        Self(ArcSwap::from_pointee(rules))
    }

    /// The rules that are in force now; a request keeps them to its end.
    pub fn rules(&self) -> Arc<Rules> {
        self.0.load_full()
    }

    /// Puts other rules in force, for requests that begin from now on.
    pub fn replace(&self, rules: Rules) {
        self.0.store(Arc::new(rules));
    }
}
