//! The stop `authenticate`: finds out who sent the request.
//!
//! ```text
//! request -> Credential -> Chain -> ApiKeyAuthenticator -> KeyTable
//!                               \-> TokenAuthenticator  -> KeySource <- KeyFetcher (background)
//!                                                       \-> OpaqueTokenAuthenticator -> the issuer (userinfo, introspection)
//! ```
//!
//! A request without a credential is anonymous, and the policy decides. A request with an invalid credential is refused
//! here, even where an anonymous one would be allowed: its sender expects to be recognised.

mod accepted;
mod algorithm;
mod api_key;
mod basic;
mod clock;
mod cookie;
mod credential;
mod discovery;
mod error;
mod fetch;
mod jwks;
mod jwt;
mod key_fetcher;
mod key_source;
mod metadata;
mod opaque;

use std::{collections::BTreeSet, sync::Arc};

use thiserror::Error;

pub use accepted::{KeyScheme, Places};
pub use algorithm::{Algorithm, UnsupportedAlgorithm};
pub use api_key::{
    GeneratedKey, KeyEntry, KeyProblem, KeyRing, KeyTable, KeyTableError, KeyUse, RandomError,
    generate_key, key_digest,
};
pub use clock::{Clock, SystemClock};
pub use credential::{Credential, Secret};
pub use discovery::{DiscoveryError, document_url as metadata_url};
pub use error::{AuthnError, AuthnErrorKind};
pub use fetch::{FetchError, FetchSettings, Fetcher};
pub(crate) use fetch::{causes, is_loopback};
pub use jwks::{KeySet, KeySetError, UnfitKey};
pub use jwt::{Audiences, IssuerSettings, IssuerSettingsError, scopes};
pub use key_fetcher::{
    KeyEvents, KeyFetchError, KeyFetchSettings, KeyFetcher, KeyLocation, fetch_keys,
};
pub use key_source::{AskSettings, KeySource, KeyStatus};
pub use metadata::{Metadata, MetadataError, metadata};
pub use opaque::{ClientSecret, Inquiry, OpaqueSettings};

use crate::identity::{CredentialKind, Principal};
use crate::request::{CheckInput, is_token};
use accepted::{AcceptedCredentials, AcceptedKeys, AcceptedTokens};
use api_key::ApiKeyAuthenticator;
use cookie::COOKIE;
use credential::AUTHORIZATION;
use jwt::{TokenAuthenticator, is_jwt};
use opaque::OpaqueTokenAuthenticator;

/// The header with a credential for a proxy on the way (RFC 9110, section 11.7.2).
const PROXY_AUTHORIZATION: &str = "proxy-authorization";

/// The API keys, and where clients send them.
#[derive(Debug)]
pub struct ApiKeySettings {
    /// The header that holds the key.
    pub header: String,
    /// The schemes of `Authorization` under which a key can come.
    pub schemes: Vec<KeyScheme>,
    /// Where else a key can stand.
    pub places: Places,
    /// The keys.
    pub keys: Arc<KeyRing>,
}

impl ApiKeySettings {
    /// Keys in this header only.
    pub fn by_header(header: &str, keys: Arc<KeyRing>) -> Self {
        Self {
            header: header.to_owned(),
            schemes: Vec::new(),
            places: Places::default(),
            keys,
        }
    }
}

/// The settings of a [`Chain`].
#[derive(Debug)]
pub struct ChainSettings {
    /// The realm of the challenges.
    pub realm: String,
    /// The API keys; `None` if API keys are not accepted.
    pub api_keys: Option<ApiKeySettings>,
    /// The issuers whose tokens are accepted, with their keys.
    pub issuers: Vec<(IssuerSettings, Arc<KeySource>)>,
    /// The issuer of opaque tokens; `None` if opaque tokens are not accepted.
    pub opaque: Option<OpaqueSettings>,
    /// Where a token can be besides `Authorization`.
    pub token_places: Places,
    /// The longest credential that is checked, in bytes.
    pub max_credential_length: usize,
    /// How many verified tokens are remembered. With 0, the signature is checked on every request.
    pub remembered_tokens: usize,
    /// Whether pygeoapi receives the `authorization` header.
    pub forward_authorization: bool,
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self {
            realm: "pygeoapi".to_owned(),
            api_keys: None,
            issuers: Vec::new(),
            opaque: None,
            token_places: Places::default(),
            max_credential_length: 16 * 1024,
            remembered_tokens: 4096,
            forward_authorization: false,
        }
    }
}

/// Why a chain cannot be built from its settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// The API key header is `authorization`, or is not a header name (RFC 9110, section 5.1).
    #[error(
        "expected the name of a header other than `authorization` for API keys, found `{header}`: choose another, such as `x-api-key`"
    )]
    Header {
        /// The name.
        header: String,
    },
    /// The settings of an issuer are invalid.
    #[error(transparent)]
    Issuer(#[from] IssuerSettingsError),
}

/// Verifies tokens: opaque ones by asking their issuer.
struct Tokens {
    jwt: TokenAuthenticator,
    opaque: Option<OpaqueTokenAuthenticator>,
}

impl Tokens {
    async fn verify(&self, token: &Secret<'_>) -> Result<Principal, AuthnError> {
        match &self.opaque {
            Some(opaque) if !is_jwt(token.expose()) => opaque.verify(token).await,
            _ => self.jwt.verify(token).await,
        }
    }
}

/// All configured ways to authenticate.
pub struct Chain {
    tokens: Option<Tokens>,
    api_keys: Option<ApiKeyAuthenticator>,
    key_places: Places,
    token_places: Places,
    query_parameters: Vec<String>,
    max_credential_length: usize,
    forward_authorization: bool,
}

/// What of a request holds credentials, which the upstream must not receive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal<'r> {
    /// The headers to remove.
    pub headers: [Option<&'r str>; 3],
    /// The value of the header `cookie` that is left, where some of the cookies hold credentials and others do not.
    pub cookies_left: Option<String>,
}

impl Chain {
    /// Builds the chain.
    pub fn new(settings: ChainSettings, clock: Arc<dyn Clock>) -> Result<Self, ChainError> {
        let ChainSettings {
            realm,
            api_keys,
            issuers,
            opaque,
            token_places,
            max_credential_length,
            ..
        } = settings;
        let tokens = if issuers.is_empty() {
            None
        } else {
            let remembered = settings.remembered_tokens;
            let jwt =
                TokenAuthenticator::new(issuers, remembered, Arc::clone(&clock), realm.clone())?;
            let opaque =
                opaque.map(|opaque| OpaqueTokenAuthenticator::new(opaque, Arc::clone(&clock)));
            Some(Tokens { jwt, opaque })
        };
        let mut key_places = Places::default();
        let api_keys = match api_keys {
            Some(keys) => {
                key_places = keys.places;
                Some(ApiKeyAuthenticator {
                    keys: keys.keys,
                    header: header_name(&keys.header)?,
                    schemes: keys.schemes,
                    realm,
                    clock,
                })
            }
            None => None,
        };
        let parameters = [&key_places, &token_places];
        let parameters = parameters.iter().filter_map(|places| places.query.clone());
        Ok(Self {
            tokens,
            api_keys,
            query_parameters: parameters.collect(),
            key_places,
            token_places,
            max_credential_length,
            forward_authorization: settings.forward_authorization,
        })
    }

    /// When each API key was last accepted, by id.
    pub fn key_uses(&self) -> Vec<KeyUse> {
        let keys = self.api_keys.as_ref();
        keys.map_or_else(Vec::new, |keys| keys.keys.uses())
    }

    /// The names of the query parameters with credentials. [`CheckInput::withhold`] takes them out of a request.
    pub fn query_parameters(&self) -> &[String] {
        &self.query_parameters
    }

    /// The headers that can hold a credential (lower case): nobody may log them. Headers with an address that
    /// contains a credential were removed earlier ([`CheckInput::withhold`]).
    pub fn credential_headers(&self) -> BTreeSet<&str> {
        let api_key = self.api_keys.as_ref().map(|keys| keys.header.as_str());
        [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE]
            .into_iter()
            .chain(api_key)
            .collect()
    }

    /// The caller of a request; anonymous if it has no credential.
    pub async fn authenticate(&self, check: &CheckInput) -> Result<Principal, AuthnError> {
        match self.check(check).await {
            Ok(principal) => Ok(principal),
            Err(error) if !error.kind().is_to_try_again() => Err(error),
            Err(error) => {
                let challenges = self.challenges_after(Some(error.kind()));
                Err(error.with_challenges(challenges))
            }
        }
    }

    async fn check(&self, check: &CheckInput) -> Result<Principal, AuthnError> {
        let keys = self.api_keys.as_ref().map(|verifier| AcceptedKeys {
            header: &verifier.header,
            schemes: &verifier.schemes,
            places: &self.key_places,
            verifier,
        });
        let tokens = self.tokens.as_ref().map(|verifier| AcceptedTokens {
            places: &self.token_places,
            verifier,
        });
        let accepted = AcceptedCredentials {
            keys,
            tokens,
            max_length: self.max_credential_length,
        };
        match Credential::of_request(check, &accepted)? {
            None => Ok(Principal::anonymous()),
            Some(Credential::ApiKey(key, keys)) => keys.verify(&key),
            Some(Credential::Bearer(token, tokens)) => tokens.verify(&token).await,
        }
    }

    /// What must not reach pygeoapi. `authorization` may be forwarded only if its token was verified.
    pub fn removal(&self, check: &CheckInput, caller: &Principal) -> Removal<'_> {
        let headers = &check.headers;
        let is_by_token = matches!(
            caller.credential,
            CredentialKind::Jwt | CredentialKind::OpaqueToken
        );
        // A token that came another way says nothing of what stands in this header.
        let is_verified = is_by_token && credential::has_bearer(headers);
        let is_forwarded = self.forward_authorization && is_verified;
        let authorization = (!is_forwarded).then_some(AUTHORIZATION);
        let api_key = self.api_keys.as_ref().map(|keys| keys.header.as_str());
        let places = [&self.key_places, &self.token_places];
        let names = places.map(|places| places.cookie.as_deref());
        let names: Vec<&str> = names.into_iter().flatten().collect();
        let (cookie, cookies_left) = match cookie::without(headers, &names) {
            cookie::Rest::Unchanged => (None, None),
            cookie::Rest::Left(left) => (None, Some(left)),
            cookie::Rest::Nothing => (Some(COOKIE), None),
        };
        Removal {
            headers: [api_key, authorization, cookie],
            cookies_left,
        }
    }

    /// The `WWW-Authenticate` values for a request without a credential that needs one (RFC 9110, section 11.6.1).
    pub fn challenges(&self) -> Vec<String> {
        self.challenges_after(None)
    }

    fn challenges_after(&self, refused: Option<AuthnErrorKind>) -> Vec<String> {
        let of_tokens = self
            .tokens
            .iter()
            .map(|tokens| tokens.jwt.challenge(refused));
        let of_keys = self
            .api_keys
            .iter()
            .flat_map(ApiKeyAuthenticator::challenges);
        of_tokens.chain(of_keys).collect()
    }
}

fn header_name(name: &str) -> Result<String, ChainError> {
    let name = name.to_ascii_lowercase();
    if is_token(name.as_bytes()) && name != AUTHORIZATION {
        Ok(name)
    } else {
        Err(ChainError::Header { header: name })
    }
}

#[cfg(test)]
mod key_server;
#[cfg(test)]
mod tests;
