//! The caller of a request, once its credential has been verified.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

/// The kind of credential by which a caller authenticated: `input.identity.method` in a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// No credential was sent.
    Anonymous,
    /// A key from the API key file.
    ApiKey,
    /// A JSON Web Token (RFC 7519) of a configured issuer.
    Jwt,
    /// An opaque access token that its issuer confirmed, by userinfo or introspection (RFC 7662).
    OpaqueToken,
}

impl CredentialKind {
    /// The name that policies, logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::ApiKey => "api_key",
            Self::Jwt => "jwt",
            Self::OpaqueToken => "opaque_token",
        }
    }
}

/// The verified caller: `input.identity` in a policy.
///
/// Claims and attributes are shared, so that a remembered token needs no copy of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Principal {
    /// The kind of the caller's credential.
    #[serde(rename = "method")]
    pub credential: CredentialKind,
    /// The `sub` claim of a token, or the id of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Arc<str>>,
    /// The `iss` claim of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Arc<str>>,
    /// Every claim of a token; empty for the other methods.
    pub claims: Arc<Map<String, Value>>,
    /// OAuth scopes: the words of `scope` (RFC 8693, section 4.2), or of `scp`.
    pub scopes: Arc<[String]>,
    /// The id of an API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<Arc<str>>,
    /// The attributes of an API key; empty for the other methods.
    pub attributes: Arc<Map<String, Value>>,
}

impl Principal {
    /// The caller of a request without a credential.
    pub fn anonymous() -> Self {
        Self {
            credential: CredentialKind::Anonymous,
            subject: None,
            issuer: None,
            claims: Arc::default(),
            scopes: Arc::default(),
            key_id: None,
            attributes: Arc::default(),
        }
    }

    /// Whether the caller sent a credential, which was verified.
    pub fn is_authenticated(&self) -> bool {
        self.credential != CredentialKind::Anonymous
    }
}
