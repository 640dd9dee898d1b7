//! Opaque access tokens. geowarden asks their issuer about each one, by userinfo (OpenID Connect Core 1.0, section 5.3)
//! or by introspection (RFC 7662).
//!
//! Answers are remembered for a short time, and the number of open questions is limited. So a flood of unknown tokens
//! costs the issuer a limited number of requests. Requests beyond the limit are refused.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use quick_cache::sync::Cache;
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, Semaphore};
use url::Url;

use super::{
    clock::{Clock, numeric_date},
    credential::Secret,
    discovery::{self, DiscoveryError},
    error::{AuthnError, AuthnErrorKind},
    fetch::{FetchError, Fetcher},
    jwt::{Audiences, Claims, IssuerSettings},
};
use crate::identity::{CredentialKind, Principal};

/// The largest number of open questions to the issuer.
const MAX_OPEN: usize = 32;
/// The longest time that a negative answer is remembered, in seconds.
const REMEMBER_REFUSAL: f64 = 5.0;

/// How the issuer is asked.
#[derive(Debug, Clone)]
pub enum Inquiry {
    /// By the userinfo endpoint, with the token itself. The answer does not contain the token's audience.
    Userinfo,
    /// By the introspection endpoint, as a client with a secret.
    Introspection {
        /// The client's id.
        client_id: String,
        /// Its secret.
        client_secret: ClientSecret,
    },
}

/// A client's secret. It can be sent, but `Debug` does not print it.
#[derive(Clone)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The settings of the issuer of opaque tokens.
#[derive(Debug)]
pub struct OpaqueSettings {
    /// The issuer, and which of its tokens are accepted.
    pub issuer: IssuerSettings,
    /// How it is asked.
    pub inquiry: Inquiry,
    /// The endpoint. Discovery finds it if it is `None`.
    pub endpoint: Option<Url>,
    /// The longest time that an answer is remembered; zero asks for every request.
    pub remember: Duration,
    /// How many answers are remembered; zero asks for every request.
    pub capacity: usize,
    /// The HTTP client.
    pub fetcher: Fetcher,
}

type Key = [u8; SHA256_OUTPUT_LEN];

/// The issuer's answer about a token.
#[derive(Clone)]
struct Known {
    outcome: Result<Principal, AuthnErrorKind>,
    until: f64,
}

/// Asks the issuer about tokens that are not JWTs.
pub(super) struct OpaqueTokenAuthenticator {
    settings: OpaqueSettings,
    name: Arc<str>,
    endpoint: OnceCell<Url>,
    known: Cache<Key, Known>,
    open: Semaphore,
    clock: Arc<dyn Clock>,
}

impl OpaqueTokenAuthenticator {
    pub(super) fn new(mut settings: OpaqueSettings, clock: Arc<dyn Clock>) -> Self {
        if settings.capacity == 0 {
            settings.remember = Duration::ZERO;
        }
        Self {
            name: Arc::from(settings.issuer.issuer.as_str()),
            endpoint: OnceCell::new_with(settings.endpoint.clone()),
            known: Cache::new(settings.capacity.max(1)),
            open: Semaphore::new(MAX_OPEN),
            settings,
            clock,
        }
    }

    pub(super) async fn verify(&self, secret: &Secret<'_>) -> Result<Principal, AuthnError> {
        let digest = digest(&SHA256, secret.expose());
        let key = Key::try_from(digest.as_ref())
            .map_err(|_| AuthnError::new(AuthnErrorKind::MalformedToken))?;
        loop {
            match self.known.get_value_or_guard_async(&key).await {
                Ok(known) if self.now() < known.until => {
                    return known.outcome.map_err(AuthnError::new);
                }
                Ok(_) => {
                    self.known.remove(&key);
                }
                Err(guard) => {
                    // Requests with the same token wait for this answer. If it fails, the next of them asks.
                    let known = self.ask(secret).await?;
                    let outcome = known.outcome.clone();
                    let _ = guard.insert(known);
                    return outcome.map_err(AuthnError::new);
                }
            }
        }
    }

    async fn ask(&self, secret: &Secret<'_>) -> Result<Known, AuthnError> {
        let _one = self
            .open
            .try_acquire()
            .map_err(|_| unavailable("too many questions are open"))?;
        let token = std::str::from_utf8(secret.expose())
            .map_err(|_| AuthnError::new(AuthnErrorKind::MalformedToken))?;
        let answer = match self.exchange(token).await {
            Ok(answer) => answer,
            // The issuer rejects the token (RFC 6750, section 3.1).
            Err(InquiryError::Fetch(FetchError::Status(401 | 403)))
                if matches!(self.settings.inquiry, Inquiry::Userinfo) =>
            {
                return Ok(self.refused());
            }
            Err(fault) => return Err(unavailable(fault.to_string())),
        };
        let answer: Map<String, Value> = serde_json::from_slice(&answer)
            .map_err(|_| unavailable("the issuer's answer is no JSON object"))?;
        Ok(match self.principal(answer) {
            Ok((principal, until)) => Known {
                outcome: Ok(principal),
                until,
            },
            Err(error) if error.status() == 503 => return Err(error),
            Err(error) => Known {
                outcome: Err(error.kind()),
                ..self.refused()
            },
        })
    }

    async fn exchange(&self, token: &str) -> Result<Vec<u8>, InquiryError> {
        let fetcher = &self.settings.fetcher;
        let endpoint = self.endpoint.get_or_try_init(|| self.discover()).await?;
        Ok(match &self.settings.inquiry {
            Inquiry::Userinfo => fetcher.get_as_bearer(endpoint, token).await?,
            Inquiry::Introspection {
                client_id,
                client_secret,
            } => {
                let secret = &client_secret.0;
                fetcher
                    .post_token(endpoint, token, client_id, secret)
                    .await?
            }
        })
    }

    async fn discover(&self) -> Result<Url, InquiryError> {
        let issuer = &self.settings.issuer.issuer;
        let document = self
            .settings
            .fetcher
            .get(&discovery::document_url(issuer)?)
            .await?;
        let member = match self.settings.inquiry {
            Inquiry::Userinfo => "userinfo_endpoint",
            Inquiry::Introspection { .. } => "introspection_endpoint",
        };
        Ok(discovery::endpoint(&document, issuer, member)?)
    }

    /// The caller, and until when the answer may be remembered.
    fn principal(&self, mut answer: Map<String, Value>) -> Result<(Principal, f64), AuthnError> {
        let mut settings = self.settings.issuer.clone();
        match self.settings.inquiry {
            Inquiry::Userinfo => {
                // The userinfo endpoint does not tell the token's audience.
                settings.audiences = Audiences::Any;
                if !answer.get("sub").is_some_and(Value::is_string) {
                    return Err(unavailable("the userinfo has no `sub`"));
                }
            }
            Inquiry::Introspection { .. } => match answer.remove("active") {
                Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => return Err(AuthnErrorKind::InactiveToken.into()),
                _ => return Err(unavailable("the introspection has no `active`")),
            },
        }
        if answer
            .get("iss")
            .is_some_and(|iss| iss.as_str() != Some(&*self.name))
        {
            return Err(AuthnErrorKind::UnknownIssuer.into());
        }
        let now = self.now();
        let remembered = now + self.settings.remember.as_secs_f64();
        // The time that an answer is remembered is not the token's lifetime. The token's own `exp` is checked, if there
        // is one.
        let claims = Claims::from_issuer(answer, f64::INFINITY)?;
        let principal = claims.principal(&settings, &self.name, now)?;
        let until = claims.expires.min(remembered);
        Ok((
            Principal {
                credential: CredentialKind::OpaqueToken,
                ..principal
            },
            until,
        ))
    }

    fn refused(&self) -> Known {
        Known {
            outcome: Err(AuthnErrorKind::InactiveToken),
            until: self.now() + self.settings.remember.as_secs_f64().min(REMEMBER_REFUSAL),
        }
    }

    fn now(&self) -> f64 {
        numeric_date(self.clock.now())
    }
}

fn unavailable(cause: impl Into<String>) -> AuthnError {
    AuthnError::because(AuthnErrorKind::IssuerUnavailable, cause.into())
}

/// Why the issuer could not be asked.
#[derive(Debug, thiserror::Error)]
enum InquiryError {
    #[error("issuer metadata: {0}")]
    Discovery(#[from] DiscoveryError),
    #[error("asking the issuer: {0}")]
    Fetch(#[from] FetchError),
}

#[cfg(test)]
mod tests;
