//! Why a request was denied.

use std::borrow::Cow;

use crate::status::DenialStatus;

/// A denial: what the client is told, and what only the log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The HTTP status: 400, 401, 403, 421, 503, or what the policy chose.
    pub status: DenialStatus,
    /// A stable name for metrics, logs and the problem document's `type`.
    pub code: &'static str,
    /// A sentence for the client.
    pub detail: Cow<'static, str>,
    /// The `WWW-Authenticate` values of the answer.
    pub challenges: Vec<String>,
    /// The sentence for the log, if the client's quotes what may be a secret.
    pub logged: Option<String>,
    /// What happened, for the log only.
    pub cause: Option<String>,
}

/// What a decision is as long as there is no other.
pub(super) static UNDECIDED: Denial = Denial {
    status: DenialStatus::SERVICE_UNAVAILABLE,
    code: "internal-error",
    detail: Cow::Borrowed("The request could not be judged"),
    challenges: Vec::new(),
    logged: None,
    cause: None,
};

impl Denial {
    /// A denial of which all is said by these three.
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

    /// The request could not be judged: the program has a defect.
    pub fn internal_error() -> Self {
        UNDECIDED.clone()
    }

    /// The same with a cause for the log.
    #[must_use]
    pub fn because(self, cause: &impl ToString) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..self
        }
    }
}

/// In which words a tenant's clients are told of a denial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ErrorFormat {
    /// Problem documents (RFC 9457).
    #[default]
    Problem,
    /// fastgeoapi's for API keys, where it has some.
    FastgeoapiKeys,
    /// fastgeoapi's for tokens, where it has some.
    FastgeoapiTokens,
    /// fastgeoapi's for tokens that a policy judges, where it has some.
    FastgeoapiPolicy,
}
