//! The Envoy settings that the security model needs, and which of them a configuration lacks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// The place of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The HTTP connection manager.
    Connection,
    /// The ext_authz filter.
    Authorization,
    /// The router filter.
    Router,
    /// The route to pygeoapi.
    Route,
    /// The HTTP options of pygeoapi's cluster.
    Upstream,
}

impl Place {
    /// The JSON pointer to it in `envoy/api-key.yaml`.
    pub(crate) fn pointer(self) -> String {
        let upstream = "/static_resources/clusters/0/typed_extension_protocol_options";
        match self {
            Self::Connection => MANAGER_POINTER.to_owned(),
            Self::Authorization => format!("{MANAGER_POINTER}/http_filters/0/typed_config"),
            Self::Router => format!("{MANAGER_POINTER}/http_filters/1/typed_config"),
            Self::Route => format!("{MANAGER_POINTER}/route_config/virtual_hosts/0/routes/0/route"),
            Self::Upstream => format!("{upstream}/{HTTP_OPTIONS}"),
        }
    }
}

/// One setting: its place, the JSON pointer there, the required value, and its name in docs/envoy.md.
pub(crate) type Setting = (Place, &'static str, Value, &'static str);

const MANAGER: &str = "envoy.filters.network.http_connection_manager";
pub(crate) const EXT_AUTHZ: &str = "envoy.filters.http.ext_authz";
pub(crate) const ROUTER: &str = "envoy.filters.http.router";
const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const MANAGER_POINTER: &str =
    "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";

/// All settings, each value as JSON.
const SETTINGS: [(Place, &str, &str, &str); 26] = [
    (
        Place::Connection,
        "/normalize_path",
        "true",
        "normalize_path: true",
    ),
    (
        Place::Connection,
        "/merge_slashes",
        "false",
        "merge_slashes: false",
    ),
    (
        Place::Connection,
        "/path_with_escaped_slashes_action",
        r#""REJECT_REQUEST""#,
        "path_with_escaped_slashes_action: REJECT_REQUEST",
    ),
    (
        Place::Connection,
        "/common_http_protocol_options/headers_with_underscores_action",
        r#""REJECT_REQUEST""#,
        "headers_with_underscores_action: REJECT_REQUEST",
    ),
    (
        Place::Connection,
        "/http_protocol_options/allow_absolute_url",
        "false",
        "allow_absolute_url: false",
    ),
    (
        Place::Connection,
        "/http_protocol_options/accept_http_10",
        "true",
        "accept_http_10: true",
    ),
    (
        Place::Connection,
        "/http_protocol_options/default_host_for_http_10",
        r#""localhost""#,
        "default_host_for_http_10: localhost",
    ),
    (
        Place::Connection,
        "/delayed_close_timeout",
        r#""60s""#,
        "delayed_close_timeout: 60s",
    ),
    (
        Place::Connection,
        "/request_headers_timeout",
        r#""10s""#,
        "request_headers_timeout: 10s",
    ),
    (
        Place::Connection,
        "/request_timeout",
        r#""60s""#,
        "request_timeout: 60s",
    ),
    (
        Place::Connection,
        "/stream_idle_timeout",
        r#""60s""#,
        "stream_idle_timeout: 60s",
    ),
    (
        Place::Connection,
        "/use_remote_address",
        "true",
        "use_remote_address",
    ),
    (
        Place::Connection,
        "/internal_address_config/cidr_ranges",
        r#"[{"address_prefix": "255.255.255.255", "prefix_len": 32}]"#,
        "internal_address_config",
    ),
    (
        Place::Authorization,
        "/transport_api_version",
        r#""V3""#,
        "encode_raw_headers: true",
    ),
    (
        Place::Authorization,
        "/encode_raw_headers",
        "true",
        "encode_raw_headers: true",
    ),
    (
        Place::Authorization,
        "/failure_mode_allow",
        "false",
        "failure_mode_allow: false",
    ),
    (
        Place::Authorization,
        "/with_request_body/max_request_bytes",
        "65536",
        "with_request_body",
    ),
    (
        Place::Authorization,
        "/with_request_body/allow_partial_message",
        "false",
        "allow_partial_message: false",
    ),
    (
        Place::Authorization,
        "/with_request_body/pack_as_bytes",
        "true",
        "pack_as_bytes: true",
    ),
    (
        Place::Authorization,
        "/validate_mutations",
        "true",
        "validate_mutations: true",
    ),
    (
        Place::Authorization,
        "/clear_route_cache",
        "false",
        "clear_route_cache: false",
    ),
    (
        Place::Authorization,
        "/grpc_service/timeout",
        r#""1s""#,
        "timeout: 1s",
    ),
    (
        Place::Router,
        "/suppress_envoy_headers",
        "true",
        "suppress_envoy_headers: true",
    ),
    (Place::Route, "/timeout", r#""0s""#, "timeout: 0s"),
    // No other retry: a request that may change data must never be sent twice.
    (
        Place::Route,
        "/retry_policy",
        r#"{
            "retry_on": "reset",
            "num_retries": 1,
            "retriable_request_headers": [
                {"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}
            ]
        }"#,
        "retry_policy",
    ),
    (
        Place::Upstream,
        "/common_http_protocol_options/idle_timeout",
        r#""1s""#,
        "idle_timeout: 1s",
    ),
];

/// All settings.
pub(crate) fn settings() -> Vec<Setting> {
    SETTINGS
        .map(|(place, pointer, value, name)| {
            let value = serde_json::from_str(value).unwrap_or_default();
            (place, pointer, value, name)
        })
        .to_vec()
}

/// The HTTP connection managers of a bootstrap that can send requests to pygeoapi.
pub(crate) fn managers(bootstrap: &Value) -> Vec<&Value> {
    bootstrap["static_resources"]["listeners"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|listener| listener["filter_chains"].as_array().into_iter().flatten())
        .flat_map(|chain| chain["filters"].as_array().into_iter().flatten())
        .filter(|filter| filter["name"] == MANAGER)
        .map(|filter| &filter["typed_config"])
        .filter(|manager| manager["route_config"].to_string().contains("pygeoapi"))
        .collect()
}

/// The configuration of an HTTP filter.
pub(crate) fn filter<'a>(manager: &'a Value, name: &str) -> &'a Value {
    manager["http_filters"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|filter| filter["name"] == name)
        .map_or(&Value::Null, |filter| &filter["typed_config"])
}

/// The routes of a connection manager, each as its `route`.
fn routes(manager: &Value) -> Vec<&Value> {
    let hosts = manager["route_config"]["virtual_hosts"].as_array();
    hosts
        .into_iter()
        .flatten()
        .flat_map(|host| host["routes"].as_array().into_iter().flatten())
        .map(|route| &route["route"])
        .collect()
}

/// The HTTP options of the clusters that routes lead to.
fn upstreams<'a>(bootstrap: &'a Value, routes: &[&Value]) -> Vec<&'a Value> {
    let clusters = bootstrap["static_resources"]["clusters"].as_array();
    clusters
        .into_iter()
        .flatten()
        .filter(|cluster| {
            routes
                .iter()
                .any(|route| route["cluster"] == cluster["name"])
        })
        .map(|cluster| &cluster["typed_extension_protocol_options"][HTTP_OPTIONS])
        .collect()
}

/// The settings that a connection manager lacks, with its routes and their clusters.
fn missing(bootstrap: &Value, manager: &Value) -> Vec<String> {
    let routes = routes(manager);
    let upstreams = upstreams(bootstrap, &routes);
    let mut faults = Vec::new();
    for (place, pointer, expected, _) in settings() {
        let holders = match place {
            Place::Connection => vec![manager],
            Place::Authorization => vec![filter(manager, EXT_AUTHZ)],
            Place::Router => vec![filter(manager, ROUTER)],
            Place::Route => routes.clone(),
            Place::Upstream => upstreams.clone(),
        };
        if holders.is_empty() {
            faults.push(format!("{place:?}: there is none"));
        }
        for holder in holders {
            let found = holder.pointer(pointer).unwrap_or(&Value::Null);
            if *found != expected {
                faults.push(format!(
                    "{place:?} {pointer}: expected {expected}, found {found}"
                ));
            }
        }
    }
    faults
}

/// Every part of a bootstrap that allows a bypass of geowarden.
pub(crate) fn faults(bootstrap: &Value) -> Vec<String> {
    let managers = managers(bootstrap);
    let mut faults: Vec<String> = managers
        .iter()
        .flat_map(|manager| missing(bootstrap, manager))
        .collect();
    if managers.is_empty() {
        faults.push("nothing leads to pygeoapi".to_owned());
    }
    for manager in managers {
        let names: Vec<_> = manager["http_filters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|filter| filter["name"].as_str().unwrap_or_default())
            .collect();
        // A filter after ext_authz could change the request after the decision.
        if !names.ends_with(&[EXT_AUTHZ, ROUTER]) {
            faults.push(format!("the last filters are not {EXT_AUTHZ}, {ROUTER}"));
        }
        faults.extend(faults_of_routes(&manager["route_config"]));
        if has_upgrades(manager) {
            faults.push("an upgrade bypasses the filters".to_owned());
        }
    }
    if bootstrap.pointer("/admin/address/socket_address/address") != Some(&json!("127.0.0.1")) {
        faults.push("the admin page is not on the loopback interface".to_owned());
    }
    faults
}

/// Whether some route upgrades connections, such as to WebSocket. A route can switch off what the connection manager allows.
fn has_upgrades(manager: &Value) -> bool {
    let upgrades = |holder: &Value, enabled: bool| -> BTreeSet<String> {
        let all = holder["upgrade_configs"].as_array().into_iter().flatten();
        all.filter(|upgrade| (upgrade["enabled"] != false) == enabled)
            .map(|upgrade| upgrade["upgrade_type"].to_string())
            .collect()
    };
    let of_manager = upgrades(manager, true);
    routes(manager).into_iter().any(|route| {
        let is_all_off = of_manager.is_subset(&upgrades(route, false));
        !is_all_off || !upgrades(route, true).is_empty()
    })
}

/// The routes that allow a bypass: each virtual host must have one route, and its ext_authz settings may only name the
/// tenant.
fn faults_of_routes(config: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut rest = config.clone();
    let hosts = rest["virtual_hosts"].as_array_mut();
    let mut tenants = Vec::new();
    for host in hosts.into_iter().flatten() {
        if host["routes"].as_array().map(Vec::len) != Some(1) {
            faults.push("more than one route".to_owned());
        }
        tenants.push(tenant(host));
        if tenants.last().is_some_and(Option::is_some)
            && let Some(filters) = host["typed_per_filter_config"].as_object_mut()
        {
            filters.remove(EXT_AUTHZ);
        }
    }
    // If a virtual host names no tenant, the host that the client writes would choose it.
    if tenants.len() > 1 && tenants.iter().any(Option::is_none) {
        faults.push("a virtual host names no tenant".to_owned());
    }
    let told = rest.to_string();
    for word in [EXT_AUTHZ, "ExtAuthzPerRoute"] {
        if told.contains(word) {
            faults.push(format!("a route names {word}"));
        }
    }
    faults
}

/// The tenant that a virtual host names, if its ext_authz settings contain nothing else.
fn tenant(host: &Value) -> Option<String> {
    let settings = &host["typed_per_filter_config"][EXT_AUTHZ];
    let name = settings
        .pointer("/check_settings/context_extensions/policy")?
        .as_str()?;
    let whole = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute",
        "check_settings": {"context_extensions": {"policy": name}},
    });
    (*settings == whole).then(|| name.to_owned())
}
