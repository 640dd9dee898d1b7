//! What can go wrong while starting and asking the components.

use std::path::PathBuf;

/// A component that did not do what it was started for, told so that no log has to be looked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tool is not where `tests/tools/install.sh` puts it.
    #[error("{tool} is not installed: run `make tools` (looked for {})", path.display())]
    NotInstalled {
        /// Its name as people know it.
        tool: &'static str,
        /// Where it should be.
        path: PathBuf,
    },
    /// A component ended, or was not ready in time.
    #[error("{component}: {problem}\n  command: {command}\n  end of its log:\n{tail}")]
    Component {
        /// Which one.
        component: &'static str,
        /// What happened.
        problem: String,
        /// How it was started.
        command: String,
        /// The last lines that it wrote.
        tail: String,
    },
    /// The shipped Envoy configuration is no longer what this crate knows how to rewrite.
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
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something was not as it has to be: an answer that is not HTTP, a member that is missing.
    #[error("{what}: {problem}")]
    Unexpected {
        /// What was asked or looked at.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Error {
    /// For `map_err`: names what was tried when an I/O operation fails.
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
