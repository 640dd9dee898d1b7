//! Opaque access tokens: the issuer itself is asked what they stand for, by userinfo (OpenID Connect Core 1.0, section
//! 5.3) or by introspection (RFC 7662).
//!
//! What it answers is remembered for a short time, and only so many questions are open at once: a flood of unknown tokens
//! costs the issuer a bounded number of requests, and those who wait are refused.

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
    fetch::{FetchError, Fetcher},
    jwt::{Audiences, Claims, IssuerSettings},
    refusal::{Refusal, RefusalKind},
};
use crate::identity::{Method, Principal};

/// Questions to the issuer that are open at once.
const MAX_OPEN: usize = 32;
/// An answer of no is not asked for again for this long at most, in seconds.
const REMEMBER_REFUSAL: f64 = 5.0;

/// How the issuer is asked.
#[derive(Debug, Clone)]
pub enum Inquiry {
    /// The userinfo endpoint, with the token itself. It does not say for whom the token is meant.
    Userinfo,
    /// The introspection endpoint, as a client with a secret.
    Introspection {
        /// The client's id.
        client_id: String,
        /// Its secret.
        client_secret: ClientSecret,
    },
}

/// A client's secret: it can be sent, but not printed.
#[derive(Clone)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The issuer of opaque tokens, and how it is asked about them.
#[derive(Debug)]
pub struct OpaqueSettings {
    /// The issuer and what is accepted of it.
    pub issuer: IssuerSettings,
    /// How it is asked.
    pub inquiry: Inquiry,
    /// Where; without it discovery finds the endpoint.
    pub endpoint: Option<Url>,
    /// How long an answer counts at most; zero asks for every request.
    pub remember: Duration,
    /// How many answers are remembered; zero asks for every request.
    pub capacity: usize,
    /// What asks.
    pub fetcher: Fetcher,
}

type Key = [u8; SHA256_OUTPUT_LEN];

/// What the issuer said of a token.
#[derive(Clone)]
struct Known {
    outcome: Result<Principal, RefusalKind>,
    until: f64,
}

/// Asks the issuer about tokens that are no JWTs.
pub(super) struct OpaqueTokens {
    settings: OpaqueSettings,
    name: Arc<str>,
    endpoint: OnceCell<Url>,
    known: Cache<Key, Known>,
    open: Semaphore,
    clock: Arc<dyn Clock>,
}

impl OpaqueTokens {
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

    pub(super) async fn verify(&self, secret: Secret<'_>) -> Result<Principal, Refusal> {
        let digest = digest(&SHA256, secret.expose());
        let key = Key::try_from(digest.as_ref())
            .map_err(|_| Refusal::new(RefusalKind::MalformedToken))?;
        loop {
            match self.known.get_value_or_guard_async(&key).await {
                Ok(known) if self.now() < known.until => {
                    return known.outcome.map_err(Refusal::new);
                }
                Ok(_) => {
                    self.known.remove(&key);
                }
                Err(guard) => {
                    // Others with the same token wait for this answer; after a fault the next of them asks.
                    let known = self.ask(secret).await?;
                    let outcome = known.outcome.clone();
                    let _ = guard.insert(known);
                    return outcome.map_err(Refusal::new);
                }
            }
        }
    }

    async fn ask(&self, secret: Secret<'_>) -> Result<Known, Refusal> {
        let _one = self
            .open
            .try_acquire()
            .map_err(|_| unavailable("too many questions are open"))?;
        let token = std::str::from_utf8(secret.expose())
            .map_err(|_| Refusal::new(RefusalKind::MalformedToken))?;
        let told = match self.exchange(token).await {
            Ok(told) => told,
            // The issuer does not take the token (RFC 6750, section 3.1).
            Err(Fault::Fetch(FetchError::Status(401 | 403)))
                if matches!(self.settings.inquiry, Inquiry::Userinfo) =>
            {
                return Ok(self.refused());
            }
            Err(fault) => return Err(unavailable(fault.to_string())),
        };
        let told: Map<String, Value> = serde_json::from_slice(&told)
            .map_err(|_| unavailable("the issuer's answer is no JSON object"))?;
        Ok(match self.principal(told) {
            Ok((principal, until)) => Known {
                outcome: Ok(principal),
                until,
            },
            Err(refusal) if refusal.status() == 503 => return Err(refusal),
            Err(refusal) => Known {
                outcome: Err(refusal.kind()),
                ..self.refused()
            },
        })
    }

    async fn exchange(&self, token: &str) -> Result<Vec<u8>, Fault> {
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

    async fn discover(&self) -> Result<Url, Fault> {
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

    /// Who the answer says it is, and until when that counts.
    fn principal(&self, mut told: Map<String, Value>) -> Result<(Principal, f64), Refusal> {
        let mut settings = self.settings.issuer.clone();
        match self.settings.inquiry {
            Inquiry::Userinfo => {
                // Whom the token is for, the endpoint does not say.
                settings.audiences = Audiences::Any;
                if !told.get("sub").is_some_and(Value::is_string) {
                    return Err(unavailable("the userinfo has no `sub`"));
                }
            }
            Inquiry::Introspection { .. } => match told.remove("active") {
                Some(Value::Bool(true)) => {}
                Some(Value::Bool(false)) => return Err(RefusalKind::InactiveToken.into()),
                _ => return Err(unavailable("the introspection has no `active`")),
            },
        }
        if told
            .get("iss")
            .is_some_and(|iss| iss.as_str() != Some(&*self.name))
        {
            return Err(RefusalKind::UnknownIssuer.into());
        }
        let now = self.now();
        let remembered = now + self.settings.remember.as_secs_f64();
        // How long the answer counts says nothing of how long the token does: it is judged by its own `exp`, if it has one.
        let claims = Claims::told(told, f64::INFINITY)?;
        let principal = claims.principal(&settings, &self.name, now)?;
        let until = claims.expires.min(remembered);
        Ok((
            Principal {
                method: Method::OpaqueToken,
                ..principal
            },
            until,
        ))
    }

    fn refused(&self) -> Known {
        Known {
            outcome: Err(RefusalKind::InactiveToken),
            until: self.now() + self.settings.remember.as_secs_f64().min(REMEMBER_REFUSAL),
        }
    }

    fn now(&self) -> f64 {
        numeric_date(self.clock.now())
    }
}

fn unavailable(cause: impl Into<String>) -> Refusal {
    Refusal::because(RefusalKind::IssuerUnavailable, cause.into())
}

/// Why the issuer could not be asked.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("issuer metadata: {0}")]
    Discovery(#[from] DiscoveryError),
    #[error("asking the issuer: {0}")]
    Fetch(#[from] FetchError),
}

#[cfg(test)]
mod tests;
