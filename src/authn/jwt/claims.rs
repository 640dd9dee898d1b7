//! The claims of a token whose signature is valid (RFC 7519, section 4.1).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::issuer::{Audiences, IssuerSettings};
use crate::authn::error::{AuthnError, AuthnErrorKind};
use crate::identity::{CredentialKind, Principal};

/// Claims that the issuer has confirmed, with their times parsed.
#[derive(Debug)]
pub(in crate::authn) struct Claims {
    all: Arc<Map<String, Value>>,
    pub(in crate::authn) expires: f64,
    not_before: Option<f64>,
    issued: Option<f64>,
}

impl Claims {
    pub(super) fn read(all: Map<String, Value>) -> Result<Self, AuthnError> {
        let expires = numeric_date(&all, "exp", "`exp` is not a number")?;
        Self::expiring(all, expires.ok_or(AuthnErrorKind::MissingExpiry)?)
    }

    /// The claims that an issuer returned for a token which is valid now. They expire at `latest` or earlier.
    pub(in crate::authn) fn from_issuer(
        all: Map<String, Value>,
        latest: f64,
    ) -> Result<Self, AuthnError> {
        let expires = numeric_date(&all, "exp", "`exp` is not a number")?;
        Self::expiring(all, expires.map_or(latest, |expires| expires.min(latest)))
    }

    fn expiring(all: Map<String, Value>, expires: f64) -> Result<Self, AuthnError> {
        Ok(Self {
            expires,
            not_before: numeric_date(&all, "nbf", "`nbf` is not a number")?,
            issued: numeric_date(&all, "iat", "`iat` is not a number")?,
            all: Arc::new(all),
        })
    }

    /// The caller, if the token is meant for this service and valid now.
    pub(in crate::authn) fn principal(
        &self,
        settings: &IssuerSettings,
        issuer: &Arc<str>,
        now: f64,
    ) -> Result<Principal, AuthnError> {
        let leeway = settings.leeway.as_secs_f64();
        if now >= self.expires + leeway {
            return Err(AuthnErrorKind::ExpiredToken.into());
        }
        if self.not_before.is_some_and(|time| now + leeway < time) {
            return Err(AuthnErrorKind::NotYetValid.into());
        }
        if self.issued.is_some_and(|time| now + leeway < time) {
            return Err(AuthnErrorKind::IssuedInFuture.into());
        }
        if let Audiences::OneOf(accepted) = &settings.audiences {
            self.check_audience(accepted, settings.accept_client_id_as_audience)?;
        }
        let subject = match self.all.get("sub") {
            None => None,
            Some(Value::String(subject)) => Some(Arc::from(subject.as_str())),
            Some(_) => return Err(malformed("`sub` is not a string")),
        };
        Ok(Principal {
            credential: CredentialKind::Jwt,
            subject,
            issuer: Some(Arc::clone(issuer)),
            claims: Arc::clone(&self.all),
            scopes: scopes(&self.all),
            ..Principal::anonymous()
        })
    }

    fn check_audience(
        &self,
        accepted: &[String],
        client_id_counts: bool,
    ) -> Result<(), AuthnError> {
        let is_accepted = |name: &Value| match name.as_str() {
            Some(name) => Ok(accepted.iter().any(|audience| audience == name)),
            None => Err(malformed("`aud` is not a string or a list of strings")),
        };
        let found = match (self.all.get("aud"), self.all.get("client_id")) {
            (Some(Value::Array(names)), _) => {
                // Read the whole list, so that a malformed list is refused whatever its order.
                names.iter().try_fold(false, |found, name| {
                    Ok::<_, AuthnError>(is_accepted(name)? || found)
                })?
            }
            (Some(name), _) => is_accepted(name)?,
            (None, Some(Value::String(client))) if client_id_counts => {
                accepted.iter().any(|audience| audience == client)
            }
            (None, _) => return Err(AuthnErrorKind::MissingAudience.into()),
        };
        if found {
            Ok(())
        } else {
            Err(AuthnErrorKind::WrongAudience.into())
        }
    }
}

/// The words of the claim `scope` (RFC 8693, section 4.2), or else of `scp`. A claim of another type gives no scopes.
pub fn scopes(claims: &Map<String, Value>) -> Arc<[String]> {
    let words = |text: &str| {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    match (claims.get("scope"), claims.get("scp")) {
        (Some(Value::String(text)), _) | (None, Some(Value::String(text))) => words(text),
        (None, Some(Value::Array(list))) => list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Arc::default(),
    }
}

/// A `NumericDate` (RFC 7519, section 2): a number, never a string that looks like one.
fn numeric_date(
    claims: &Map<String, Value>,
    name: &str,
    cause: &'static str,
) -> Result<Option<f64>, AuthnError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => number.as_f64().map(Some).ok_or_else(|| malformed(cause)),
        Some(_) => Err(malformed(cause)),
    }
}

fn malformed(cause: &'static str) -> AuthnError {
    AuthnError::because(AuthnErrorKind::MalformedToken, cause)
}
