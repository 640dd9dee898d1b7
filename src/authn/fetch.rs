//! HTTP GET with limits: no answer of an issuer can take more than a few seconds and one mebibyte.

use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::{Certificate, Client, RequestBuilder, StatusCode, header, redirect};
use thiserror::Error;
use url::{Host, Url};

use super::jwks::MAX_BYTES;

const JSON: &str = "application/json";

/// How documents are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// The time limit, both for connecting and for the whole exchange.
    pub timeout: Duration,
    /// More certificate authorities (PEM), in addition to those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether plain HTTP is allowed with hosts other than the loopback.
    pub allow_insecure_http: bool,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            ca_pem: None,
            allow_insecure_http: false,
        }
    }
}

/// Why a document was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FetchError {
    /// The CA bundle has no certificate, or one that does not parse.
    #[error("the CA bundle: {0}")]
    CaBundle(String),
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// The URL is not `https`, and no exception applies.
    #[error(
        "expected an https URL, found another: whoever can change the keys on the way can log in as anyone, so use https, or set `allow_insecure_http`"
    )]
    Insecure,
    /// The URL has a user name or a password.
    #[error("expected a URL without user name and password, found one with them: remove them")]
    Credentials,
    /// The time limit was reached.
    #[error(
        "expected a complete answer within the time limit, found none: check that the address can be reached from here"
    )]
    Timeout,
    /// There was no connection, or it broke.
    #[error(
        "expected an answer, found an error: {0}: check the address, and that it can be reached from here"
    )]
    Transport(String),
    /// The status is not 200. Redirections are not followed.
    #[error(
        "expected status 200, found {0}: check the address (redirections are not followed), and the log of that server"
    )]
    Status(u16),
    /// The body is longer than the limit.
    #[error("expected at most {MAX_BYTES} bytes, found more: correct the address")]
    TooLarge,
}

impl FetchError {
    /// The name that metrics use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::CaBundle(_) => "ca-bundle",
            Self::Client(_) => "client",
            Self::Insecure => "insecure",
            Self::Credentials => "credentials",
            Self::Timeout => "timeout",
            Self::Transport(_) => "transport",
            Self::Status(_) => "status",
            Self::TooLarge => "too-large",
        }
    }
}

/// Fetches documents within limits. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    timeout: Duration,
    allow_insecure_http: bool,
}

impl Fetcher {
    /// Creates the client.
    pub fn new(settings: &FetchSettings) -> Result<Self, FetchError> {
        let authorities = match &settings.ca_pem {
            Some(pem) => certificates(pem)?,
            None => Vec::new(),
        };
        let builder = || {
            Client::builder()
                .user_agent(concat!("geowarden/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(settings.timeout)
                .timeout(settings.timeout)
                .redirect(redirect::Policy::none())
                .referer(false)
                // The proxy comes from the configuration only, never from an inherited environment.
                .no_proxy()
        };
        let client = match builder().tls_certs_merge(authorities).build() {
            Ok(client) => client,
            Err(error) if settings.ca_pem.is_none() => {
                // Without certificate authorities, plain HTTP in a mesh still works, and https fails closed.
                tracing::warn!(
                    cause = causes(&error),
                    "no CA certificates: https issuers cannot be verified"
                );
                builder()
                    .tls_certs_only(Vec::new())
                    .build()
                    .map_err(|error| FetchError::Client(causes(&error)))?
            }
            Err(error) => return Err(FetchError::CaBundle(causes(&error))),
        };
        Ok(Self {
            client,
            timeout: settings.timeout,
            allow_insecure_http: settings.allow_insecure_http,
        })
    }

    /// Rejects a URL that must not be fetched.
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials);
        }
        match url.scheme() {
            "https" => Ok(()),
            "http" if self.allow_insecure_http || is_loopback(url) => Ok(()),
            _ => Err(FetchError::Insecure),
        }
    }

    /// Fetches the body of `url`.
    pub(super) async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        // Some key servers reject a request that does not accept this type (RFC 7517, section 8.5.1).
        let accepted = "application/json, application/jwk-set+json";
        let request = self.client.get(url.clone());
        self.send(url, request.header(header::ACCEPT, accepted))
            .await
    }

    /// Fetches the body of `url` with a bearer token (RFC 6750, section 2.1).
    pub(super) async fn get_as_bearer(
        &self,
        url: &Url,
        token: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(url.clone()).bearer_auth(token);
        self.send(url, request.header(header::ACCEPT, JSON)).await
    }

    /// Posts a token to `url` as a client with a secret, and returns the answer (RFC 7662, section 2.1; RFC 6749,
    /// section 2.3.1).
    pub(super) async fn post_token(
        &self,
        url: &Url,
        token: &str,
        client_id: &str,
        client_secret: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .append_pair("token_type_hint", "access_token")
            .finish();
        let encoded =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .client
            .post(url.clone())
            .basic_auth(encoded(client_id), Some(encoded(client_secret)))
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form);
        self.send(url, request).await
    }

    async fn send(&self, url: &Url, request: RequestBuilder) -> Result<Vec<u8>, FetchError> {
        self.check(url)?;
        // The client has a time limit that includes the body. This second limit does not depend on the client.
        tokio::time::timeout(self.timeout, exchange(request))
            .await
            .unwrap_or(Err(FetchError::Timeout))
    }
}

async fn exchange(request: RequestBuilder) -> Result<Vec<u8>, FetchError> {
    let mut response = request.send().await.map_err(transport)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_BYTES {
            return Err(FetchError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, FetchError> {
    let certificates =
        Certificate::from_pem_bundle(pem).map_err(|error| FetchError::CaBundle(causes(&error)))?;
    if certificates.is_empty() {
        return Err(FetchError::CaBundle(
            "expected a certificate, found none".to_owned(),
        ));
    }
    Ok(certificates)
}

fn transport(error: reqwest::Error) -> FetchError {
    if error.is_timeout() {
        FetchError::Timeout
    } else {
        FetchError::Transport(causes(&error.without_url()))
    }
}

/// Whether an address is one of this machine. With a scheme such as `postgresql`, an IPv4 address is a name for the parser.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let address = name.parse::<Ipv4Addr>();
            name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The text of `error` and of its causes, outermost first. The outermost error of an HTTP client only says that
/// something failed.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
