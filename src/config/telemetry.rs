//! `telemetry`: what geowarden tells of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Traces;

/// Logs and traces.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// How log lines look, on standard error.
    pub format: LogFormat,
    /// The least level that is logged.
    pub level: LogLevel,
    /// Which decisions get a log line.
    pub decisions: LoggedDecisions,
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

/// Which decisions get a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoggedDecisions {
    /// Every decision.
    #[default]
    All,
    /// Refusals only.
    Denied,
    /// None; metrics still count them.
    None,
}
