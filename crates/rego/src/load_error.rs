//! Why a policy does not load.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::diagnostic::Diagnostic;

/// Why a policy does not load.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum LoadError {
    /// Problems in its texts.
    #[error("{}", lines(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// The entrypoint is a function. It would be undefined for every request.
    #[error("`{0}` is a function, which has no value by itself: the entrypoint must be a rule")]
    FunctionEntrypoint(String),
    /// No rule is at the entrypoint.
    #[error("no rule `data.{}`: it is the entrypoint `{entrypoint}`", .entrypoint.replace('/', "."))]
    NoEntrypoint {
        /// The entrypoint, as it is set.
        entrypoint: String,
    },
    /// The policy cannot be used as a whole. The text has the reason, and file and line if known.
    #[error("{0}")]
    Unusable(String),
}

fn lines(diagnostics: &[Diagnostic]) -> String {
    let told: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    told.join("\n")
}
