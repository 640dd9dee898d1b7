//! `decision_log`: which decisions get a line, and where it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log of decisions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionLog {
    /// Which decisions get a line.
    pub decisions: LoggedDecisions,
    /// Where the lines are written.
    pub output: LogOutput,
}

/// Which decisions get a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoggedDecisions {
    /// Every decision.
    #[default]
    All,
    /// Denials only.
    Denied,
    /// None; metrics still count them.
    None,
}

/// Where lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogOutput {
    /// Standard error, between the other lines.
    #[default]
    Stderr,
    /// Standard output, where there are no other lines; `telemetry.level` does not count there.
    Stdout,
}
