//! Checks that tenants do not share what must be separate.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use geowarden_yaml::{KeyPath, Step};

use super::{Findings, authn, policy, pygeoapi};
use crate::{
    authn::Audiences,
    config::{Config, HostPattern, Issuer, Problem, Tenant, tenant::is_name},
};

pub(super) fn check(config: &Config, found: &mut Findings<'_>) {
    for section in ["authn", "policy"] {
        if let Some(origin) = found.sources.set_by(&found.path(section)) {
            found.problems.push(Problem {
                origin,
                path: section.to_owned(),
                message: "expected this section inside a tenant, since no tenant would use it here: move it into one (the tenant with `hosts: [\"*\"]` judges all other hosts)".to_owned(),
            });
        }
    }
    let mut hosts = BTreeMap::new();
    let mut files = BTreeMap::new();
    let reload = config.watches_files();
    for (part, (name, tenant)) in config.parts().iter().zip(&config.tenants) {
        found.above = vec![Step::Key("tenants".to_owned()), Step::Key(name.clone())];
        if !is_name(name) {
            let message = "expected a name like a label of the DNS (RFC 1123): up to 63 lower-case letters, digits and `-`, neither first nor last a `-`";
            let path = found.above.clone();
            found.problems.push(found.sources.problem(&path, message));
        }
        check_hosts(name, tenant, &mut hosts, found);
        if tenant.pygeoapi.is_some() {
            pygeoapi(&part.config, found);
        }
        authn(&part.config, found);
        check_key_files(name, tenant, &mut files, found);
        policy(&part.config, found);
        if tenant.policy.reload != reload {
            found.at(
                "policy.reload",
                "expected the same for every tenant: their files are watched together",
            );
        }
    }
    found.above.clear();
}

fn check_hosts<'a>(
    name: &'a str,
    tenant: &'a Tenant,
    hosts: &mut BTreeMap<&'a HostPattern, &'a str>,
    found: &mut Findings<'_>,
) {
    for (index, host) in tenant.hosts.iter().enumerate() {
        if let Some(owner) = hosts.insert(host, name) {
            let mut path: KeyPath = found.path("hosts");
            path.push(Step::Index(index));
            let message = format!(
                "expected a host that no other tenant has, found one of tenant `{owner}`; a host belongs to one tenant only"
            );
            found.problems.push(found.sources.problem(&path, message));
        }
    }
}

/// Reports a key file that two tenants name: each key in it would be valid for both. Most likely a line was copied.
fn check_key_files<'a>(
    name: &'a str,
    tenant: &'a Tenant,
    files: &mut BTreeMap<PathBuf, &'a str>,
    found: &mut Findings<'_>,
) {
    let Some(keys) = &tenant.authn.api_keys else {
        return;
    };
    let named = [("file", &keys.file), ("dir", &keys.dir)];
    for (key, path) in named.map(|(key, path)| (key, path.as_deref())) {
        let Some(path) = path else { continue };
        if let Some(owner) = files.insert(real(path), name) {
            found.at(
                &format!("authn.api_keys.{key}"),
                format!("{} is the key file of tenant `{owner}` too, so each key would be valid for both tenants: give each tenant its own file", path.display()),
            );
        }
    }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

/// Warns about tokens that several tenants accept. That may be intended, but then only the policies separate the
/// callers.
pub(in crate::config) fn warnings(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
    let issuers: Vec<(&String, &Issuer)> = config
        .tenants
        .iter()
        .flat_map(|(name, tenant)| tenant.authn.jwt.iter().map(move |issuer| (name, issuer)))
        .collect();
    for (index, (name, issuer)) in issuers.iter().enumerate() {
        for (owner, other) in issuers.iter().take(index) {
            if owner != name && issuer.issuer == other.issuer && meet(issuer, other) {
                all.push(format!(
                    "tenants `{owner}` and `{name}` accept the same tokens of {}: give them different audiences, or separate the callers in their policies",
                    issuer.issuer
                ));
            }
        }
    }
    all
}

fn meet(one: &Issuer, other: &Issuer) -> bool {
    match (&one.audiences, &other.audiences) {
        (Audiences::OneOf(ones), Audiences::OneOf(others)) => {
            ones.iter().any(|audience| others.contains(audience))
        }
        _ => true,
    }
}
