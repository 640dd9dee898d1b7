//! The settings of a policy.

use geowarden_rego::Settings;

use super::input;

/// The settings of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoSettings {
    /// How the policy is loaded and evaluated.
    pub policy: Settings,
    /// The shape of `input`.
    pub input: input::Shape,
    /// How many verdicts are remembered.
    pub remembered: usize,
    /// Whether what it prints is kept; then no verdict is remembered.
    pub print: bool,
}
