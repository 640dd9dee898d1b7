//! The rules of all tenants together: they are built whole, or not at all.

use std::{collections::HashMap, sync::Arc};

use super::{build, guarded};
use crate::{
    authn::{Fetcher, KeyEvents, KeyFetcher, KeySet, KeySource},
    config::{Config, Issuer, Part, Problem, Problems, key_file::StoredKey},
    state::{Snapshot, Tenant},
};

/// One tenant's configuration, and the keys of its issuers, which outlive every reload.
#[derive(Clone)]
pub struct Sourced {
    /// What its rules are built from.
    pub part: Part,
    /// One source of keys an issuer, in their order.
    pub sources: Vec<Arc<KeySource>>,
}

/// Where a tenant's fetches of keys are counted.
pub type EventsOf<'a> = &'a dyn Fn(Option<&Arc<str>>) -> Arc<dyn KeyEvents>;

/// The sources of every tenant's keys, and the tasks that fill those that have a key server.
pub fn key_sources(
    config: &Config,
    events: EventsOf<'_>,
) -> Result<(Vec<Sourced>, Vec<KeyFetcher>), Problems> {
    let mut problems = Problems::default();
    let mut all = Vec::new();
    let mut fetchers = Vec::new();
    for part in config.parts() {
        match sources(&part, events, &mut fetchers) {
            Ok(sources) => all.push(Sourced { part, sources }),
            Err(found) => problems.0.extend(found.of_tenant(part.tenant.as_deref()).0),
        }
    }
    problems.into_result((all, fetchers))
}

fn sources(
    part: &Part,
    events: EventsOf<'_>,
    fetchers: &mut Vec<KeyFetcher>,
) -> Result<Vec<Arc<KeySource>>, Problems> {
    let mut sources = Vec::new();
    for (index, issuer) in part.config.authn.jwt.iter().enumerate() {
        if issuer.jwks_file.is_some() {
            let keys = build::keys_of_file(index, issuer)?;
            sources.push(KeySource::fixed(&issuer.issuer, keys));
            continue;
        }
        let (settings, fetch) = build::key_fetch_settings(index, issuer)?;
        let fault =
            |e: &dyn std::error::Error| build::issuer_problem(index, "issuer", e.to_string());
        let fetcher = Fetcher::new(&fetch).map_err(|e| fault(&e))?;
        let (source, fetcher) = KeyFetcher::new(settings, fetcher, events(part.tenant.as_ref()))
            .map_err(|e| fault(&e))?;
        sources.push(source);
        fetchers.push(fetcher);
    }
    Ok(sources)
}

/// The same from files alone, and what is wrong with them: whether key servers answer is not asked.
pub fn key_sources_of_files(config: &Config) -> (Vec<Sourced>, Problems) {
    let mut problems = Problems::default();
    let mut all = Vec::new();
    for part in config.parts() {
        let mut sources = Vec::new();
        for (index, issuer) in part.config.authn.jwt.iter().enumerate() {
            match keys_at_hand(index, issuer) {
                Ok(keys) => sources.push(KeySource::fixed(&issuer.issuer, keys)),
                Err(found) => problems.0.extend(found.of_tenant(part.tenant.as_deref()).0),
            }
        }
        all.push(Sourced { part, sources });
    }
    (all, problems)
}

fn keys_at_hand(index: usize, issuer: &Issuer) -> Result<KeySet, Problems> {
    if issuer.jwks_file.is_some() {
        return build::keys_of_file(index, issuer);
    }
    build::key_fetch_settings(index, issuer)?;
    KeySet::parse(b"{\"keys\": []}")
        .map_err(|e| build::issuer_problem(index, "issuer", e.to_string()))
}

/// The rules of all tenants, or every problem of each of them.
pub fn snapshot(tenants: &[Sourced]) -> Result<Built, Problems> {
    let mut problems = Problems::default();
    let mut built = Built::default();
    let mut owners = KeyOwners::default();
    for Sourced { part, sources } in tenants {
        let name = part.tenant.clone();
        let stored = build::stored_keys(&part.config);
        if let (Ok(keys), Some(name)) = (&stored, &name) {
            problems.0.extend(owners.add(name, keys).0);
        }
        match build::rules(&part.config, stored, sources) {
            Ok(rules) => {
                let revision = rules.policy.revision().to_owned();
                let named = |warning: &String| named(name.as_deref(), warning);
                let risks = guarded::inspect(&part.config).warnings;
                built.risks.extend(risks.iter().map(named));
                built
                    .warnings
                    .extend(rules.policy.warnings().iter().map(named));
                built.revisions.push((name.clone(), revision));
                built.rules = built.rules.with(Tenant { name, rules }, &part.hosts);
            }
            Err(found) => problems.0.extend(found.of_tenant(name.as_deref()).0),
        }
    }
    problems.into_result(built)
}

/// Whose each API key is, by its digest.
#[derive(Default)]
struct KeyOwners(HashMap<String, (Arc<str>, String)>);

impl KeyOwners {
    /// A key of two tenants opens both, whichever file it was copied to.
    fn add(&mut self, tenant: &Arc<str>, keys: &[StoredKey]) -> Problems {
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
                    "the key of `{}` is that of `{id}` of tenant `{other}` too, and would open both; give each tenant its own, `geowarden key new` makes one",
                    entry.id
                ),
            });
        }
        problems.of_tenant(Some(tenant))
    }
}

/// What was built.
#[derive(Default)]
pub struct Built {
    /// The rules of all tenants.
    pub rules: Snapshot,
    /// Each tenant's name and the revision of its policy and data.
    pub revisions: Vec<(Option<Arc<str>>, String)>,
    /// What is risky in the configuration of pygeoapi.
    pub risks: Vec<String>,
    /// What is doubtful in policies and data.
    pub warnings: Vec<String>,
}

fn named(tenant: Option<&str>, warning: &str) -> String {
    match tenant {
        Some(name) => format!("tenant `{name}`: {warning}"),
        None => warning.to_owned(),
    }
}
