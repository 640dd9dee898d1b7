//! When a check left each stop, for its trace. A check that breaks off leaves no further stop, a deadline's included.

use std::time::Instant;

/// The ends of the stops that were left by success.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stops {
    /// Whether anybody wants to know: the clock is not asked for nothing.
    pub are_timed: bool,
    /// The resource was read.
    pub read: Option<Instant>,
    /// The caller was known.
    pub authenticated: Option<Instant>,
}

impl Stops {
    /// None left yet.
    pub fn new(are_timed: bool) -> Self {
        Self {
            are_timed,
            ..Self::default()
        }
    }

    pub(super) fn leave_read(&mut self) {
        self.read = self.are_timed.then(Instant::now);
    }

    pub(super) fn leave_authenticated(&mut self) {
        self.authenticated = self.are_timed.then(Instant::now);
    }
}
