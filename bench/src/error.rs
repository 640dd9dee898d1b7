//! Why there is no figure.

use std::io;

/// What kept a measure from being taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A component did not start, or ended.
    #[error(transparent)]
    Stack(#[from] geowarden_stack::Error),
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The server under load could not be reached.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// A file of requests, a setting or an answer is not what it has to be.
    #[error("{what}: {problem}")]
    Unexpected {
        /// What was looked at.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Answers were not those that were expected: what was measured is not what was to be.
    #[error("{wrong} of {requests} answers were not the expected ones{first}")]
    WrongAnswers {
        /// How many.
        wrong: u64,
        /// Of how many.
        requests: u64,
        /// The first of them, after `: `, where one is known.
        first: String,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
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
