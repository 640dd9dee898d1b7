//! Why a policy does not load.

use thiserror::Error;

use crate::diagnostic::Diagnostic;

/// Why a policy does not load.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LoadError {
    /// What is wrong with its texts.
    #[error("{}", lines(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// It cannot be used as a whole: the reason, with file and line where it has one.
    #[error("{0}")]
    Unusable(String),
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    told.join("\n")
}
