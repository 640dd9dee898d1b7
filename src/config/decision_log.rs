//! `decision_log`: which decisions are logged, and where.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The decision log.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DecisionLog {
    /// Which decisions are logged.
    pub decisions: LoggedDecisions,
    /// Where the lines are written.
    pub output: LogOutput,
    /// How much of the policy's `input` a line has. Credentials are never in it.
    pub input: LoggedInput,
}

/// Which decisions are logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoggedDecisions {
    /// Every decision.
    #[default]
    All,
    /// Denials only.
    Denied,
    /// None. Metrics still count every decision.
    None,
}

/// How much of the policy's `input` is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoggedInput {
    /// Nothing of it.
    #[default]
    None,
    /// What the policy reads.
    Reads,
    /// All of it.
    Full,
}

/// Where the lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogOutput {
    /// To standard error, between the other log lines.
    #[default]
    Stderr,
    /// To standard output, which has no other lines. `telemetry.level` does not apply there.
    Stdout,
}
