//! Checks pygeoapi's own configuration: ids that no request can ask for, and risky settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    path::Path,
};

use geowarden_rego::lint::Ids;
use geowarden_yaml::{Document, Step};
use serde_json::Value;
use tracing::subscriber::{NoSubscriber, with_default};

use super::url_prefix;
use crate::{
    config::{Config, Problem, Problems},
    files::Files,
    identity::Principal,
    pipeline::{self, Rules},
    policy::lint::{COLLECTION, PROCESS, PROPERTY},
    record::DecisionRecord,
    request::{
        CheckInput, Headers,
        ogc::{reachable_collection_id, reachable_id},
    },
};

/// Warnings, and the resources that no request can ask for.
#[derive(Debug, Default)]
pub struct PygeoapiFindings {
    /// The warnings, one sentence each.
    pub warnings: Vec<String>,
    /// The ids that are rejected in every request.
    pub problems: Problems,
}

/// Checks the configuration file that `pygeoapi.config` names, if it names one.
pub fn inspect(config: &Config, files: &Files) -> PygeoapiFindings {
    let Some(path) = &config.pygeoapi.config else {
        return PygeoapiFindings::default();
    };
    match read(path, files) {
        Ok(document) => PygeoapiFindings {
            warnings: risks(&document, config),
            problems: unreachable(&document, path),
        },
        Err(problems) => PygeoapiFindings {
            warnings: Vec::new(),
            problems,
        },
    }
}

/// The ids that pygeoapi has, where its configuration is known.
pub fn ids(config: &Config, files: &Files) -> BTreeMap<String, Ids> {
    let mut all = BTreeMap::new();
    let Some(path) = &config.pygeoapi.config else {
        return all;
    };
    let Ok(document) = read(path, files) else {
        return all;
    };
    let resources = document.value.get("resources").and_then(Value::as_object);
    let of_type = |wanted: &'static str| {
        let resources = resources.into_iter().flatten();
        resources.filter(move |(_, resource)| {
            let kind = resource.get("type").and_then(Value::as_str);
            kind.unwrap_or("collection") == wanted
        })
    };
    let mut add = |kind: &str, ids: BTreeSet<String>| {
        let listed_in = path.display().to_string();
        all.insert(kind.to_owned(), Ids { ids, listed_in });
    };
    for (kind, own) in [(COLLECTION, "collection"), (PROCESS, "process")] {
        add(kind, of_type(own).map(|(id, _)| id.clone()).collect());
    }
    // A provider that lists none has those of its data.
    let mut properties = Some(BTreeSet::new());
    for (_, collection) in of_type("collection") {
        let providers = collection.get("providers").and_then(Value::as_array);
        for provider in providers.into_iter().flatten() {
            let listed = provider.get("properties").and_then(Value::as_array);
            let names = listed.map(|names| names.iter().filter_map(Value::as_str));
            properties = properties.zip(names).map(|(mut all, names)| {
                all.extend(names.map(str::to_owned));
                all
            });
        }
    }
    if let Some(properties) = properties.filter(|names| !names.is_empty()) {
        add(PROPERTY, properties);
    }
    all
}

/// Whether the preflights of browsers are answered, where pygeoapi is to answer them itself (`server.cors`).
pub fn preflights(config: &Config, files: &Files, rules: &Rules) -> Option<String> {
    let document = read(config.pygeoapi.config.as_deref()?, files).ok()?;
    let has_cors = document.value.pointer("/server/cors") == Some(&Value::Bool(true));
    if !has_cors {
        return None;
    }
    let preflight = CheckInput {
        method: "OPTIONS".to_owned(),
        target: format!("{}/collections", config.pygeoapi.base_path).into(),
        headers: Headers::from_iter([
            ("origin", "https://app.example.org"),
            ("access-control-request-method", "GET"),
        ]),
        ..CheckInput::default()
    };
    let mut record = DecisionRecord::of(&preflight);
    // No client sent this request, so a fault of the policy in it must not be logged as that of a request.
    with_default(NoSubscriber::default(), || {
        pipeline::decide_as(rules, &preflight, Principal::anonymous(), &mut record);
    });
    if record.is_allowed() {
        return None;
    }
    Some(format!(
        "pygeoapi runs with `server.cors: true`, but the policy refuses OPTIONS without a credential ({}): browsers send a preflight so, and pages of other origins are shut out; answer preflights by Envoy's cors filter (docs/envoy.md), or allow OPTIONS to everybody",
        record.status()
    ))
}

fn read(path: &Path, files: &Files) -> Result<Document, Problems> {
    let name = path.display().to_string();
    let text = files
        .text(path)
        .map_err(|e| Problems::file(name.clone(), None, e.to_string()))?;
    let document =
        Document::parse(text).map_err(|e| Problems::file(name.clone(), Some(e.line), e.message))?;
    if document
        .value
        .get("resources")
        .is_none_or(|r| !r.is_object())
    {
        let message = "expected a configuration of pygeoapi with `resources`".to_owned();
        return Err(Problems::file(name, None, message));
    }
    Ok(document)
}

fn unreachable(document: &Document, path: &Path) -> Problems {
    let mut found = Problems::default();
    let resources = document.value.get("resources").and_then(Value::as_object);
    for (id, resource) in resources.into_iter().flatten() {
        let kind = resource.get("type").and_then(Value::as_str);
        let reached = match kind {
            Some("process") => reachable_id("processes", id),
            Some("stac-collection") => reachable_id("stac", id),
            _ => reachable_collection_id(id),
        };
        let Err(refusal) = reached else { continue };
        let at = [Step::Key("resources".to_owned()), Step::Key(id.clone())];
        let file = Problems::file(
            path.display().to_string(),
            document.line(&at),
            format!("every request for `{id}` would be refused: {refusal}; rename it"),
        );
        found.0.extend(file.0.into_iter().map(|problem| Problem {
            path: format!("resources.{id}"),
            ..problem
        }));
    }
    found
}

fn risks(document: &Document, config: &Config) -> Vec<String> {
    let server = document.value.get("server");
    let setting = |name: &str| server.and_then(|server| server.get(name));
    let mut all = Vec::new();
    if setting("admin") == Some(&Value::Bool(true)) {
        all.push(
            "pygeoapi runs with `server.admin: true`: anyone whom the policy allows can change its configuration at /admin/config; switch it off unless it is needed".to_owned(),
        );
    }
    let host = setting("bind").and_then(|bind| bind.get("host"));
    if let Some(host) = host.and_then(Value::as_str).filter(|host| is_reached(host)) {
        all.push(format!(
            "pygeoapi has `server.bind.host: {host}`: `pygeoapi serve` listens there, and clients reach it around Envoy; set it to 127.0.0.1, or let gunicorn bind 127.0.0.1"
        ));
    }
    let base_path = config.pygeoapi.base_path.as_str();
    let prefix = server.and_then(url_prefix);
    if let Some(prefix) = prefix.filter(|prefix| !base_path.ends_with(prefix)) {
        all.push(format!(
            "pygeoapi has `server.api_rules.url_prefix`, so its paths begin with {prefix}; `pygeoapi.base_path` is `{base_path}`, so every request would be refused: let it end with {prefix}"
        ));
    }
    if config.pygeoapi.gunicorn_trusts_headers() {
        all.push(
            "GUNICORN_CMD_ARGS is set without `--forwarder-headers X-None`: a client can then change pygeoapi's root path with a SCRIPT_NAME header".to_owned(),
        );
    }
    all
}

/// Whether other machines can reach a server that listens on this host: true for an IP address other than loopback, false for
/// a name or a variable.
fn is_reached(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    ip.is_ok_and(|ip| !ip.is_loopback())
}

#[cfg(test)]
mod tests;
