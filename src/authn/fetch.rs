//! Bounded HTTP GET: what an issuer sends cannot cost us more than a few seconds and one mebibyte.

use std::time::Duration;

use reqwest::{Certificate, Client, RequestBuilder, StatusCode, header, redirect};
use thiserror::Error;
use url::{Host, Url};

use super::jwks::MAX_BYTES;

const JSON: &str = "application/json";

/// How documents are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// The limit on connecting, and on the whole exchange.
    pub timeout: Duration,
    /// Further certificate authorities, as PEM, next to those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Whether plain HTTP may be used with hosts other than the loopback.
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
    #[error("the CA bundle cannot be read: {0}")]
    CaBundle(String),
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
    /// Not `https`, and not one of the exceptions.
    #[error("the URL must be https")]
    Insecure,
    /// A URL with a user name or password.
    #[error("the URL must not hold credentials")]
    Credentials,
    /// The time was over.
    #[error("no complete answer in time")]
    Timeout,
    /// No connection, or one that broke.
    #[error("the request failed: {0}")]
    Transport(String),
    /// Any status but 200; redirections are not followed.
    #[error("the answer has status {0}")]
    Status(u16),
    /// The body is too long.
    #[error("the answer is longer than {MAX_BYTES} bytes")]
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

/// Fetches documents within limits. Clones share connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    client: Client,
    timeout: Duration,
    allow_insecure_http: bool,
}

impl Fetcher {
    /// Sets up the client.
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
                // A proxy is a matter of configuration, not of an inherited environment.
                .no_proxy()
        };
        let client = match builder().tls_certs_merge(authorities).build() {
            Ok(client) => client,
            Err(error) if settings.ca_pem.is_none() => {
                // An image without CA certificates can still reach an issuer over a mesh's plain HTTP; https fails closed.
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

    /// Whether `url` may be fetched at all.
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

    /// The body of `url`.
    pub(super) async fn get(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        // RFC 7517, section 8.5.1: some key servers refuse a request that does not take this type.
        let accepted = "application/json, application/jwk-set+json";
        let request = self.client.get(url.clone());
        self.send(url, request.header(header::ACCEPT, accepted))
            .await
    }

    /// The body of `url` for the bearer of a token (RFC 6750, section 2.1).
    pub(super) async fn get_as_bearer(
        &self,
        url: &Url,
        token: &str,
    ) -> Result<Vec<u8>, FetchError> {
        let request = self.client.get(url.clone()).bearer_auth(token);
        self.send(url, request.header(header::ACCEPT, JSON)).await
    }

    /// The answer to a token that is posted by a client with a secret (RFC 7662, section 2.1; RFC 6749, section 2.3.1).
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
        // The client's own limit covers the body as well; this one also covers what it might forget.
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
        return Err(FetchError::CaBundle("it holds no certificate".to_owned()));
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

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The text of `error` and of its causes, outermost first: an HTTP client's outermost error says only that something failed.
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
