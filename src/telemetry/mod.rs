//! Logs on standard error, metrics for Prometheus, traces by OTLP. None of them contains a credential.

pub mod decision_log;
pub mod decision_stream;
pub mod exposition;
pub mod log_throttle;
mod log_writer;
pub mod logging;
pub mod metrics;
pub mod reload_history;
pub mod traces;
