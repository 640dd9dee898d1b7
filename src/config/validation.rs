//! Checks the values of a configuration of valid form: contradictory keys, unsafe addresses, missing files.

mod authn;
mod durations;
mod files;
mod numbers;
mod server;
mod tenants;
mod traces;

use geowarden_yaml::{KeyPath, Step};
use url::Url;

use self::authn::authn;
pub(super) use self::{
    durations::warnings as duration_warnings, server::warnings as server_warnings,
    tenants::warnings as tenant_warnings,
};
use super::{Config, Problem, sources::Sources, web_address};
use crate::authn::is_loopback;

/// Returns every problem of a configuration of valid form, and the problems of its files.
pub(super) fn check(config: &Config, sources: &Sources) -> (Vec<Problem>, Vec<Problem>) {
    let mut found = Findings {
        sources,
        above: KeyPath::new(),
        problems: Vec::new(),
        unusable: Vec::new(),
    };
    server::check(config, &mut found);
    durations::server(config, &mut found);
    pygeoapi(config, &mut found);
    if config.tenants.is_empty() {
        // An empty section would look like no section, and then one set of rules would apply to all requests.
        if found.sources.set_by(&found.path("tenants")).is_some() {
            found.at(
                "tenants",
                "expected at least one tenant, such as `maps: {hosts: [maps.example.org], authn: {}, policy: {}}`; without tenants leave the key out",
            );
        }
        authn(config, &mut found);
        policy(config, &mut found);
    } else {
        tenants::check(config, &mut found);
    }
    decision_log(config, &mut found);
    traces::check(config, &mut found);
    (found.problems, found.unusable)
}

struct Findings<'a> {
    sources: &'a Sources,
    /// The path of the section that is being checked.
    above: KeyPath,
    problems: Vec<Problem>,
    /// Problems of files that exist but cannot be used now.
    unusable: Vec<Problem>,
}

impl Findings<'_> {
    fn path(&self, path: &str) -> KeyPath {
        let keys = path.split('.').map(|key| Step::Key(key.to_owned()));
        self.above.iter().cloned().chain(keys).collect()
    }

    fn at(&mut self, path: &str, message: impl Into<String>) {
        let path = self.path(path);
        self.problems.push(self.sources.problem(&path, message));
    }

    fn below(&mut self, above: &[Step], key: &str, message: impl Into<String>) {
        let mut path = above.to_vec();
        path.push(Step::Key(key.to_owned()));
        self.problems.push(self.sources.problem(&path, message));
    }
}

/// Two keys for one setting are an error, since a reader could overlook one of them.
fn decision_log(config: &Config, found: &mut Findings<'_>) {
    let newer = found.path("decision_log.decisions");
    if config.telemetry.decisions.is_some() && found.sources.set_by(&newer).is_some() {
        found.at(
            "telemetry.decisions",
            "`decision_log.decisions` is set too, which is the newer name of this key: remove one",
        );
    }
}

fn pygeoapi(config: &Config, found: &mut Findings<'_>) {
    if let Some(file) = &config.pygeoapi.config {
        let path = found.path("pygeoapi.config");
        found.file(&path, file);
    }
    if let Some(url) = &config.pygeoapi.url {
        pygeoapi_url(url, found);
    }
    let base = &config.pygeoapi.base_path;
    if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/')) {
        found.at(
            "pygeoapi.base_path",
            "expected nothing, or a path such as `/geoapi` that starts with `/` and does not end with it, found another text",
        );
    }
}

/// Checks the address of pygeoapi itself. It must not contain a secret, since warnings show it.
fn pygeoapi_url(url: &str, found: &mut Findings<'_>) {
    let is_plain = web_address::secret_part(url, false).is_none()
        && Url::parse(url)
            .is_ok_and(|url| ["http", "https"].contains(&url.scheme()) && url.path() == "/");
    if !is_plain {
        found.at(
            "pygeoapi.url",
            "expected the address of pygeoapi without path, query and credentials, such as `http://127.0.0.1:5000`",
        );
    }
}

fn policy(config: &Config, found: &mut Findings<'_>) {
    let policy = &config.policy;
    if let Some(path) = &policy.path {
        let key = found.path("policy.path");
        found.file_or_folder(&key, path);
    }
    let word = |w: &str| {
        !w.is_empty()
            && !w.starts_with(|c: char| c.is_ascii_digit())
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if policy.entrypoint.split('/').count() < 2 || !policy.entrypoint.split('/').all(word) {
        found.at(
            "policy.entrypoint",
            "expected a package's path and a rule joined by `/`, such as `geowarden/authz/allow`, found another text",
        );
    }
    durations::policy(config, found);
    numbers::policy(config, found);
}
