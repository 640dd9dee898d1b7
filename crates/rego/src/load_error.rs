//! Why a policy does not load.

use thiserror::Error;

use crate::diagnostic::Diagnostic;

/// Why a policy does not load.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// Problems in its texts.
    #[error("{}", lines(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// The policy cannot be used as a whole. The text has the reason, and file and line if known.
    #[error("{0}")]
    Unusable(String),
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    told.join("\n")
}
