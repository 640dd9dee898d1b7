//! Every shipped Envoy configuration has every setting of the security model, and differs from `envoy/api-key.yaml`
//! only where it must.

use std::{collections::BTreeSet, fs, path::Path};

use geowarden_yaml::Document;
use serde_json::Value;

use crate::envoy_settings::{EXT_AUTHZ, faults, managers, settings};

const SOURCE: &str = "envoy/api-key.yaml";

/// Each other file, and the places where it must differ from `envoy/api-key.yaml`.
const DIFFERENCES: [(&str, &[&str]); 5] = [
    (
        "envoy/jwt.yaml",
        &[
            "static_resources.listeners[edge]@manager.http_filters[envoy.filters.http.cors]",
            "static_resources.listeners[edge]@manager.route_config.virtual_hosts[pygeoapi].typed_per_filter_config",
        ],
    ),
    (
        "envoy/oidc.yaml",
        &[
            "static_resources.listeners[edge]@manager.http_filters[envoy.filters.http.oauth2]",
            "static_resources.listeners[edge]@manager.local_reply_config",
            "static_resources.listeners[edge]@manager.route_config.virtual_hosts[pygeoapi].request_headers_to_remove",
            "static_resources.clusters[idp]",
        ],
    ),
    (
        "envoy/sidecar.yaml",
        &[
            "node",
            "static_resources.listeners[edge].address.socket_address.address",
            "static_resources.listeners[probes]",
            "static_resources.clusters[admin]",
            "static_resources.clusters[geowarden].load_assignment.endpoints",
        ],
    ),
    (
        "envoy/edge.yaml",
        &[
            "static_resources.listeners[edge].address.socket_address",
            "static_resources.listeners[edge].filter_chains[0].transport_socket",
            "static_resources.listeners[edge].filter_chains[0].transport_socket_connect_timeout",
            "static_resources.listeners[edge]@manager.http_filters[envoy.filters.http.local_ratelimit]",
        ],
    ),
    (
        "envoy/tenants.yaml",
        &[
            "static_resources.listeners[edge]@manager.access_log",
            "static_resources.listeners[edge]@manager.route_config.ignore_port_in_host_matching",
            "static_resources.listeners[edge]@manager.route_config.virtual_hosts",
        ],
    ),
];
const LOGIN_IN_A_POD: &str = "k8s/overlays/oidc/envoy.yaml";

fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    Document::parse(&fs::read_to_string(path).unwrap())
        .unwrap()
        .value
}

/// The places where two values differ. An element of a list is identified by its name, if it has one.
fn differences(one: &Value, other: &Value, place: &str, all: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()).collect::<BTreeSet<_>>() {
                let place = format!("{place}.{key}");
                match (one.get(key), other.get(key)) {
                    (Some(one), Some(other)) => differences(one, other, &place, all),
                    _ => all.push(place),
                }
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            let key = |(index, value): (usize, &Value)| {
                value["name"]
                    .as_str()
                    .map_or(index.to_string(), str::to_owned)
            };
            let keys = |list: &[Value]| list.iter().enumerate().map(key).collect::<Vec<_>>();
            let (ones, others) = (keys(one), keys(other));
            for (key, value) in ones.iter().zip(one) {
                let place = format!("{place}[{key}]");
                match others.iter().position(|k| k == key) {
                    Some(at) => differences(value, &other[at], &place, all),
                    None => all.push(place),
                }
            }
            let added = others.iter().filter(|key| !ones.contains(key));
            all.extend(added.map(|key| format!("{place}[{key}]")));
        }
        (one, other) if one == other => {}
        _ => all.push(place.to_owned()),
    }
}

fn differences_of_files(one: &str, other: &str) -> Vec<String> {
    let mut all = Vec::new();
    differences(&read(one), &read(other), "", &mut all);
    all.iter()
        .map(|place| {
            place.trim_start_matches('.').replace(
                ".filter_chains[0].filters[envoy.filters.network.http_connection_manager].typed_config",
                "@manager",
            )
        })
        .collect()
}

#[test]
fn every_file_has_every_setting() {
    let files = DIFFERENCES.iter().map(|(file, _)| *file);
    for file in files.chain([SOURCE, LOGIN_IN_A_POD]) {
        assert_eq!(faults(&read(file)), Vec::<String>::new(), "{file}");
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy");
    for entry in fs::read_dir(folder).unwrap() {
        let name = format!("envoy/{}", entry.unwrap().file_name().display());
        let is_known = DIFFERENCES.iter().any(|(file, _)| *file == name);
        assert!(
            is_known || name == SOURCE,
            "{name} is not held against {SOURCE}: add it to DIFFERENCES"
        );
    }
}

#[test]
fn files_differ_from_the_source_only_where_they_have_to() {
    for (file, allowed) in DIFFERENCES {
        let found = differences_of_files(SOURCE, file);
        let is_below = |place: &str, of: &str| {
            place
                .strip_prefix(of)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        for place in &found {
            assert!(
                allowed.iter().any(|of| is_below(place, of)),
                "{file} differs from {SOURCE} at {place}"
            );
        }
        for of in allowed {
            assert!(
                found.iter().any(|place| is_below(place, of)),
                "{file} no longer differs from {SOURCE} at {of}"
            );
        }
    }
}

/// The login in a pod combines two files: it differs from each only by the parts of the other.
#[test]
fn the_login_in_a_pod_brings_nothing_of_its_own() {
    let (login, sidecar) = ("envoy/oidc.yaml", "envoy/sidecar.yaml");
    let expected: BTreeSet<_> = differences_of_files(SOURCE, sidecar).into_iter().collect();
    let found: BTreeSet<_> = differences_of_files(login, LOGIN_IN_A_POD)
        .into_iter()
        // A mounted Secret is replaced by a link. Envoy only follows it if it watches the folder.
        .filter(|place| !place.ends_with("path_config_source.watched_directory"))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        differences_of_files(login, LOGIN_IN_A_POD).len(),
        found.len() + 2,
        "token and hmac are watched"
    );
}

/// The check must find a missing setting: otherwise it would prove nothing.
#[test]
fn a_setting_that_is_gone_or_other_is_found() {
    for (place, pointer, expected, name) in settings() {
        for replacement in [Value::Null, Value::from("other")] {
            let mut bootstrap = read(SOURCE);
            let at = format!("{}{pointer}", place.pointer());
            *bootstrap.pointer_mut(&at).unwrap() = replacement;
            let found = faults(&bootstrap);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert!(found[0].contains(&expected.to_string()), "{found:?}");
        }
    }
    let mut bootstrap = read(SOURCE);
    bootstrap["admin"]["address"]["socket_address"]["address"] = "0.0.0.0".into();
    assert_eq!(faults(&bootstrap).len(), 1);
    let routes = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes/0";
    let mut bootstrap = read(SOURCE);
    bootstrap.pointer_mut(routes).unwrap()["typed_per_filter_config"][EXT_AUTHZ] =
        serde_json::json!({"disabled": true});
    assert_eq!(faults(&bootstrap).len(), 1);
    let connection = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    for place in [connection.to_owned(), format!("{routes}/route")] {
        let mut bootstrap = read(SOURCE);
        bootstrap.pointer_mut(&place).unwrap()["upgrade_configs"] =
            serde_json::json!([{"upgrade_type": "websocket"}]);
        assert_eq!(faults(&bootstrap).len(), 1, "{place}");
    }
}

#[test]
fn a_virtual_host_without_its_tenant_or_with_more_is_found() {
    let hosts = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts";
    let settings = format!("{hosts}/1/typed_per_filter_config/{EXT_AUTHZ}");
    for (place, value) in [
        (settings.clone(), Value::Null),
        (format!("{settings}/check_settings"), Value::Null),
        (
            format!("{settings}/check_settings/context_extensions"),
            Value::Null,
        ),
        (
            format!("{settings}/check_settings"),
            serde_json::json!({"context_extensions": {"policy": "geobeyond"}, "disable_request_body_buffering": true}),
        ),
        (settings.clone(), serde_json::json!({"disabled": true})),
        (format!("{hosts}/1/routes"), serde_json::json!([])),
    ] {
        let mut bootstrap = read("envoy/tenants.yaml");
        *bootstrap.pointer_mut(&place).unwrap() = value;
        assert!(!faults(&bootstrap).is_empty(), "{place}");
    }
}

#[test]
fn every_setting_is_explained() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/envoy.md"));
    let page = page.unwrap();
    for (_, _, _, name) in settings() {
        assert!(page.contains(&format!("`{name}")), "docs/envoy.md: {name}");
    }
    assert_eq!(managers(&read(SOURCE)).len(), 1);
}

#[test]
fn the_documented_cors_policy_is_the_shipped_one() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/envoy.md");
    let docs = fs::read_to_string(docs).unwrap();
    let (_, section) = docs.split_once("## CORS").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let block = block.strip_prefix("yaml").unwrap();
    let documented = Document::parse(block).unwrap().value;
    let name = "envoy.filters.http.cors";
    let documented = &documented["virtual_hosts"][0]["typed_per_filter_config"][name];
    let shipped = read("envoy/jwt.yaml");
    let managers = managers(&shipped);
    let shipped = managers
        .iter()
        .find_map(|manager| {
            let hosts = manager["route_config"]["virtual_hosts"].as_array()?;
            hosts.first()?["typed_per_filter_config"].get(name)
        })
        .unwrap();
    let words = |policy: &Value, key: &str| -> BTreeSet<String> {
        let text = policy[key].as_str().unwrap().split(", ");
        text.map(str::to_owned).collect()
    };
    for key in ["allow_methods", "expose_headers"] {
        assert_eq!(words(documented, key), words(shipped, key), "{key}");
    }
    // The page is for API keys too.
    let mut headers = words(shipped, "allow_headers");
    headers.insert("x-api-key".to_owned());
    assert_eq!(words(documented, "allow_headers"), headers);
}
