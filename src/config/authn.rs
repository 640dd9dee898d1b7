//! `authn`: which credentials are accepted.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigDuration, key_entry::Entry};
use crate::{
    authn::{Algorithm, Audiences, KeyScheme},
    files::Root,
};

/// API keys and JSON Web Tokens. Both can be used at once.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Authn {
    /// API keys, stored as digests.
    pub api_keys: Option<ApiKeys>,
    /// Trusted issuers of JSON Web Tokens.
    pub jwt: Vec<Issuer>,
    /// Where tokens are taken from, besides `Authorization: Bearer`.
    pub tokens: TokenPlaces,
    /// The realm of `WWW-Authenticate` (RFC 9110, section 11.5).
    pub realm: String,
    /// The largest accepted bearer token, in bytes.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub max_token_bytes: usize,
    /// How many verified tokens are remembered, so that each signature is checked once; 0 remembers none.
    #[schemars(range(max = 1_000_000))]
    pub remembered_tokens: usize,
    /// Whether pygeoapi receives the `authorization` header. Off by default, since pygeoapi does not use it.
    pub forward_token: bool,
}

impl Authn {
    /// The names of the query parameters that hold credentials.
    pub fn query_parameters(&self) -> Vec<String> {
        let of_keys = self.api_keys.as_ref().and_then(|keys| keys.query.clone());
        of_keys
            .into_iter()
            .chain(self.tokens.query.clone())
            .collect()
    }
}

impl Default for Authn {
    fn default() -> Self {
        Self {
            api_keys: None,
            jwt: Vec::new(),
            tokens: TokenPlaces::default(),
            realm: "pygeoapi".to_owned(),
            max_token_bytes: 16 * 1024,
            remembered_tokens: 10_000,
            forward_token: false,
        }
    }
}

/// Where clients send API keys and where their digests are stored.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApiKeys {
    /// The request header that carries the key.
    pub header: String,
    /// Schemes of the header `authorization` that carry the key too.
    pub authorization: Vec<KeyScheme>,
    /// A query parameter that carries the key too. It is taken out before anything else reads the request.
    pub query: Option<String>,
    /// A cookie that carries the key too.
    pub cookie: Option<String>,
    /// A list of entries: id, sha256, attributes, expires.
    pub file: Option<PathBuf>,
    /// A folder with one entry in each file, such as a mounted Kubernetes Secret.
    pub dir: Option<PathBuf>,
    /// Entries without a file: a generated one, or those of an `.env` file.
    #[serde(skip)]
    pub inline: Vec<Entry>,
}

impl ApiKeys {
    /// The paths to read the entries from.
    pub fn roots(&self) -> impl Iterator<Item = Root> {
        let file = self.file.as_ref().map(Root::file);
        file.into_iter().chain(self.dir.as_ref().map(Root::folder))
    }
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self {
            header: "x-api-key".to_owned(),
            authorization: Vec::new(),
            query: None,
            cookie: None,
            file: None,
            dir: None,
            inline: Vec::new(),
        }
    }
}

/// Where tokens are, besides the header `authorization`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TokenPlaces {
    /// A query parameter that carries the token too (RFC 6750, section 2.3). It is taken out before anything else reads the
    /// request.
    pub query: Option<String>,
    /// A cookie that carries the token too.
    pub cookie: Option<String>,
}

/// A trusted issuer (RFC 7519, section 4.1.1).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The issuer, exactly as in the `iss` of its tokens.
    pub issuer: String,
    /// Accepted values of `aud`: a list, or `any` to accept every audience.
    pub audiences: Audiences,
    /// The URL of its keys. Without it and without `jwks_file`, OpenID Connect discovery finds them.
    pub jwks_uri: Option<String>,
    /// A file with its JWK set (RFC 7517), instead of a key server.
    pub jwks_file: Option<PathBuf>,
    /// Accepted signature algorithms (RFC 7518, section 3.1).
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Tolerated clock difference for `exp`, `nbf` and `iat`.
    #[serde(default = "leeway")]
    pub leeway: ConfigDuration,
    /// Accept a token without `aud` whose `client_id` is one of the audiences (Amazon Cognito).
    #[serde(default)]
    pub accept_client_id_as_audience: bool,
    /// How often keys are fetched.
    #[serde(default = "refresh")]
    pub refresh: ConfigDuration,
    /// The shortest time between two fetches that unknown key ids cause.
    #[serde(default = "refresh_floor")]
    pub refresh_floor: ConfigDuration,
    /// More certificate authorities for the key server (PEM file), in addition to those of the system.
    pub ca_file: Option<PathBuf>,
    /// Accept a key server without TLS beyond loopback. Anyone who can change its answers can then log in as any user.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// Also accept access tokens that are not JWTs, and ask the issuer about them.
    pub opaque_tokens: Option<OpaqueTokens>,
}

/// How an issuer is asked about opaque tokens. Only one issuer can have this section: an opaque token does not name its
/// issuer.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpaqueTokens {
    /// Which endpoint is asked.
    pub inquiry: InquiryMethod,
    /// The URL of the endpoint; without it, OpenID Connect discovery finds it.
    pub endpoint: Option<String>,
    /// The client id for introspection.
    pub client_id: Option<String>,
    /// A file with the secret of that client.
    pub client_secret_file: Option<PathBuf>,
    /// The longest time that an answer is remembered.
    #[serde(default = "remember")]
    pub remember: ConfigDuration,
}

/// An endpoint that geowarden asks about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InquiryMethod {
    /// OpenID Connect Core 1.0, section 5.3: asked with the token itself. The answer does not contain the token's
    /// audience.
    Userinfo,
    /// RFC 7662: asked as a client with a secret.
    Introspection,
}

fn remember() -> ConfigDuration {
    ConfigDuration::secs(60)
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::Rs256, Algorithm::Es256]
}

fn leeway() -> ConfigDuration {
    ConfigDuration::secs(0)
}

fn refresh() -> ConfigDuration {
    ConfigDuration::secs(300)
}

fn refresh_floor() -> ConfigDuration {
    ConfigDuration::secs(10)
}
