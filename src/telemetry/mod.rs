//! What geowarden tells of itself: logs on standard error, metrics for Prometheus, traces by OTLP. Never a credential in any.

pub mod decision_log;
pub mod decision_stream;
mod log_writer;
pub mod logging;
pub mod metrics;
pub mod occasionally;
pub mod reload_history;
pub mod traces;
