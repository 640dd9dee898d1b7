//! The errors of starting and asking components.

use std::path::PathBuf;

/// Why a component did not start or answer. The error has the end of the log, so that nobody needs to look for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool is not where `tests/tools/install.sh` puts it.
    #[error("{tool} is not installed: run `make tools` (looked for {})", path.display())]
    NotInstalled {
        /// The usual name of the tool.
        tool: &'static str,
        /// The path where it should be.
        path: PathBuf,
    },
    /// A component ended, or was not ready in time.
    #[error("{component}: {problem}\n  command: {command}\n  end of its log:\n{tail}")]
    Component {
        /// Which one.
        component: &'static str,
        /// What happened.
        problem: String,
        /// The command that started it.
        command: String,
        /// The last lines that it wrote.
        tail: String,
    },
    /// This crate cannot adapt the shipped Envoy configuration, since the configuration has changed.
    #[error("{}: expected exactly one {wanted:?}, found {found}", file.display())]
    Rewrite {
        /// The configuration.
        file: PathBuf,
        /// The text to be replaced.
        wanted: String,
        /// How often it is there.
        found: usize,
    },
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something was not as expected: an answer that is not HTTP, or a missing member.
    #[error("{what}: {problem}")]
    Unexpected {
        /// The request or file.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// For `map_err`: makes an error of an I/O operation, with its description.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn unexpected(what: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Unexpected {
            what: what.into(),
            problem: problem.to_string(),
        }
    }
}
