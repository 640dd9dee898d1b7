//! The errors of this crate: why a measure has no figure.

use std::io;

/// Why a measure could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A component did not start, or ended.
    #[error(transparent)]
    Stack(#[from] geowarden_stack::Error),
    /// A file or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// The operation.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The server under load could not be reached.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// The address of the server.
        address: String,
        /// Why it could not be reached.
        source: tonic::transport::Error,
    },
    /// A file of requests, a setting or an answer is not as expected.
    #[error("{what}: {problem}")]
    Unexpected {
        /// The file, setting or answer.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Some answers were not the expected ones, so the figure would be of something else.
    #[error("{wrong} of {requests} answers were not the expected ones{first}")]
    WrongAnswers {
        /// The number of wrong answers.
        wrong: u64,
        /// The number of all answers.
        requests: u64,
        /// The first wrong answer, after `: `. It is empty if it is not known.
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
