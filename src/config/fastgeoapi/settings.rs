//! Parses and checks fastgeoapi's variables. The checks are fastgeoapi's own, and stricter where fastgeoapi let
//! everybody in.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use super::{
    super::{Origin, Problem, Problems, key_file::Entry, web_address},
    dotenv::Variables,
};

/// loguru's levels, which fastgeoapi accepts.
const LEVELS: [&str; 7] = [
    "trace", "debug", "info", "success", "warning", "error", "critical",
];
/// A shorter API key is told of, in characters.
const MIN_KEY_LENGTH: usize = 16;
const KEY: &str = "PYGEOAPI_KEY_";
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// How callers authenticate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scheme {
    /// By API keys; see [`Settings::keys`].
    ApiKey,
    /// By OAuth2 tokens, checked with a JWK set.
    Jwks {
        endpoint: String,
        issuer: String,
        /// `None` if it is not set: fastgeoapi then accepts every audience.
        audience: Option<String>,
    },
    /// By OpenID Connect, with a policy.
    Oidc { issuer: String },
}

/// All settings of a `.env` that geowarden uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub(super) file: String,
    pub(super) scheme: Scheme,
    pub(super) context: String,
    pub(super) log_level: Option<String>,
    pub(super) needs_policy: bool,
    /// Which variable each key of the native configuration was made from, and where that variable is set.
    pub(super) origins: BTreeMap<&'static str, (String, Origin)>,
    /// The API keys, as digests.
    pub keys: Vec<Entry>,
    /// Notes for the operator: ignored variables, and checks that fastgeoapi does not make.
    pub notes: Vec<String>,
}

/// The source of the variables, which have the prefix of the state.
pub(super) struct Source<'a> {
    file: &'a str,
    pub(super) prefix: &'static str,
    pub(super) variables: &'a Variables,
    pub(super) process: &'a BTreeMap<String, String>,
    problems: Vec<Problem>,
}

impl Settings {
    /// Whether a policy of the operator's decides.
    pub fn needs_policy(&self) -> bool {
        self.needs_policy
    }

    pub(super) fn from_variables(
        file: &str,
        variables: &Variables,
        process: &BTreeMap<String, String>,
    ) -> Result<Self, Problems> {
        let mut source = Source {
            file,
            prefix: "",
            variables,
            process,
            problems: Vec::new(),
        };
        source.prefix = match source.get("ENV_STATE") {
            Some("dev") => "DEV_",
            Some("prod") => "PROD_",
            found => {
                // Do not quote the value, here and below: the file contains keys.
                let found = found.map_or("nothing", |_| "something else");
                source.fault(
                    "ENV_STATE",
                    format!("expected `dev` or `prod`, found {found}"),
                );
                return Err(Problems(source.problems));
            }
        };
        let mut notes = Vec::new();
        let mut keys = Vec::new();
        let scheme = source.scheme(&mut keys, &mut notes);
        let context = source.context();
        let log_level = source.log_level();
        let ignored = scheme.as_ref().and_then(|scheme| source.ignored(scheme));
        notes.extend(ignored);
        let settings = scheme.map(|scheme| Self {
            file: file.to_owned(),
            origins: source.origins(&scheme),
            needs_policy: matches!(scheme, Scheme::Oidc { .. }),
            scheme,
            context,
            log_level,
            keys,
            notes,
        });
        match settings {
            Some(settings) if source.problems.is_empty() => Ok(settings),
            _ => Err(Problems(source.problems)),
        }
    }
}

impl Source<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let in_file = self.variables.get(name).map(|v| v.value.as_str());
        self.process.get(name).map(String::as_str).or(in_file)
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The value of a variable of the state. An empty value counts as not set.
    fn text(&self, name: &str) -> Option<String> {
        self.get(&self.name(name))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }

    fn fault(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem {
            origin: self.origin(name),
            path: name.to_owned(),
            message: message.into(),
        });
    }

    fn origin(&self, name: &str) -> Origin {
        if self.process.contains_key(name) {
            Origin::Environment(name.to_owned())
        } else {
            Origin::File {
                file: self.file.to_owned(),
                line: self.variables.get(name).map(|variable| variable.line),
            }
        }
    }

    fn origins(&self, scheme: &Scheme) -> BTreeMap<&'static str, (String, Origin)> {
        let of_scheme: &[_] = match scheme {
            Scheme::ApiKey => &[],
            Scheme::Jwks { .. } => &[
                ("authn.jwt[0].issuer", "OAUTH2_EXPECTED_ISSUER"),
                ("authn.jwt[0].jwks_uri", "OAUTH2_JWKS_ENDPOINT"),
                ("authn.jwt[0].audiences", "OAUTH2_EXPECTED_AUDIENCE"),
                ("authn.realm", "OAUTH2_EXPECTED_AUDIENCE"),
            ],
            Scheme::Oidc { .. } => &[("authn.jwt[0].issuer", "OIDC_WELL_KNOWN_ENDPOINT")],
        };
        let always = [("pygeoapi.base_path", "FASTGEOAPI_CONTEXT")];
        always
            .iter()
            .chain(of_scheme)
            .map(|(key, name)| (*key, self.name(name)))
            .map(|(key, name)| (key, (name.clone(), self.origin(&name))))
            .collect()
    }

    fn required(&mut self, name: &str, meaning: &str) -> String {
        self.text(name).unwrap_or_else(|| {
            let name = self.name(name);
            self.fault(&name, format!("missing: expected {meaning}"));
            String::new()
        })
    }

    /// An address. It appears in logs, metrics and answers, so it must not contain a credential.
    fn address(&mut self, name: &str, meaning: &str, may_have_query: bool) -> String {
        let address = self.required(name, meaning);
        if let Some(part) = web_address::secret_part(&address, may_have_query) {
            let name = self.name(name);
            let query = if may_have_query { "" } else { ", query" };
            self.fault(
                &name,
                format!(
                    "expected {meaning}, without a user name{query} and fragment, found {part}"
                ),
            );
        }
        address
    }

    /// Parses a boolean as pydantic does.
    fn is_on(&mut self, name: &str) -> bool {
        let Some(text) = self.text(name) else {
            return false;
        };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => true,
            "0" | "false" | "f" | "no" | "n" | "off" => false,
            _ => {
                let name = self.name(name);
                self.fault(&name, "expected `true` or `false`");
                false
            }
        }
    }

    fn scheme(&mut self, keys: &mut Vec<Entry>, notes: &mut Vec<String>) -> Option<Scheme> {
        let (opa, jwks, api_key) = (
            self.is_on("OPA_ENABLED"),
            self.is_on("JWKS_ENABLED"),
            self.is_on("API_KEY_ENABLED"),
        );
        let name = self.name("API_KEY_ENABLED");
        match (opa, jwks, api_key) {
            (false, false, true) => {
                self.keys(keys, notes);
                Some(Scheme::ApiKey)
            }
            (false, true, false) => Some(self.jwks(notes)),
            (true, false, false) => self.oidc(notes),
            (false, false, false) => {
                if self.problems.is_empty() {
                    self.fault(
                        &name,
                        "none of OPA_ENABLED, JWKS_ENABLED and API_KEY_ENABLED is on, so no caller could authenticate: switch one on",
                    );
                }
                None
            }
            _ => {
                self.fault(
                    &name,
                    "OPA_ENABLED, JWKS_ENABLED and API_KEY_ENABLED are mutually exclusive",
                );
                None
            }
        }
    }

    fn keys(&mut self, keys: &mut Vec<Entry>, notes: &mut Vec<String>) {
        let global = self.name("PYGEOAPI_KEY_GLOBAL");
        match self.text("PYGEOAPI_KEY_GLOBAL") {
            Some(key) => {
                notes.extend(weak(&global, &key));
                keys.push(entry("global", &key));
            }
            None => self.fault(&global, "pygeoapi API KEY is missing"),
        }
        let further: BTreeMap<String, String> = self
            .names()
            .into_iter()
            .filter(|name| is_further_key(name))
            .filter_map(|name| Some((name.clone(), self.get(&name)?.to_owned())))
            .collect();
        for (name, key) in further {
            let id = name
                .strip_prefix(KEY)
                .unwrap_or_default()
                .to_ascii_lowercase();
            if key.is_empty() {
                self.fault(
                    &name,
                    "pygeoapi API KEY is missing: an empty key would let everybody in",
                );
                continue;
            }
            if keys.iter().any(|known| known.id == id) {
                self.fault(
                    &name,
                    format!("another variable sets the key `{id}` too: use names that differ in more than upper and lower case"),
                );
                continue;
            }
            notes.extend(weak(&name, &key));
            let entry = entry(&id, &key);
            // One key with two names is still one key.
            if keys.iter().all(|known| known.sha256 != entry.sha256) {
                keys.push(entry);
            }
        }
    }

    fn jwks(&mut self, notes: &mut Vec<String>) -> Scheme {
        let audience = self.text("OAUTH2_EXPECTED_AUDIENCE");
        if audience.is_none() {
            let name = self.name("OAUTH2_EXPECTED_AUDIENCE");
            notes.push(format!("{name} is not set: tokens for any audience are accepted, as fastgeoapi does; set it, or in a geowarden.yaml `authn.jwt[].audiences`"));
        }
        Scheme::Jwks {
            endpoint: self.address(
                "OAUTH2_JWKS_ENDPOINT",
                "the URL of the issuer's JWK set",
                true,
            ),
            issuer: self.address(
                "OAUTH2_EXPECTED_ISSUER",
                "the exact `iss` of its tokens: tokens of any issuer are not accepted here",
                false,
            ),
            audience,
        }
    }

    fn oidc(&mut self, notes: &mut Vec<String>) -> Option<Scheme> {
        let endpoint = self.address(
            "OIDC_WELL_KNOWN_ENDPOINT",
            "the URL of the provider's metadata",
            false,
        );
        let Some(issuer) = endpoint.strip_suffix(DISCOVERY) else {
            if !endpoint.is_empty() {
                let name = self.name("OIDC_WELL_KNOWN_ENDPOINT");
                self.fault(&name, format!("expected a URL that ends with {DISCOVERY}"));
            }
            return None;
        };
        notes.push("tokens of the provider are accepted for any audience, as fastgeoapi does: to accept yours only, name it in `authn.jwt[].audiences`".to_owned());
        Some(Scheme::Oidc {
            issuer: issuer.to_owned(),
        })
    }

    /// The path under which fastgeoapi was served; empty for the root.
    fn context(&mut self) -> String {
        let context = self.text("FASTGEOAPI_CONTEXT").unwrap_or_default();
        if !context.is_empty() && !context.starts_with('/') {
            let name = self.name("FASTGEOAPI_CONTEXT");
            self.fault(&name, "expected a path such as `/geoapi`");
        }
        context.trim_end_matches('/').to_owned()
    }

    fn log_level(&mut self) -> Option<String> {
        let level = self.text("LOG_LEVEL")?.to_ascii_lowercase();
        if !LEVELS.contains(&level.as_str()) {
            let name = self.name("LOG_LEVEL");
            let expected = LEVELS.join(", ");
            self.fault(&name, format!("expected one of {expected}"));
        }
        Some(level)
    }

    fn names(&self) -> BTreeSet<String> {
        self.variables
            .keys()
            .chain(self.process.keys())
            .cloned()
            .collect()
    }
}

/// Whether the name is `PYGEOAPI_KEY_<ANY>`, except GLOBAL: the variable with the state's prefix sets that key.
pub(super) fn is_further_key(name: &str) -> bool {
    name.strip_prefix(KEY)
        .is_some_and(|rest| !rest.is_empty() && rest != "GLOBAL")
}

/// Warns of a key that can be guessed. The key itself is never shown.
fn weak(name: &str, key: &str) -> Option<String> {
    (key.chars().count() < MIN_KEY_LENGTH).then(|| {
        format!(
            "{name}: expected a key of at least {MIN_KEY_LENGTH} characters, found a shorter one, which can be guessed: replace it by one of `geowarden key new`, and give that to its holder"
        )
    })
}

fn entry(id: &str, key: &str) -> Entry {
    Entry {
        id: id.to_owned(),
        sha256: HEXLOWER.encode(digest(&SHA256, key.as_bytes()).as_ref()),
        attributes: serde_json::Map::new(),
        expires: None,
    }
}
