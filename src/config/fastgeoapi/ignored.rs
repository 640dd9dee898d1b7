//! Reports variables that have no effect. A line without a proper name may be part of a secret, so only names that
//! fastgeoapi knows are printed.

use std::collections::BTreeSet;

use super::settings::{Scheme, Source, is_further_key};

/// Names that geowarden uses with every scheme, without their prefix.
const USED: [&str; 5] = [
    "API_KEY_ENABLED",
    "JWKS_ENABLED",
    "OPA_ENABLED",
    "FASTGEOAPI_CONTEXT",
    "LOG_LEVEL",
];
/// Other names that fastgeoapi reads, without the prefix of the state.
const KNOWN: [&str; 25] = [
    "HOST",
    "PORT",
    "ROOT_PATH",
    "LOG_PATH",
    "LOG_FILENAME",
    "LOG_ENQUEUE",
    "LOG_ROTATION",
    "LOG_RETENTION",
    "LOG_FORMAT",
    "OPA_URL",
    "APP_URI",
    "OIDC_WELL_KNOWN_ENDPOINT",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OAUTH2_JWKS_ENDPOINT",
    "OAUTH2_TOKEN_ENDPOINT",
    "OAUTH2_EXPECTED_AUDIENCE",
    "OAUTH2_EXPECTED_ISSUER",
    "PYGEOAPI_KEY_GLOBAL",
    "PYGEOAPI_BASEURL",
    "PYGEOAPI_CONFIG",
    "PYGEOAPI_OPENAPI",
    "PYGEOAPI_SECURITY_SCHEME",
    "FASTGEOAPI_REVERSE_PROXY",
    "AWS_LAMBDA_DEPLOY",
];

impl Scheme {
    /// Names that geowarden uses with this scheme, without their prefix.
    fn uses(&self) -> &'static [&'static str] {
        match self {
            Self::ApiKey => &["PYGEOAPI_KEY_GLOBAL"],
            Self::Jwks { .. } => &[
                "OAUTH2_JWKS_ENDPOINT",
                "OAUTH2_EXPECTED_AUDIENCE",
                "OAUTH2_EXPECTED_ISSUER",
            ],
            Self::Oidc { .. } => &["OIDC_WELL_KNOWN_ENDPOINT"],
        }
    }
}

impl Source<'_> {
    /// A note about the variables that have no effect: all such variables of the file, and those of the process with
    /// the state's prefix.
    pub(super) fn ignored(&self, scheme: &Scheme) -> Option<String> {
        let is_read = |name: &str| {
            let bare = name.strip_prefix(self.prefix);
            name == "ENV_STATE"
                || name.starts_with("GEOWARDEN_")
                || *scheme == Scheme::ApiKey && is_further_key(name)
                || bare.is_some_and(|bare| USED.contains(&bare) || scheme.uses().contains(&bare))
        };
        let of_process = self
            .process
            .keys()
            .filter(|name| name.starts_with(self.prefix));
        let all: BTreeSet<&String> = self.variables.keys().chain(of_process).collect();
        let ignored = all.into_iter().filter(|name| !is_read(name));
        let (known, unknown): (Vec<&String>, Vec<&String>) = ignored.partition(|n| is_known(n));
        let mut parts = Vec::new();
        if !known.is_empty() {
            let names: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            parts.push(names.join(", "));
        }
        if !unknown.is_empty() {
            let variables = unknown.iter().filter_map(|name| self.variables.get(*name));
            let mut lines: Vec<usize> = variables.map(|variable| variable.line).collect();
            lines.sort_unstable();
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            let place = match lines.as_slice() {
                [] => " of the process".to_owned(),
                [line] => format!(" (line {line})"),
                lines => format!(" (lines {})", lines.join(", ")),
            };
            parts.push(format!(
                "{} that fastgeoapi does not know{place}",
                unknown.len()
            ));
        }
        (!parts.is_empty()).then(|| {
            let parts = parts.join(", and ");
            format!("these variables have no meaning here and are ignored: {parts}")
        })
    }
}

/// Whether fastgeoapi has a variable with this name, in either state.
fn is_known(name: &str) -> bool {
    let bare = ["DEV_", "PROD_"].iter().find_map(|p| name.strip_prefix(p));
    let bare = bare.unwrap_or(name);
    KNOWN.contains(&bare) || USED.contains(&bare)
}
