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

/// Which credentials the configuration accepts, and where.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedCredentials<'a> {
    /// The header of API keys; `None` if API keys are not accepted.
    pub api_key_header: Option<&'a str>,
    /// The schemes of `Authorization` under which API keys are accepted.
    pub key_schemes: &'a [KeyScheme],
    /// Where else API keys are accepted.
    pub key_places: &'a Places,
    /// Whether tokens are accepted.
    pub tokens: bool,
    /// Where else tokens are accepted.
    pub token_places: &'a Places,
    /// The longest credential that is looked at, in bytes.
    pub max_length: usize,
}
