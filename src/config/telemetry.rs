//! `telemetry`: what geowarden tells of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LoggedDecisions, Traces};

/// Logs and traces.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// How log lines look, on standard error.
    pub format: LogFormat,
    /// The least level that is logged.
    pub level: LogLevel,
    /// The older name of `decision_log.decisions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decisions: Option<LoggedDecisions>,
    /// Where traces are sent; without it there are none.
    pub traces: Option<Traces>,
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// Text for people.
    Text,
    /// One JSON object a line.
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
