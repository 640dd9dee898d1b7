//! Errors when a gRPC server or its certificates are set up.

use std::path::PathBuf;

use thiserror::Error;

use crate::files::{Unreadable, Unsettled};

/// Why the gRPC server could not be set up.
#[derive(Debug, Error)]
pub enum ServerError {
    /// A certificate or key could not be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Unreadable,
    },
    /// The files kept changing.
    #[error("certificates: {0}")]
    Unsettled(Unsettled),
    /// The files do not answer.
    #[error("{section}: the certificate files do not answer: check the mount that they are on")]
    Silent {
        /// The section of the configuration.
        section: &'static str,
    },
    /// Reading the files panicked, or could not start.
    #[error("{section}: reading the certificate files panicked or could not start")]
    BrokenOff {
        /// The section of the configuration.
        section: &'static str,
    },
    /// The certificates, the key or the client authorities cannot be used.
    #[error("{section}.{key}: {cause}")]
    Certificates {
        /// The section of the configuration.
        section: &'static str,
        /// The key of the file.
        key: &'static str,
        /// What was expected, and what was found.
        cause: &'static str,
    },
    /// Serving failed.
    #[error("{0}")]
    Transport(String),
}
