//! What was decided. Only the pipeline, the module above, can make a [`Permit`].

use serde_json::{Map, Value};

/// The end of one request.
#[derive(Debug, Clone)]
pub enum Decision {
    /// The request may pass.
    Allow(Permit),
    /// The request is refused.
    Deny(Denial),
}

impl Decision {
    /// `allow` or `deny`.
    pub fn outcome(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Deny(_) => "deny",
        }
    }

    /// A name of ours for why; never a policy's own words, which may name people.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Allow(_) => "policy-allowed",
            Self::Deny(denial) => denial.reason,
        }
    }

    /// The HTTP status of a refusal; 200 stands for passing on.
    pub fn status(&self) -> u16 {
        match self {
            Self::Allow(_) => 200,
            Self::Deny(denial) => denial.status,
        }
    }
}

/// In whose words a refusal is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Refusals {
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

/// Evidence that a request was read, its caller known and the policy asked, and that the policy said yes.
#[derive(Debug, Clone)]
pub struct Permit {
    /// Headers set on the request, over whatever the client sent.
    pub set_headers: Vec<(String, String)>,
    /// Headers taken from the request.
    pub remove_headers: Vec<String>,
    /// Headers added to pygeoapi's answer.
    pub response_headers: Vec<(String, String)>,
    /// The policy's own dynamic metadata.
    pub metadata: Map<String, Value>,
    _made_by_the_pipeline: Seal,
}

/// Only this module's parent can name it.
#[derive(Debug, Clone, Copy)]
struct Seal;

impl Permit {
    /// An allowance that asks nothing of Envoy yet.
    pub(super) fn grant() -> Self {
        Self {
            set_headers: Vec::new(),
            remove_headers: Vec::new(),
            response_headers: Vec::new(),
            metadata: Map::new(),
            _made_by_the_pipeline: Seal,
        }
    }
}

/// A refusal, with what the client is told and what only we know.
#[derive(Debug, Clone, Default)]
pub struct Denial {
    /// The HTTP status: 400, 401, 403, 503, or what the policy chose.
    pub status: u16,
    /// A stable name for metrics, logs and the problem document's `type`.
    pub reason: &'static str,
    /// A sentence for the client.
    pub detail: String,
    /// Headers of the answer, `WWW-Authenticate` among them.
    pub headers: Vec<(String, String)>,
    /// The policy's own body instead of a problem document.
    pub body: Option<String>,
    /// The policy's own dynamic metadata.
    pub metadata: Map<String, Value>,
    /// The sentence for our log, where the client's quotes what may be a secret.
    pub logged: Option<String>,
    /// What happened, for our log only.
    pub cause: Option<String>,
}
