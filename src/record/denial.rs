//! Why a request was denied.

use std::borrow::Cow;

use crate::status::DenialStatus;

/// A denial, with a part for the client and a part for the log only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status: 400, 401, 403, 421, 503, or the policy's own.
    pub status: DenialStatus,
    /// A stable name for metrics, logs and the problem document's `type`.
    pub code: &'static str,
    /// A sentence for the client.
    pub detail: Cow<'static, str>,
    /// The `WWW-Authenticate` values of the answer.
    pub challenges: Vec<String>,
    /// The sentence for the log, if the client's sentence may quote a secret.
    pub logged: Option<String>,
    /// The cause, for the log only.
    pub cause: Option<String>,
}

/// The denial of a request that is not decided yet.
pub(super) static UNDECIDED: Denial = Denial {
    status: DenialStatus::SERVICE_UNAVAILABLE,
    code: "internal-error",
    detail: Cow::Borrowed("The request could not be judged"),
    challenges: Vec::new(),
    logged: None,
    cause: None,
};

impl Denial {
    /// A denial without further details.
    pub fn new(
        status: DenialStatus,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            challenges: Vec::new(),
            logged: None,
            cause: None,
        }
    }

    /// The request could not be judged, because the program has a bug.
    pub fn internal_error() -> Self {
        UNDECIDED.clone()
    }

    /// Adds a cause for the log.
    #[must_use]
    pub fn because(self, cause: &impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..self
        }
    }
}

/// A way in which fastgeoapi authenticates. Each has its own bodies of 401 answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FastgeoapiMode {
    /// API keys.
    Keys,
    /// Tokens.
    Tokens,
    /// Tokens and a policy.
    Policy,
}
