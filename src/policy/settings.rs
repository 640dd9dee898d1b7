//! How a policy is loaded and asked.

use geowarden_rego::Settings;

use super::input;

/// How a policy is loaded and asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegoSettings {
    /// How it is loaded and evaluated.
    pub policy: Settings,
    /// What it is given.
    pub input: input::Shape,
    /// How many verdicts are remembered.
    pub remembered: usize,
}
