//! Why a credential is refused: one text for the caller, another for the log.

use std::borrow::Cow;

use thiserror::Error;

use crate::status::DenialStatus;

/// The reason of a refusal. Its name in logs and metrics is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuthnErrorKind {
    /// No entry has the digest of the key.
    UnknownKey,
    /// The API key has expired (`expires`).
    ExpiredKey,
    /// The token is not a JWT, or its header or claims violate RFC 7515 or RFC 7519.
    MalformedToken,
    /// The token is longer than the limit.
    TokenTooLarge,
    /// The signature does not match the key.
    BadSignature,
    /// `exp` has passed.
    ExpiredToken,
    /// `nbf` is in the future.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// `exp` is absent.
    MissingExpiry,
    /// `aud` names other audiences only.
    WrongAudience,
    /// `aud` is absent.
    MissingAudience,
    /// `iss` is absent, or is not a configured issuer.
    UnknownIssuer,
    /// The issuer has no key with this `kid`.
    UnknownKeyId,
    /// Several keys of the issuer fit.
    AmbiguousKey,
    /// `alg` is not configured for the issuer, or the key is for another algorithm.
    AlgorithmNotAllowed,
    /// The header has `crit` or `b64`, extensions that geowarden does not support (RFC 7515, section 4.1.11).
    CriticalHeader,
    /// `typ` belongs to another kind of token (RFC 8725, section 3.11).
    TokenType,
    /// A credential header was sent twice.
    RepeatedCredential,
    /// Two credentials were sent at once (RFC 6750, section 2).
    SeveralCredentials,
    /// A page of another site made a browser send a credential with a request that may change something.
    CrossSite,
    /// The keys of the issuer have not been fetched yet.
    KeysUnavailable,
    /// The issuer says that the opaque token is not active.
    InactiveToken,
    /// The issuer could not be asked about the opaque token.
    IssuerUnavailable,
}

impl AuthnErrorKind {
    /// The name that logs and metrics use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown-key",
            Self::ExpiredKey => "expired-key",
            Self::MalformedToken => "malformed-token",
            Self::TokenTooLarge => "token-too-large",
            Self::BadSignature => "bad-signature",
            Self::ExpiredToken => "expired-token",
            Self::NotYetValid => "not-yet-valid",
            Self::IssuedInFuture => "issued-in-future",
            Self::MissingExpiry => "missing-expiry",
            Self::WrongAudience => "wrong-audience",
            Self::MissingAudience => "missing-audience",
            Self::UnknownIssuer => "unknown-issuer",
            Self::UnknownKeyId => "unknown-key-id",
            Self::AmbiguousKey => "ambiguous-key",
            Self::AlgorithmNotAllowed => "algorithm-not-allowed",
            Self::CriticalHeader => "critical-header",
            Self::TokenType => "token-type",
            Self::RepeatedCredential => "repeated-credential",
            Self::SeveralCredentials => "several-credentials",
            Self::CrossSite => "cross-site-credential",
            Self::KeysUnavailable => "keys-unavailable",
            Self::InactiveToken => "inactive-token",
            Self::IssuerUnavailable => "issuer-unavailable",
        }
    }

    /// The HTTP status of the answer.
    pub fn status(self) -> DenialStatus {
        match self {
            Self::RepeatedCredential | Self::SeveralCredentials => DenialStatus::BAD_REQUEST,
            Self::KeysUnavailable | Self::IssuerUnavailable => DenialStatus::SERVICE_UNAVAILABLE,
            Self::CrossSite => DenialStatus::FORBIDDEN,
            _ => DenialStatus::UNAUTHORIZED,
        }
    }

    /// Whether another credential could be accepted, so that the answer says how to send one.
    pub(super) fn is_to_try_again(self) -> bool {
        [DenialStatus::UNAUTHORIZED, DenialStatus::BAD_REQUEST].contains(&self.status())
    }

    /// The text for the caller. Failures that depend on the keys share one text, so that guessing reveals nothing. The
    /// characters are those that RFC 6750, section 3 allows in `error_description`.
    pub fn detail(self) -> &'static str {
        match self {
            Self::UnknownKey | Self::ExpiredKey => "The API key is not valid",
            Self::MalformedToken => "The token is malformed",
            Self::TokenTooLarge => "The token is too large",
            Self::BadSignature
            | Self::UnknownIssuer
            | Self::UnknownKeyId
            | Self::AmbiguousKey
            | Self::AlgorithmNotAllowed
            | Self::CriticalHeader => "The token cannot be verified",
            Self::ExpiredToken => "The token has expired",
            Self::NotYetValid => "The token is not valid yet",
            Self::IssuedInFuture => "The token was issued in the future",
            Self::MissingExpiry => "The token has no expiry",
            Self::WrongAudience | Self::MissingAudience => {
                "The token is not meant for this service"
            }
            Self::TokenType => "The token is not an access token",
            Self::RepeatedCredential => "A credential was sent more than once",
            Self::SeveralCredentials => "More than one credential was sent",
            Self::CrossSite => "A page of another site made the browser send this credential",
            Self::InactiveToken => "The token is not active",
            Self::KeysUnavailable | Self::IssuerUnavailable => {
                "The token cannot be verified at the moment"
            }
        }
    }

    /// The `error` of a Bearer challenge (RFC 6750, section 3.1), if a bearer token was refused.
    pub fn error_code(self) -> Option<&'static str> {
        match self {
            Self::UnknownKey
            | Self::ExpiredKey
            | Self::CrossSite
            | Self::KeysUnavailable
            | Self::IssuerUnavailable => None,
            Self::RepeatedCredential | Self::SeveralCredentials => Some("invalid_request"),
            _ => Some("invalid_token"),
        }
    }
}

/// The refusal of a credential. `Display` is the text for the caller.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}", kind.detail())]
pub struct AuthnError {
    kind: AuthnErrorKind,
    cause: Option<Cow<'static, str>>,
    challenges: Vec<String>,
}

impl AuthnError {
    /// A refusal without further cause.
    pub fn new(kind: AuthnErrorKind) -> Self {
        Self {
            kind,
            cause: None,
            challenges: Vec::new(),
        }
    }

    /// A refusal with a cause for the log, which must not quote the credential.
    pub fn because(kind: AuthnErrorKind, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(kind)
        }
    }

    /// Adds the `WWW-Authenticate` values of the answer.
    pub(super) fn with_challenges(self, challenges: Vec<String>) -> Self {
        Self { challenges, ..self }
    }

    /// The reason.
    pub fn kind(&self) -> AuthnErrorKind {
        self.kind
    }

    /// The HTTP status of the answer: 401, 400, 403 or 503.
    pub fn status(&self) -> DenialStatus {
        self.kind.status()
    }

    /// The text for the caller.
    pub fn detail(&self) -> &'static str {
        self.kind.detail()
    }

    /// The cause for the log. It never contains a part of the credential.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The `WWW-Authenticate` values of the answer (RFC 9110, section 11.6.1); none for a 403 and a 503.
    pub fn challenges(&self) -> &[String] {
        &self.challenges
    }
}

impl From<AuthnErrorKind> for AuthnError {
    fn from(kind: AuthnErrorKind) -> Self {
        Self::new(kind)
    }
}

/// `text` as a quoted string (RFC 9110, section 5.6.4); control characters become spaces.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push(' '),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
