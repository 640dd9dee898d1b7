//! Who asks: a caller who is described, or the holder of the request's own credential.

use std::{future::pending, sync::Arc};

use serde_json::{Map, Value};

use super::CommandError;
use crate::{
    authn::{
        ApiKeySettings, AuthnErrorKind, Chain, ChainSettings, Clock, Fetcher, KeyFetcher, KeyRing,
        KeySource, KeyTable, scopes,
    },
    config::Config,
    files::Files,
    identity::{CredentialKind, Principal},
    reload::build,
    request::Headers,
};

/// The caller.
pub(in crate::cli) enum Caller {
    /// The request's own credential is checked.
    ByCredential,
    /// A caller described by flags.
    Known(Box<Principal>),
    /// The holder of a key that has expired.
    Expired,
}

impl Caller {
    /// The status and code with which the service refuses an expired key.
    pub(in crate::cli) const EXPIRED: AuthnErrorKind = AuthnErrorKind::ExpiredKey;

    /// Whether flags say who it is.
    pub(in crate::cli) fn is_described(&self) -> bool {
        !matches!(self, Self::ByCredential)
    }
}

/// The bearer of a token with these claims.
pub(in crate::cli) fn bearer(claims: Map<String, Value>) -> Principal {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    Principal {
        credential: CredentialKind::Jwt,
        subject: text("sub").map(Into::into),
        issuer: text("iss").map(Into::into),
        scopes: scopes(&claims),
        claims: claims.into(),
        ..Principal::anonymous()
    }
}

/// The id of an API key that is described by its attributes only.
pub(in crate::cli) const KEY_ID: &str = "eval";

/// The holder of an API key.
pub(in crate::cli) fn key_holder(id: &str, attributes: Map<String, Value>) -> Principal {
    Principal {
        credential: CredentialKind::ApiKey,
        subject: Some(id.into()),
        key_id: Some(id.into()),
        attributes: attributes.into(),
        ..Principal::anonymous()
    }
}

/// The configured ways to authenticate. Key servers are asked once, and only if the request has a credential.
pub(super) async fn chain(
    config: &Config,
    files: &Files,
    headers: &Headers,
    clock: Arc<dyn Clock>,
) -> Result<Chain, CommandError> {
    let stored = build::stored_keys(config, files).map_err(CommandError::Config)?;
    let table = build::key_table(&stored).map_err(CommandError::Config)?;
    let ring = Arc::new(KeyRing::new(table));
    if config.authn.api_keys.is_none() && config.authn.jwt.is_empty() {
        return without_credentials(clock).map_err(CommandError::Failed);
    }
    let mut sources = Vec::new();
    for (index, issuer) in config.authn.jwt.iter().enumerate() {
        if issuer.jwks_file.is_some() {
            let keys = build::keys_of_file(index, issuer, files).map_err(CommandError::Config)?;
            sources.push(KeySource::fixed(&issuer.issuer, keys));
            continue;
        }
        let deadline = config.server.deadline.0;
        let (settings, fetch) = build::key_fetch_settings(index, issuer, deadline, files)
            .map_err(CommandError::Config)?;
        let failed = |e: String| CommandError::Failed(format!("issuer {}: {e}", issuer.issuer));
        let http = Fetcher::new(&fetch).map_err(|e| failed(e.to_string()))?;
        let (source, mut fetcher) =
            KeyFetcher::new(settings, http, Arc::new(())).map_err(|e| failed(e.to_string()))?;
        let places = &config.authn.tokens;
        let has_other_places = places.query.is_some() || places.cookie.is_some();
        if has_other_places || headers.all("authorization").next().is_some() {
            tokio::select! {
                () = fetcher.run(pending()) => {}
                () = source.tried() => {}
            }
        }
        // The keys are fresh. A token with an unknown `kid` need not ask for them again, and nothing would answer.
        sources.push(source.without_fetches().unwrap_or(source));
    }
    let keys = config.authn.api_keys.is_some().then_some(ring);
    build::chain(config, files, keys, &sources, clock).map_err(CommandError::Config)
}

/// Without configured credentials an anonymous request is still answered 401, so that policies can be tried before
/// there is a configuration.
fn without_credentials(clock: Arc<dyn Clock>) -> Result<Chain, String> {
    let table = KeyTable::new(Vec::new()).map_err(|e| e.to_string())?;
    let settings = ChainSettings {
        api_keys: Some(ApiKeySettings::by_header(
            "x-api-key",
            Arc::new(KeyRing::new(table)),
        )),
        ..ChainSettings::default()
    };
    Chain::new(settings, clock).map_err(|e| e.to_string())
}
