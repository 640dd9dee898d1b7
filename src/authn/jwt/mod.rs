//! JSON Web Tokens (RFC 7519), checked as RFC 8725 asks.
//!
//! The order matters: nothing of a token is believed before its signature is good, but for `iss`, which picks the keys to
//! check it with, and the algorithm must be one that both the issuer's settings and the key allow.

mod claims;
mod header;
mod issuer;
mod object;
mod remembered;
mod token;

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::digest;

use super::clock::{Clock, numeric_date};
use super::credential::Secret;
use super::jwks::KeyMiss;
use super::key_source::{Asked, KeySource, PublishedKeys};
use super::refusal::{Refusal, RefusalKind, quoted};
use crate::identity::Principal;

pub(super) use claims::Claims;
pub use claims::scopes;
use header::Header;
pub use issuer::{Audiences, IssuerSettings, IssuerSettingsError};
use remembered::{Remembered, Verified};
use token::Unverified;

/// An issuer with the keys its tokens are checked with.
struct Issuer {
    settings: IssuerSettings,
    name: Arc<str>,
    keys: Arc<KeySource>,
}

/// Takes bearer tokens of the configured issuers.
pub(super) struct TokenAuthenticator {
    issuers: HashMap<String, Arc<Issuer>>,
    remembered: Remembered,
    clock: Arc<dyn Clock>,
    realm: String,
}

impl TokenAuthenticator {
    /// Takes the issuers with their keys; `capacity` is how many verified tokens are remembered.
    pub(super) fn new(
        issuers: Vec<(IssuerSettings, Arc<KeySource>)>,
        capacity: usize,
        clock: Arc<dyn Clock>,
        realm: String,
    ) -> Result<Self, IssuerSettingsError> {
        let mut by_name = HashMap::with_capacity(issuers.len());
        for (settings, keys) in issuers {
            settings.check()?;
            let issuer = settings.issuer.clone();
            let name = Arc::from(issuer.as_str());
            let entry = Arc::new(Issuer {
                settings,
                name,
                keys,
            });
            if by_name.insert(issuer.clone(), entry).is_some() {
                return Err(IssuerSettingsError::Duplicate { issuer });
            }
        }
        Ok(Self {
            issuers: by_name,
            remembered: Remembered::new(capacity),
            clock,
            realm,
        })
    }

    /// The caller whose token this is.
    pub(super) async fn verify(&self, secret: Secret<'_>) -> Result<Principal, Refusal> {
        let digest = digest::digest(&digest::SHA256, secret.expose());
        if let Some(principal) = self.remembered.get(&digest, self.now()) {
            return Ok(principal);
        }
        let token = Unverified::parse(secret)?;
        let issuer = token
            .issuer()
            .and_then(|name| self.issuers.get(name))
            .ok_or(RefusalKind::UnknownIssuer)?;
        if !issuer.settings.algorithms.contains(&token.header.algorithm) {
            return Err(Refusal::because(
                RefusalKind::AlgorithmNotAllowed,
                format!(
                    "issuer `{}` is not configured for this algorithm",
                    issuer.name
                ),
            ));
        }
        let keys = issuer.keys_for(&token.header).await?;
        let key = issuer.select(&keys, &token.header)?;
        let claims = token.verify(key)?;
        let principal = claims.principal(&issuer.settings, &issuer.name, self.now())?;
        let verified = Verified {
            principal: principal.clone(),
            expires: claims.expires + issuer.settings.leeway.as_secs_f64(),
            keys: Arc::clone(&issuer.keys),
            generation: keys.generation,
            length: secret.expose().len(),
        };
        self.remembered.insert(&digest, verified);
        Ok(principal)
    }

    /// The `WWW-Authenticate` value (RFC 6750, section 3): the error is left out when no token was sent.
    pub(super) fn challenge(&self, refused: Option<RefusalKind>) -> String {
        let realm = quoted(&self.realm);
        match refused.and_then(|kind| Some((kind.error_code()?, kind.detail()))) {
            Some((error, description)) => format!(
                "Bearer realm={realm}, error=\"{error}\", error_description=\"{description}\""
            ),
            None => format!("Bearer realm={realm}"),
        }
    }

    fn now(&self) -> f64 {
        numeric_date(self.clock.now())
    }
}

/// Three parts between two dots: a signed JWT in compact form (RFC 7515, section 7.1).
pub(super) fn is_jwt(token: &[u8]) -> bool {
    token.split(|byte| *byte == b'.').count() == 3
}

impl Issuer {
    /// The keys to look in, fetched anew when the present ones lack the key that `header` names.
    async fn keys_for(&self, header: &Header) -> Result<Arc<PublishedKeys>, Refusal> {
        if let Some(keys) = self.keys.current()
            && keys
                .set
                .select(header.key_id.as_deref(), header.algorithm)
                .err()
                != Some(KeyMiss::Unknown)
        {
            return Ok(keys);
        }
        let asked = self.keys.ask().await;
        let unavailable = |what: &str| {
            let cause = format!("{what} of issuer `{}`", self.name);
            Refusal::because(RefusalKind::KeysUnavailable, cause)
        };
        let keys = self.keys.current();
        let keys = keys.filter(|keys| !keys.set.is_empty());
        let keys = keys.ok_or_else(|| unavailable("no keys yet"))?;
        let is_known = keys
            .set
            .select(header.key_id.as_deref(), header.algorithm)
            .err()
            != Some(KeyMiss::Unknown);
        match asked {
            // It may be the key that the issuer has just begun to use.
            Asked::Unanswered if !is_known => Err(unavailable("no answer about the keys")),
            _ => Ok(keys),
        }
    }

    fn select<'k>(
        &self,
        keys: &'k PublishedKeys,
        header: &Header,
    ) -> Result<&'k super::jwks::VerificationKey, Refusal> {
        keys.set
            .select(header.key_id.as_deref(), header.algorithm)
            .map_err(|miss| {
                let (kind, what) = match miss {
                    KeyMiss::Unknown => (RefusalKind::UnknownKeyId, "has no such key"),
                    KeyMiss::Unfit => (
                        RefusalKind::AlgorithmNotAllowed,
                        "has this key for other algorithms",
                    ),
                    KeyMiss::Ambiguous => (RefusalKind::AmbiguousKey, "has several keys that fit"),
                };
                Refusal::because(kind, format!("issuer `{}` {what}", self.name))
            })
    }
}

#[cfg(test)]
pub(super) mod signing;
#[cfg(test)]
mod tests;
