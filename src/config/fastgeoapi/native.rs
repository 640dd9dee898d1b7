//! The same in geowarden's own configuration.

use std::fmt::Write as _;

use super::settings::{Scheme, Settings};

/// Every algorithm that a JWK set may choose from: fastgeoapi takes the one of the key.
const ALGORITHMS: &str = "[RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA]";

impl Settings {
    /// `geowarden.yaml`; `keys_file` is where the API keys' entries are to stand.
    pub fn yaml(&self, keys_file: Option<&str>) -> String {
        let mut text = String::from("server:\n  refusals: fastgeoapi\npygeoapi:\n");
        let mut line = |indent: usize, key: &str, value: &str| {
            let _ = writeln!(text, "{:indent$}{key}: {value}", "");
        };
        line(2, "base_path", &quoted(&self.context));
        match &self.scheme {
            Scheme::ApiKey => {
                if let Some(file) = keys_file {
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
                line(6, "jwks_uri", &quoted(endpoint));
                line(6, "algorithms", ALGORITHMS);
                line(
                    6,
                    "accept_client_id_as_audience",
                    if audience.is_some() { "true" } else { "false" },
                );
                line(0, "policy", "");
                line(2, "embedded", "authenticated");
            }
            Scheme::Oidc { issuer } => {
                line(0, "authn", "");
                line(2, "jwt", "");
                line(4, "- issuer", &quoted(issuer));
                line(6, "audiences", "any");
                line(6, "algorithms", ALGORITHMS);
                line(0, "policy", "");
                line(2, "entrypoint", "httpapi/authz/allow");
                line(2, "rego", "v0");
                line(2, "input", "fastgeoapi");
            }
        }
        if let Some(level) = self.log_level.as_deref().and_then(log_level) {
            line(0, "telemetry", "");
            line(2, "level", level);
        }
        text.replace(": \n", ":\n")
    }
}

/// A JSON string, which is a YAML one too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Python's levels in ours.
fn log_level(level: &str) -> Option<&'static str> {
    match level.to_ascii_lowercase().as_str() {
        "critical" | "fatal" | "error" => Some("error"),
        "warning" | "warn" => Some("warn"),
        "info" => Some("info"),
        "debug" => Some("debug"),
        _ => None,
    }
}
