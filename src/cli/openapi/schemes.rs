//! The security schemes (OpenAPI 3.0, "Security Scheme Object") for a configuration.

use serde_json::json;

use super::{super::CommandError, Security};
use crate::{
    authn::{self, KeyScheme},
    config::Config,
};

/// Marks the schemes that geowarden added, so that a later run can replace them. Its value is `true`, or the name of the
/// outermost object that was added around the schemes.
pub(super) const MARK: &str = "x-geowarden";

/// The schemes of the configured credentials.
pub(super) fn of(config: &Config) -> Result<Security, CommandError> {
    let mut security = Security::default();
    let schemes = &mut security.schemes;
    if let Some(keys) = &config.authn.api_keys {
        let scheme = json!({"type": "apiKey", "in": "header", "name": keys.header, MARK: true});
        schemes.insert("ApiKey".to_owned(), scheme);
        if keys.authorization.contains(&KeyScheme::Basic) {
            let scheme = json!({"type": "http", "scheme": "basic", "description": "The key is the password; the user name can be any.", MARK: true});
            schemes.insert("Basic".to_owned(), scheme);
        }
        for (place, name, scheme) in [
            ("query", &keys.query, "ApiKeyInQuery"),
            ("cookie", &keys.cookie, "ApiKeyInCookie"),
        ] {
            if let Some(name) = name {
                let value = json!({"type": "apiKey", "in": place, "name": name, MARK: true});
                schemes.insert(scheme.to_owned(), value);
            }
        }
    }
    let issuers = &config.authn.jwt;
    if !issuers.is_empty() {
        let are_jwts = issuers.iter().all(|issuer| issuer.opaque_tokens.is_none());
        let scheme = if are_jwts {
            json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT", MARK: true})
        } else {
            json!({"type": "http", "scheme": "bearer", MARK: true})
        };
        schemes.insert("Bearer".to_owned(), scheme);
        let tokens = &config.authn.tokens;
        for (place, name, scheme) in [
            ("query", &tokens.query, "TokenInQuery"),
            ("cookie", &tokens.cookie, "TokenInCookie"),
        ] {
            if let Some(name) = name {
                let value = json!({"type": "apiKey", "in": place, "name": name, MARK: true});
                schemes.insert(scheme.to_owned(), value);
            }
        }
    }
    let by_discovery = issuers
        .iter()
        .filter(|issuer| issuer.jwks_uri.is_none() && issuer.jwks_file.is_none());
    for (index, issuer) in by_discovery.enumerate() {
        let url = authn::metadata_url(&issuer.issuer)
            .map_err(|e| CommandError::Usage(format!("issuer {}: {e}", issuer.issuer)))?;
        let scheme = json!({"type": "openIdConnect", "openIdConnectUrl": url.as_str(), MARK: true});
        let name = match index {
            0 => "OpenIDConnect".to_owned(),
            index => format!("OpenIDConnect{}", index + 1),
        };
        schemes.insert(name, scheme);
    }
    Ok(security)
}
