//! When a check left each stop, for its trace. A check that breaks off leaves no further stop, a deadline's included.

use std::time::Instant;

/// The ends of the stops that were left by success.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stops {
    /// The resource was read.
    pub read: Option<Instant>,
    /// The caller was known.
    pub authenticated: Option<Instant>,
}
