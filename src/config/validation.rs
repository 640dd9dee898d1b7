//! What the form alone cannot say: keys that exclude each other, addresses that must be safe, files that must be there.

mod durations;
mod server;
mod tenants;
mod traces;

use std::path::Path;

use url::{Host, Url};

pub(super) use self::tenants::warnings as tenant_warnings;
use super::{Audiences, Config, Inquiry, Issuer, Problem, reading::Sources};
use crate::yaml::{KeyPath, Step};

/// With less address space the program itself could not start a thread, in bytes.
const LEAST_LOAD_MEMORY: u64 = 256 << 20;

/// Every fault in a configuration of good form.
pub(super) fn check(config: &Config, sources: &Sources) -> Vec<Problem> {
    let mut found = Findings {
        sources,
        above: KeyPath::new(),
        problems: Vec::new(),
    };
    server::check(config, &mut found);
    durations::server(config, &mut found);
    pygeoapi(config, &mut found);
    if config.tenants.is_empty() {
        // An empty section would otherwise be as none: one set of rules for all requests.
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
    traces::check(config, &mut found);
    found.problems
}

fn authn(config: &Config, found: &mut Findings<'_>) {
    api_keys(config, found);
    for (index, issuer) in config.authn.jwt.iter().enumerate() {
        let mut path = found.path("authn.jwt");
        path.push(Step::Index(index));
        jwt(config, index, issuer, &path, found);
        durations::issuer(issuer, &path, found);
        opaque_tokens(config, index, issuer, &path, found);
    }
}

struct Findings<'a> {
    sources: &'a Sources,
    /// Where the sections that are looked at stand.
    above: KeyPath,
    problems: Vec<Problem>,
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

    fn file(&mut self, path: &str, file: &Path) {
        if !file.is_file() {
            self.at(path, format!("no such file: {}", file.display()));
        }
    }
}

fn pygeoapi(config: &Config, found: &mut Findings<'_>) {
    if let Some(file) = &config.pygeoapi.config {
        found.file("pygeoapi.config", file);
    }
    if let Some(url) = &config.pygeoapi.url {
        pygeoapi_url(url, found);
    }
    let base = &config.pygeoapi.base_path;
    if !base.is_empty() && (!base.starts_with('/') || base.ends_with('/')) {
        found.at(
            "pygeoapi.base_path",
            format!("expected nothing, or a path such as `/geoapi` that starts with `/` and does not end with it, found `{base}`"),
        );
    }
}

/// Where pygeoapi itself is asked: no secret may stand in it, since it is told in warnings.
fn pygeoapi_url(url: &str, found: &mut Findings<'_>) {
    let is_plain = Url::parse(url).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme())
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.path() == "/"
    });
    if !is_plain {
        found.at(
            "pygeoapi.url",
            "expected the address of pygeoapi without path, query and credentials, such as `http://127.0.0.1:5000`",
        );
    }
}

fn api_keys(config: &Config, found: &mut Findings<'_>) {
    let Some(keys) = &config.authn.api_keys else {
        return;
    };
    if keys.file.is_none() && keys.dir.is_none() {
        found.at(
            "authn.api_keys",
            "expected `file`, `dir` or both: `geowarden key new` makes an entry for them",
        );
    }
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if keys.header.is_empty() || !keys.header.bytes().all(token) {
        found.at(
            "authn.api_keys.header",
            "expected a header name in lower case (letters, digits and `-`)",
        );
    } else if [
        "authorization",
        "host",
        "content-type",
        "content-length",
        "cookie",
    ]
    .contains(&keys.header.as_str())
    {
        found.at(
            "authn.api_keys.header",
            format!(
                "`{}` has a meaning of its own; use another header",
                keys.header
            ),
        );
    }
    if let Some(file) = &keys.file {
        found.file("authn.api_keys.file", file);
    }
    if let Some(dir) = &keys.dir
        && !dir.is_dir()
    {
        found.at(
            "authn.api_keys.dir",
            format!("no such folder: {}", dir.display()),
        );
    }
}

fn jwt(config: &Config, index: usize, issuer: &Issuer, path: &[Step], found: &mut Findings<'_>) {
    if config
        .authn
        .jwt
        .iter()
        .take(index)
        .any(|i| i.issuer == issuer.issuer)
    {
        found.below(
            path,
            "issuer",
            format!("`{}` is there twice", issuer.issuer),
        );
    }
    if issuer.jwks_uri.is_some() && issuer.jwks_file.is_some() {
        found.below(
            path,
            "jwks_file",
            "expected `jwks_uri` or `jwks_file`, found both",
        );
    }
    if let Audiences::OneOf(audiences) = &issuer.audiences
        && (audiences.is_empty() || audiences.iter().any(String::is_empty))
    {
        found.below(
            path,
            "audiences",
            "expected at least one audience, none of them empty; `audiences: any` accepts every token of the issuer",
        );
    }
    if issuer.algorithms.is_empty() {
        found.below(path, "algorithms", "expected at least one, such as RS256");
    }
    let (key, address) = match (&issuer.jwks_uri, &issuer.jwks_file) {
        (_, Some(file)) => {
            if !file.is_file() {
                found.below(
                    path,
                    "jwks_file",
                    format!("no such file: {}", file.display()),
                );
            }
            return;
        }
        (Some(uri), None) => ("jwks_uri", uri),
        (None, None) => ("issuer", &issuer.issuer),
    };
    match Url::parse(address) {
        Ok(url) if url.scheme() == "https" => {}
        Ok(url) if url.scheme() == "http" => {
            if !issuer.allow_insecure_http && !is_loopback(&url) {
                found.below(
                    path,
                    key,
                    format!("expected https, found {}; whoever can change the keys on the way can log in as anyone (`allow_insecure_http: true` accepts that)", told(address)),
                );
            }
        }
        _ => found.below(
            path,
            key,
            format!(
                "expected an https address, since keys are fetched from there, found {}",
                told(address)
            ),
        ),
    }
    if let Some(file) = &issuer.ca_file
        && !file.is_file()
    {
        found.below(path, "ca_file", format!("no such file: {}", file.display()));
    }
}

fn opaque_tokens(
    config: &Config,
    index: usize,
    issuer: &Issuer,
    path: &[Step],
    found: &mut Findings<'_>,
) {
    let Some(opaque) = &issuer.opaque_tokens else {
        return;
    };
    let mut here = path.to_vec();
    here.push(Step::Key("opaque_tokens".to_owned()));
    let before = config.authn.jwt.iter().take(index);
    if before.filter(|other| other.opaque_tokens.is_some()).count() > 0 {
        found.below(
            path,
            "opaque_tokens",
            "expected at one issuer only: nothing in an opaque token names its issuer",
        );
    }
    let (client_id, secret) = (&opaque.client_id, &opaque.client_secret_file);
    match (opaque.inquiry, client_id, secret) {
        (Inquiry::Introspection, Some(_), Some(file)) if !file.is_file() => {
            let message = format!("no such file: {}", file.display());
            found.below(&here, "client_secret_file", message);
        }
        (Inquiry::Introspection, Some(_), Some(_)) | (Inquiry::Userinfo, None, None) => {}
        (Inquiry::Introspection, _, _) => found.below(
            &here,
            "inquiry",
            "introspection needs `client_id` and `client_secret_file`",
        ),
        (Inquiry::Userinfo, _, _) => found.below(
            &here,
            "inquiry",
            "userinfo is asked with the token alone: leave out `client_id` and `client_secret_file`",
        ),
    }
    let is_safe = |url: &Url| {
        url.scheme() == "https"
            || (url.scheme() == "http" && (issuer.allow_insecure_http || is_loopback(url)))
    };
    if let Some(endpoint) = &opaque.endpoint
        && !Url::parse(endpoint).is_ok_and(|url| is_safe(&url))
    {
        let message = format!("expected an https address, found {}", told(endpoint));
        found.below(&here, "endpoint", message);
    }
}

/// An address as it may be told: a user name or a query can hold a password or a token.
fn told(address: &str) -> String {
    if address.contains(['@', '?']) {
        "an address with a user name or a query".to_owned()
    } else {
        format!("`{address}`")
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn policy(config: &Config, found: &mut Findings<'_>) {
    let policy = &config.policy;
    if let Some(path) = &policy.path
        && !path.exists()
    {
        found.at(
            "policy.path",
            format!("no such file or folder: {}", path.display()),
        );
    }
    let word = |w: &str| {
        !w.is_empty()
            && !w.starts_with(|c: char| c.is_ascii_digit())
            && w.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    if policy.entrypoint.split('/').count() < 2 || !policy.entrypoint.split('/').all(word) {
        found.at(
            "policy.entrypoint",
            format!(
                "expected a package's path and a rule joined by `/`, such as `geowarden/authz/allow`, found `{}`",
                policy.entrypoint
            ),
        );
    }
    durations::policy(config, found);
    if policy.load_memory_bytes < LEAST_LOAD_MEMORY {
        found.at(
            "policy.load_memory_bytes",
            format!("expected at least {LEAST_LOAD_MEMORY}: no policy would load"),
        );
    }
}
