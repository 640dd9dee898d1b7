//! JSON Web Tokens (RFC 7519), checked as RFC 8725 asks.
//!
//! The order matters: nothing in a token is trusted before its signature is verified. The one exception is `iss`, which
//! selects the keys to verify it with. The algorithm must be allowed both by the issuer's settings and by the key.

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
use super::error::{AuthnError, AuthnErrorKind, quoted};
use super::jwks::KeyMiss;
use super::key_source::{FetchOutcome, KeySource, PublishedKeys};
use crate::identity::Principal;

pub(super) use claims::Claims;
pub use claims::scopes;
use header::Header;
pub use issuer::{Audiences, IssuerSettings, IssuerSettingsError};
use remembered::{Remembered, Verified};
use token::Unverified;

/// An issuer with the keys that check its tokens.
struct Issuer {
    settings: IssuerSettings,
    name: Arc<str>,
    keys: Arc<KeySource>,
}

/// Verifies bearer tokens of the configured issuers.
pub(super) struct TokenAuthenticator {
    issuers: HashMap<String, Arc<Issuer>>,
    remembered: Remembered,
    clock: Arc<dyn Clock>,
    realm: String,
}

impl TokenAuthenticator {
    /// Creates it from the issuers with their keys. `capacity` is the number of verified tokens to remember.
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

    /// Returns the caller that the token stands for.
    pub(super) async fn verify(&self, secret: &Secret<'_>) -> Result<Principal, AuthnError> {
        let digest = digest::digest(&digest::SHA256, secret.expose());
        if let Some(principal) = self.remembered.get(&digest, self.now()) {
            return Ok(principal);
        }
        let token = Unverified::parse(secret)?;
        let issuer = token
            .issuer()
            .and_then(|name| self.issuers.get(name))
            .ok_or(AuthnErrorKind::UnknownIssuer)?;
        if !issuer.settings.algorithms.contains(&token.header.algorithm) {
            return Err(AuthnError::because(
                AuthnErrorKind::AlgorithmNotAllowed,
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

    /// The `WWW-Authenticate` value (RFC 6750, section 3). It has no error if the client sent no token.
    pub(super) fn challenge(&self, refused: Option<AuthnErrorKind>) -> String {
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

/// Whether the token has three parts between dots, as a signed JWT in compact form (RFC 7515, section 7.1).
pub(super) fn is_jwt(token: &[u8]) -> bool {
    token.split(|byte| *byte == b'.').count() == 3
}

impl Issuer {
    /// The keys for the token. They are fetched again if they lack the key that `header` names.
    async fn keys_for(&self, header: &Header) -> Result<Arc<PublishedKeys>, AuthnError> {
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
            AuthnError::because(AuthnErrorKind::KeysUnavailable, cause)
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
            // The unknown key may be one that the issuer has just begun to use.
            FetchOutcome::Unanswered if !is_known => Err(unavailable("no answer about the keys")),
            _ => Ok(keys),
        }
    }

    fn select<'k>(
        &self,
        keys: &'k PublishedKeys,
        header: &Header,
    ) -> Result<&'k super::jwks::VerificationKey, AuthnError> {
        keys.set
            .select(header.key_id.as_deref(), header.algorithm)
            .map_err(|miss| {
                let (kind, what) = match miss {
                    KeyMiss::Unknown => (AuthnErrorKind::UnknownKeyId, "has no such key"),
                    KeyMiss::Unfit => (
                        AuthnErrorKind::AlgorithmNotAllowed,
                        "has this key for other algorithms",
                    ),
                    KeyMiss::Ambiguous => {
                        (AuthnErrorKind::AmbiguousKey, "has several keys that fit")
                    }
                };
                AuthnError::because(kind, format!("issuer `{}` {what}", self.name))
            })
    }
}

#[cfg(test)]
pub(super) mod signing;
#[cfg(test)]
mod tests;
