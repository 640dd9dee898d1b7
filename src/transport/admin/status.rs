//! Builds the status message.

use std::time::SystemTime;

use super::{AdminService, v1};
use crate::{
    admin::IssuerKeys,
    authn::metadata_url,
    config::{Issuer, Part},
    state::TenantRules,
    supervision::TaskStatus,
    telemetry::reload_history::{Failing, ReloadFailure, Reloads},
};

pub(super) fn of(service: &AdminService) -> v1::StatusResponse {
    let reloads = service.history.seen();
    let obstacles = service.readiness.obstacles();
    let tasks = service.readiness.tasks.status().into_iter();
    let issuers = service.parts.iter().flat_map(|part| &part.config.authn.jwt);
    v1::StatusResponse {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started: Some(reloads.started.into()),
        ready: obstacles.is_empty(),
        obstacles,
        snapshot: Some(v1::Snapshot {
            number: reloads.successes + 1,
            loaded: Some(reloads.loaded.into()),
        }),
        policies: (service.state.tenants().iter())
            .map(|tenant| policy(&service.parts, tenant))
            .collect(),
        key_sets: issuers
            .zip(&service.readiness.sources)
            .map(|(issuer, keys)| key_set(issuer, keys))
            .collect(),
        reloads: Some(reloads_message(reloads)),
        warnings: service.readiness.notes(),
        tasks: tasks.map(task).collect(),
    }
}

pub(super) fn api_keys(service: &AdminService) -> v1::ApiKeysResponse {
    let mut keys = Vec::new();
    for tenant in service.state.tenants() {
        let name = tenant.name.as_deref().unwrap_or_default();
        let uses = tenant.rules.authn.key_uses().into_iter();
        keys.extend(uses.map(|(id, last_used)| v1::ApiKey {
            id: id.to_string(),
            last_used: last_used.map(Into::into),
            tenant: name.to_owned(),
        }));
    }
    v1::ApiKeysResponse {
        started: Some(service.history.seen().started.into()),
        keys,
    }
}

fn policy(parts: &[Part], tenant: &TenantRules) -> v1::Policy {
    let part = parts.iter().find(|part| part.tenant == tenant.name);
    let policy = &tenant.rules.policy;
    v1::Policy {
        entrypoint: part
            .map(|part| part.config.policy.entrypoint.clone())
            .unwrap_or_default(),
        revision: policy.revision().to_owned(),
        warnings: policy.warnings().to_vec(),
        tenant: tenant.name.as_deref().unwrap_or_default().to_owned(),
        interpreted: policy.interpreted().unwrap_or_default(),
    }
}

fn key_set(issuer: &Issuer, keys: &IssuerKeys) -> v1::KeySet {
    let status = keys.source.status();
    let age = |time: SystemTime| time.elapsed().unwrap_or_default();
    v1::KeySet {
        issuer: issuer.issuer.clone(),
        source: Some(origin(issuer)),
        ready: status.keys.is_some(),
        keys: u32::try_from(status.keys.unwrap_or_default()).unwrap_or(u32::MAX),
        key_ids: status.key_ids,
        fetched: status.fetched_at.map(Into::into),
        age: status.fetched_at.and_then(|time| age(time).try_into().ok()),
        fault: status.failure.as_deref().cloned().unwrap_or_default(),
        tenant: keys.tenant.as_deref().unwrap_or_default().to_owned(),
    }
}

fn origin(issuer: &Issuer) -> v1::key_set::Source {
    use v1::key_set::Source;
    match (&issuer.jwks_file, &issuer.jwks_uri) {
        (Some(file), _) => Source::File(file.display().to_string()),
        (None, Some(uri)) => Source::JwksUri(without_query(uri)),
        (None, None) => Source::Discovery(
            metadata_url(&issuer.issuer).map_or_else(|e| e.to_string(), Into::into),
        ),
    }
}

/// Some key servers need a key in the query. A URL with a user name is rejected when the configuration is read.
fn without_query(uri: &str) -> String {
    uri.split(['?', '#']).next().unwrap_or_default().to_owned()
}

fn task(task: TaskStatus) -> v1::Task {
    v1::Task {
        name: task.name,
        restarts: task.restarts,
        running: task.is_running,
        down: task.is_down,
    }
}

fn failing(failing: &Failing) -> v1::FailingFiles {
    v1::FailingFiles {
        tenant: failing.tenant.as_deref().unwrap_or_default().to_owned(),
        since: Some(failing.since.into()),
    }
}

fn reloads_message(reloads: Reloads) -> v1::Reloads {
    let failure = |failure: ReloadFailure| v1::ReloadFailure {
        time: Some(failure.time.into()),
        problems: failure.problems,
    };
    v1::Reloads {
        successes: reloads.successes,
        failures: reloads.failures,
        failing: !reloads.failing.is_empty(),
        failing_files: reloads.failing.iter().map(failing).collect(),
        last_failures: reloads.last_failures.into_iter().map(failure).collect(),
    }
}
