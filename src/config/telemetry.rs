//! `telemetry`: geowarden's own logs and traces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LoggedDecisions, Traces};

/// Logs and traces.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The format of log lines on standard error.
    pub format: LogFormat,
    /// The lowest level that is logged.
    pub level: LogLevel,
    /// The older name of `decision_log.decisions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<LoggedDecisions>,
    /// Where traces are sent. Without this section there are no traces.
    pub traces: Option<Traces>,
}

/// The format of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Text for people.
    Text,
    /// One JSON object on each line.
    Json,
}

/// A log level.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum LogLevel {
    Error,
    Warn,
    #[default]
    Info,
    Debug,
}
