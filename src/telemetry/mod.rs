//! What geowarden tells of itself: logs on standard error, metrics for Prometheus. Never a credential in either.

pub mod decision_log;
pub mod logging;
pub mod metrics;
