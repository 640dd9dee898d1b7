//! Builds the rules of each tenant from one reading of its files, completely or not at all.

use std::{collections::HashMap, sync::Arc};

use super::{build, guarded};
use crate::{
    authn::{Fetcher, KeyEvents, KeyFetcher, KeyRing, KeySet, KeySource},
    config::{Config, Issuer, Part, Problem, Problems, key_file::StoredKey},
    files::{Files, Fresh},
    state::{Snapshot, TenantRules},
};

/// A tenant's configuration, its files, and the keys of its issuers, which stay across reloads.
pub struct LoadedTenant {
    /// Its configuration.
    pub part: Part,
    /// The keys of its issuers, in the order of the configuration.
    pub sources: Vec<Arc<KeySource>>,
    /// Its files as they were read at the start.
    pub files: Files,
}

/// The metrics that count the key fetches of a tenant.
pub type EventsOf<'a> = &'a dyn Fn(Option<&Arc<str>>) -> Arc<dyn KeyEvents>;

/// The tasks that fetch keys, by name.
pub type Fetchers = Vec<(String, KeyFetcher)>;

/// The key sources of every tenant, and the tasks that fetch from key servers.
pub fn key_sources(
    config: &Config,
    events: EventsOf<'_>,
) -> Result<(Vec<LoadedTenant>, Fetchers), Problems> {
    let mut problems = Problems::default();
    let mut all = Vec::new();
    let mut fetchers = Fetchers::new();
    for part in config.parts() {
        let found = build::files(&part.config, Fresh::Read).and_then(|files| {
            let sources = sources(&part, &files, events, &mut fetchers)?;
            Ok((files, sources))
        });
        match found {
            Ok((files, sources)) => all.push(LoadedTenant {
                part,
                sources,
                files,
            }),
            Err(found) => problems.0.extend(found.of_tenant(part.tenant.as_deref()).0),
        }
    }
    problems.into_result((all, fetchers))
}

fn sources(
    part: &Part,
    files: &Files,
    events: EventsOf<'_>,
    fetchers: &mut Fetchers,
) -> Result<Vec<Arc<KeySource>>, Problems> {
    let mut sources = Vec::new();
    for (index, issuer) in part.config.authn.jwt.iter().enumerate() {
        if issuer.jwks_file.is_some() {
            let keys = build::keys_of_file(index, issuer, files)?;
            sources.push(KeySource::fixed(&issuer.issuer, keys));
            continue;
        }
        let deadline = part.config.server.deadline.0;
        let (settings, fetch) = build::key_fetch_settings(index, issuer, deadline, files)?;
        let fault =
            |e: &dyn std::error::Error| build::issuer_problem(index, "issuer", e.to_string());
        let fetcher = Fetcher::new(&fetch).map_err(|e| fault(&e))?;
        let (source, fetcher) = KeyFetcher::new(settings, fetcher, events(part.tenant.as_ref()))
            .map_err(|e| fault(&e))?;
        sources.push(source);
        let whose = match &part.tenant {
            Some(tenant) => format!("{} (tenant {tenant})", issuer.issuer),
            None => issuer.issuer.clone(),
        };
        fetchers.push((whose, fetcher));
    }
    Ok(sources)
}

/// The key sources from files only, with their problems. Key servers are not asked.
pub fn key_sources_of_files(config: &Config) -> (Vec<LoadedTenant>, Problems) {
    let mut problems = Problems::default();
    let mut all = Vec::new();
    for part in config.parts() {
        let mut add = |found: Problems| {
            problems.0.extend(found.of_tenant(part.tenant.as_deref()).0);
        };
        let files = match build::files(&part.config, Fresh::Read) {
            Ok(files) => files,
            Err(found) => {
                add(found);
                continue;
            }
        };
        let mut sources = Vec::new();
        for (index, issuer) in part.config.authn.jwt.iter().enumerate() {
            match keys_at_hand(index, issuer, &part.config, &files) {
                Ok(keys) => sources.push(KeySource::fixed(&issuer.issuer, keys)),
                Err(found) => add(found),
            }
        }
        all.push(LoadedTenant {
            part,
            sources,
            files,
        });
    }
    (all, problems)
}

fn keys_at_hand(
    index: usize,
    issuer: &Issuer,
    config: &Config,
    files: &Files,
) -> Result<KeySet, Problems> {
    if issuer.jwks_file.is_some() {
        return build::keys_of_file(index, issuer, files);
    }
    let deadline = config.server.deadline.0;
    build::key_fetch_settings(index, issuer, deadline, files)?;
    Ok(KeySet::none())
}

/// The rules of all tenants, or every problem of each of them.
pub fn all(tenants: &[LoadedTenant]) -> Result<Built, Problems> {
    let mut problems = Problems::default();
    let mut built = Built::default();
    let mut owners = KeyOwners::default();
    for LoadedTenant {
        part,
        sources,
        files,
    } in tenants
    {
        let stored = build::stored_keys(&part.config, files);
        if let (Ok(keys), Some(name)) = (&stored, &part.tenant) {
            problems.0.extend(owners.add(name, keys).0);
        }
        match one(part, files, sources) {
            Ok(one) => {
                let named = |warning: &String| named(part.tenant.as_deref(), warning);
                built.risks.extend(one.risks.iter().map(named));
                built.warnings.extend(one.warnings.iter().map(named));
                built
                    .revisions
                    .push((part.tenant.clone(), one.revision.clone()));
                built.rules = built.rules.with(Arc::clone(&one.tenant), &part.hosts);
                built.tenants.push(one);
            }
            Err(found) => problems.0.extend(found.0),
        }
    }
    problems.into_result(built)
}

/// The rules of one tenant, or every problem of it.
pub fn one(
    part: &Part,
    files: &Files,
    sources: &[Arc<KeySource>],
) -> Result<BuiltTenant, Problems> {
    let name = part.tenant.clone();
    let mut problems = Problems::default();
    let keys = build::stored_keys(&part.config, files).map_err(|found| problems.0.extend(found.0));
    let keys = keys.unwrap_or_default();
    let table = build::key_table(&keys).map_err(|found| problems.0.extend(found.0));
    let ring = Arc::new(KeyRing::new(table.unwrap_or_default()));
    let rules = build::rules(&part.config, files, Some(Arc::clone(&ring)), sources)
        .map_err(|found| problems.0.extend(found.0));
    let Ok(rules) = rules else {
        return Err(problems.of_tenant(name.as_deref()));
    };
    let mut risks = guarded::inspect(&part.config, files).warnings;
    risks.extend(guarded::preflights(&part.config, files, &rules));
    let one = BuiltTenant {
        revision: rules.policy.revision().to_owned(),
        risks,
        warnings: [
            rules.policy.warnings().to_vec(),
            build::policy_warnings(&part.config),
            build::key_warnings(&part.config, files),
        ]
        .concat(),
        tenant: Arc::new(TenantRules {
            name: name.clone(),
            rules,
        }),
        keys,
        ring,
    };
    problems.of_tenant(name.as_deref()).into_result(one)
}

/// The tenant of each API key, by the digest of the key.
#[derive(Default)]
pub(super) struct KeyOwners(HashMap<String, (Arc<str>, String)>);

impl KeyOwners {
    /// Reports a key of two tenants: it would be valid for both.
    pub(super) fn add(&mut self, tenant: &Arc<str>, keys: &[StoredKey]) -> Problems {
        let mut problems = Problems::default();
        for StoredKey { entry, origin } in keys {
            let owner = (Arc::clone(tenant), entry.id.clone());
            let Some((other, id)) = self.0.insert(entry.sha256.clone(), owner) else {
                continue;
            };
            problems.0.push(Problem {
                origin: origin.clone(),
                path: String::new(),
                message: format!(
                    "`{}` has the same key as `{id}` of tenant `{other}`, so it would be valid for both: give each tenant its own, made by `geowarden key new`",
                    entry.id
                ),
            });
        }
        problems.of_tenant(Some(tenant))
    }
}

/// The rules of one tenant, with everything that was built for them.
pub struct BuiltTenant {
    /// Its rules.
    pub tenant: Arc<TenantRules>,
    /// The revision of its policy and data.
    pub revision: String,
    /// Its API keys.
    pub keys: Vec<StoredKey>,
    /// The ring of its API keys, which the rules use.
    pub ring: Arc<KeyRing>,
    /// Warnings about the configuration of pygeoapi.
    pub risks: Vec<String>,
    /// Warnings about policies and data.
    pub warnings: Vec<String>,
}

/// The rules of all tenants, with everything that was built for them.
#[derive(Default)]
pub struct Built {
    /// The rules of all tenants.
    pub rules: Snapshot,
    /// The tenants, in the order of the configuration.
    pub tenants: Vec<BuiltTenant>,
    /// Each tenant's name and the revision of its policy and data.
    pub revisions: Vec<(Option<Arc<str>>, String)>,
    /// Warnings about the configuration of pygeoapi.
    pub risks: Vec<String>,
    /// Warnings about policies and data.
    pub warnings: Vec<String>,
}

pub(super) fn named(tenant: Option<&str>, warning: &str) -> String {
    match tenant {
        Some(name) => format!("tenant `{name}`: {warning}"),
        None => warning.to_owned(),
    }
}
