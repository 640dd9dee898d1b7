//! Writes geowarden's own configuration with the same meaning.

use std::{fmt::Write as _, path::Path};

use super::settings::{Scheme, Settings};

/// Every algorithm that a key of a JWK set may have: fastgeoapi uses the algorithm of the key.
const ALGORITHMS: &str = "[RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA]";

/// Settings that the `.env` does not contain.
#[derive(Debug, Clone, Copy)]
pub struct Native<'a> {
    /// The path of the API key file; without it the configuration names no file.
    pub keys_file: Option<&'a str>,
    /// The path of the policy.
    pub policy: Option<&'a Path>,
    /// Whether the policy is written in Rego v0.
    pub is_old_rego: bool,
    /// Whether the policy expects paths without fastgeoapi's context.
    pub strips_prefix: bool,
    /// Whether a person reads the text. Then the query of an address is left out, because it may be a secret.
    pub is_shown: bool,
}

impl Default for Native<'_> {
    fn default() -> Self {
        Self {
            keys_file: None,
            policy: None,
            is_old_rego: true,
            strips_prefix: false,
            is_shown: false,
        }
    }
}

impl Settings {
    /// The path under which fastgeoapi was served.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The text of `geowarden.yaml`.
    pub fn yaml(&self, native: &Native<'_>) -> String {
        let mut text = String::from("server:\n  refusals: fastgeoapi\npygeoapi:\n");
        let mut line = |indent: usize, key: &str, value: &str| {
            let _ = writeln!(text, "{:indent$}{key}: {value}", "");
        };
        line(2, "base_path", &quoted(&self.context));
        match &self.scheme {
            Scheme::ApiKey => {
                if let Some(file) = native.keys_file {
                    line(0, "authn", "");
                    line(2, "api_keys", "");
                    line(4, "header", "x-api-key");
                    line(4, "file", &quoted(file));
                }
                line(0, "policy", "");
                line(2, "embedded", "authenticated");
            }
            Scheme::Jwks {
                endpoint,
                issuer,
                audience,
            } => {
                line(0, "authn", "");
                if let Some(audience) = audience {
                    line(2, "realm", &quoted(audience));
                }
                line(2, "jwt", "");
                line(4, "- issuer", &quoted(issuer));
                let audiences = audience
                    .as_ref()
                    .map_or("any".to_owned(), |a| format!("[{}]", quoted(a)));
                line(6, "audiences", &audiences);
                let whole = (endpoint.as_str(), "");
                let (shown, query) = endpoint.split_once('?').unwrap_or(whole);
                if native.is_shown && !query.is_empty() {
                    line(
                        6,
                        "jwks_uri",
                        &format!("{}  # add its query", quoted(shown)),
                    );
                } else {
                    line(6, "jwks_uri", &quoted(endpoint));
                }
                line(6, "algorithms", ALGORITHMS);
                line(
                    6,
                    "accept_client_id_as_audience",
                    if audience.is_some() { "true" } else { "false" },
                );
                line(0, "policy", "");
                line(2, "embedded", "bearer");
            }
            Scheme::Oidc { issuer } => {
                line(0, "authn", "");
                line(2, "jwt", "");
                line(4, "- issuer", &quoted(issuer));
                line(6, "audiences", "any");
                line(6, "algorithms", ALGORITHMS);
                // fastgeoapi's policies get the claims of every token there.
                line(6, "opaque_tokens", "{inquiry: userinfo}");
                line(0, "policy", "");
                if let Some(path) = native.policy {
                    line(2, "path", &quoted(&path.display().to_string()));
                }
                line(2, "entrypoint", "httpapi/authz/allow");
                line(2, "rego", if native.is_old_rego { "v0" } else { "v1" });
                line(2, "input", "fastgeoapi");
                if native.strips_prefix {
                    line(2, "path_prefix", "strip");
                }
            }
        }
        if let Some(level) = self.log_level.as_deref().and_then(log_level) {
            line(0, "telemetry", "");
            line(2, "level", level);
        }
        text.replace(": \n", ":\n")
    }
}

/// A JSON string, which is also a valid YAML string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The level for a level of loguru.
fn log_level(level: &str) -> Option<&'static str> {
    match level {
        "critical" | "error" => Some("error"),
        "warning" => Some("warn"),
        "success" | "info" => Some("info"),
        "debug" => Some("debug"),
        "trace" => Some("trace"),
        _ => None,
    }
}
