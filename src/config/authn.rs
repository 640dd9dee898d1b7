//! `authn`: which credentials are accepted.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Span, key_entry::Entry};
use crate::{
    authn::{Algorithm, Audiences},
    files::Root,
};

/// API keys and JSON Web Tokens; both may be on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Authn {
    /// API keys, stored as digests.
    pub api_keys: Option<ApiKeys>,
    /// Trusted issuers of JSON Web Tokens, side by side.
    pub jwt: Vec<Issuer>,
    /// The realm of `WWW-Authenticate` (RFC 9110, section 11.5).
    pub realm: String,
    /// The largest bearer token accepted, in bytes.
    #[schemars(range(min = 64, max = 1_048_576))]
    pub max_token_bytes: usize,
    /// Verified tokens remembered, so that each signature is checked once; 0 remembers none.
    #[schemars(range(max = 1_000_000))]
    pub remembered_tokens: usize,
    /// Whether pygeoapi receives the `authorization` header; off, since pygeoapi has no use for it.
    pub forward_token: bool,
}

impl Default for Authn {
    fn default() -> Self {
        Self {
            api_keys: None,
            jwt: Vec::new(),
            realm: "pygeoapi".to_owned(),
            max_token_bytes: 16 * 1024,
            remembered_tokens: 10_000,
            forward_token: false,
        }
    }
}

/// Where API keys are sent and stored.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeys {
    /// The request header that carries the key.
    #[serde(default = "api_key_header")]
    pub header: String,
    /// A list of entries: id, sha256, attributes, expires.
    pub file: Option<PathBuf>,
    /// A folder with one entry a file, such as a mounted Kubernetes Secret.
    pub dir: Option<PathBuf>,
    /// Entries that no file holds: a generated one, those of an `.env`.
    #[serde(skip)]
    pub inline: Vec<Entry>,
}

impl ApiKeys {
    /// What has to be read for the entries.
    pub fn roots(&self) -> impl Iterator<Item = Root> {
        let file = self.file.as_ref().map(Root::file);
        file.into_iter().chain(self.dir.as_ref().map(Root::folder))
    }
}

fn api_key_header() -> String {
    "x-api-key".to_owned()
}

/// A trusted issuer (RFC 7519, section 4.1.1).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The exact `iss` of its tokens.
    pub issuer: String,
    /// Accepted values of `aud`: a list, or `any` to accept every audience on purpose.
    pub audiences: Audiences,
    /// Where its keys are; without it and without `jwks_file` OpenID Connect discovery finds them.
    pub jwks_uri: Option<String>,
    /// A file with its JWK set (RFC 7517), instead of a key server.
    pub jwks_file: Option<PathBuf>,
    /// Accepted signature algorithms (RFC 7518, section 3.1).
    #[serde(default = "algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Clock difference tolerated for `exp`, `nbf` and `iat`.
    #[serde(default = "leeway")]
    pub leeway: Span,
    /// Accept a token without `aud` whose `client_id` is one of the audiences (Amazon Cognito).
    #[serde(default)]
    pub accept_client_id_as_audience: bool,
    /// How often keys are fetched anew.
    #[serde(default = "refresh")]
    pub refresh: Span,
    /// The least time between two fetches that unknown key ids ask for.
    #[serde(default = "refresh_floor")]
    pub refresh_floor: Span,
    /// Certificate authorities of the key server, a PEM file, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Accept a key server without TLS beyond loopback. Whoever can change its answers can log in as anyone.
    #[serde(default)]
    pub allow_insecure_http: bool,
    /// Also accept its access tokens that are no JWTs, and ask it about them.
    pub opaque_tokens: Option<OpaqueTokens>,
}

/// How an issuer is asked about opaque tokens; for one issuer only, since nothing in them names theirs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpaqueTokens {
    /// By which of its endpoints.
    pub inquiry: Inquiry,
    /// Where that is; without it OpenID Connect discovery finds it.
    pub endpoint: Option<String>,
    /// The client that asks by introspection.
    pub client_id: Option<String>,
    /// A file with that client's secret.
    pub client_secret_file: Option<PathBuf>,
    /// How long an answer counts at most.
    #[serde(default = "remember")]
    pub remember: Span,
}

/// An endpoint that knows what a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Inquiry {
    /// OpenID Connect Core 1.0, section 5.3: with the token itself. It does not say for whom the token is meant.
    Userinfo,
    /// RFC 7662: as a client with a secret.
    Introspection,
}

fn remember() -> Span {
    Span::secs(60)
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::Rs256, Algorithm::Es256]
}

fn leeway() -> Span {
    Span::secs(0)
}

fn refresh() -> Span {
    Span::secs(300)
}

fn refresh_floor() -> Span {
    Span::secs(10)
}
