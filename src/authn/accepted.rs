//! Which credentials the configuration accepts, and in which places.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A scheme of `Authorization` under which an API key can come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyScheme {
    /// `ApiKey KEY`. The name is geowarden's own, since no scheme for API keys is registered.
    ApiKey,
    /// `Basic`: the password is the key, and the user name may be any (RFC 7617).
    Basic,
}

impl KeyScheme {
    /// Its name in the header.
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::ApiKey => b"ApiKey",
            Self::Basic => b"Basic",
        }
    }
}

/// Places of a credential besides its header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The decoded name of a query parameter (RFC 6750, section 2.3).
    pub query: Option<String>,
    /// The name of a cookie.
    pub cookie: Option<String>,
}

/// Which credentials the configuration accepts, and where. `K` verifies API keys and `T` tokens.
#[derive(Debug)]
pub struct AcceptedCredentials<'a, K, T> {
    /// `None` if API keys are not accepted.
    pub keys: Option<AcceptedKeys<'a, K>>,
    /// `None` if tokens are not accepted.
    pub tokens: Option<AcceptedTokens<'a, T>>,
    /// The longest credential that is looked at, in bytes.
    pub max_length: usize,
}

/// Where API keys are accepted, and who verifies them.
#[derive(Debug)]
pub struct AcceptedKeys<'a, K> {
    /// Their header.
    pub header: &'a str,
    /// The schemes of `Authorization` under which they are accepted.
    pub schemes: &'a [KeyScheme],
    /// Where else they are accepted.
    pub places: &'a Places,
    /// Verifies a key.
    pub verifier: &'a K,
}

/// Where tokens are accepted besides `Authorization`, and who verifies them.
#[derive(Debug)]
pub struct AcceptedTokens<'a, T> {
    /// Where else they are accepted.
    pub places: &'a Places,
    /// Verifies a token.
    pub verifier: &'a T,
}
