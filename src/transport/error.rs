//! Why a gRPC server, or its certificates, cannot be set up.

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
        /// Why.
        source: Unreadable,
    },
    /// The files changed all the time.
    #[error("certificates: {0}")]
    Unsettled(Unsettled),
    /// The files do not answer.
    #[error("{section}: the certificate files do not answer: check the mount that they are on")]
    Silent {
        /// The section that names them.
        section: &'static str,
    },
    /// Reading the files panicked, or could not begin.
    #[error("{section}: reading the certificate files broke off")]
    BrokenOff {
        /// The section that names them.
        section: &'static str,
    },
    /// The certificates, the key or the client authorities cannot be used.
    #[error("{section}.{key}: {cause}")]
    Certificates {
        /// The section that names them.
        section: &'static str,
        /// Which file of them.
        key: &'static str,
        /// What was expected, what was found.
        cause: &'static str,
    },
    /// Serving failed.
    #[error("{0}")]
    Transport(String),
}
