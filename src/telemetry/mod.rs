//! What geowarden tells of itself: logs on standard error, metrics for Prometheus. Never a credential in either.

pub mod decision_log;
pub mod decision_stream;
pub mod logging;
pub mod metrics;
pub mod reload_history;
