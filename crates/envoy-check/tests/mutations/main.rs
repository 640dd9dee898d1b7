//! The shipped configurations have no finding. Each change of them that undoes something is found, in its line.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod logs;
mod matchers;
mod response_filters;
mod services;
mod transport;
mod upstream_filters;
mod ways_around;

use std::{collections::BTreeSet, fs, path::Path};

use geowarden_envoy_check::{Expectations, Finding, ListensOn, Report, Severity, check};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn report(text: &str) -> Report {
    check(text, &Expectations::default()).unwrap()
}

/// A change of a file: the first `from` becomes `to`; then `code` must be found where `at` stands.
struct Mutation {
    file: &'static str,
    from: &'static str,
    to: &'static str,
    code: &'static str,
    severity: Severity,
    at: &'static str,
}

const fn error(
    from: &'static str,
    to: &'static str,
    code: &'static str,
    at: &'static str,
) -> Mutation {
    Mutation {
        file: "envoy/api-key.yaml",
        from,
        to,
        code,
        severity: Severity::Error,
        at,
    }
}

const fn warning(
    from: &'static str,
    to: &'static str,
    code: &'static str,
    at: &'static str,
) -> Mutation {
    Mutation {
        severity: Severity::Warning,
        ..error(from, to, code, at)
    }
}

impl Mutation {
    const fn of(self, file: &'static str) -> Self {
        Self { file, ..self }
    }
}

const AUTHZ: &str = "typed_config:\n                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz\n";
const ROUTER_FILTER: &str = "                  - name: envoy.filters.http.router\n";
const ROUTE: &str = "                        - match: {prefix: /}\n";
const HOST: &str = "                      domains: [\"*\"]\n";
const MERGE: &str = "                merge_slashes: false\n";
const FAILURE: &str = "                      failure_mode_allow: false\n";

const MUTATIONS: [Mutation; 88] = [
    // The filter.
    error("failure_mode_allow: false", "failure_mode_allow: true", "failure-mode-allow", "failure_mode_allow: true"),
    error("failure_mode_allow: false", "failureModeAllow: true", "failure-mode-allow", "failureModeAllow: true"),
    error(FAILURE, "                      shadow_mode: true\n", "shadow-mode", "shadow_mode"),
    error(FAILURE, "                      filter_enabled: {default_value: {numerator: 50}}\n", "filter-enabled", "filter_enabled"),
    error(FAILURE, "                      filter_enabled_metadata: {filter: a}\n", "filter-enabled-metadata", "filter_enabled_metadata"),
    error(FAILURE, "                      http_service: {path_prefix: /}\n", "http-service", "http_service"),
    error("encode_raw_headers: true", "encode_raw_headers: false", "encode-raw-headers", "encode_raw_headers"),
    error("                      encode_raw_headers: true\n", "", "encode-raw-headers", AUTHZ),
    error("clear_route_cache: false", "clear_route_cache: true", "clear-route-cache", "clear_route_cache"),
    error("clear_route_cache: false", "clear_route_cache_headers: [a]", "clear-route-cache", "clear_route_cache_headers"),
    error(FAILURE, "                      allowed_headers: {patterns: [{exact: accept}]}\n", "allowed-headers", "allowed_headers"),
    error(FAILURE, "                      disallowed_headers: {patterns: [{exact: authorization}]}\n", "allowed-headers", "disallowed_headers"),
    error(FAILURE, "                      decoder_header_mutation_rules: {disallow_system: true}\n", "header-mutation-rules", "decoder_header_mutation_rules"),
    error("                      with_request_body:\n                        max_request_bytes: 65536\n                        allow_partial_message: false\n                        pack_as_bytes: true\n", "", "body-not-sent", AUTHZ),
    error("allow_partial_message: false", "allow_partial_message: true", "partial-body", "allow_partial_message"),
    error("pack_as_bytes: true", "pack_as_bytes: false", "body-as-text", "pack_as_bytes"),
    error("{code: ServiceUnavailable}", "{code: OK}", "status-on-error", "status_on_error: {"),
    warning("max_request_bytes: 65536", "max_request_bytes: 1024", "body-limit", "max_request_bytes: 1024"),
    warning("max_request_bytes: 65536", "max_request_bytes: 10485760", "body-limit", "max_request_bytes: 10485760"),
    warning("validate_mutations: true", "validate_mutations: false", "validate-mutations", "validate_mutations"),
    warning("                        timeout: 1s\n", "", "timeout", "grpc_service:"),
    warning("timeout: 1s\n", "timeout: 0.3s\n", "timeout", "timeout: 0.3s"),
    warning(FAILURE, "                      enable_dynamic_metadata_ingestion: false\n", "dynamic-metadata", "enable_dynamic_metadata_ingestion"),
    warning(FAILURE, "                      max_denied_response_body_bytes: 10\n", "cut-refusals", "max_denied_response_body_bytes"),
    warning(FAILURE, "                      enforce_response_header_limits: true\n", "cut-refusals", "enforce_response_header_limits"),
    error("                  - name: envoy.filters.http.ext_authz\n", "                  - name: envoy.filters.http.ext_authz\n                    disabled: true\n", "filter-disabled", "disabled: true"),
    error("                  - name: envoy.filters.http.ext_authz\n", "                  - name: envoy.filters.http.ext_authz\n                    is_optional: true\n", "filter-optional", "is_optional: true"),
    error("envoy.extensions.filters.http.ext_authz.v3.ExtAuthz", "envoy.extensions.filters.http.rbac.v3.RBAC", "no-ext-authz", "node:"),
    error("envoy_grpc: {cluster_name: geowarden}", "envoy_grpc: {cluster_name: geowarten}", "unknown-cluster", "geowarten"),
    warning("envoy_grpc: {cluster_name: geowarden}", "google_grpc: {target_uri: 'unix:/run/geowarden/authz.sock'}", "google-grpc-authority", "target_uri"),
    // Filters behind it.
    error(ROUTER_FILTER, "                  - name: script\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}\n                  - name: envoy.filters.http.router\n", "filter-after-ext-authz", "name: script"),
    warning(ROUTER_FILTER, "                  - name: faults\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault}\n                  - name: envoy.filters.http.router\n", "filter-after-ext-authz", "name: faults"),
    error(ROUTER_FILTER, "                  - name: shaping\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor}\n                  - name: envoy.filters.http.router\n", "filter-after-ext-authz", "name: shaping"),
    // Filters before it.
    error("                  - name: envoy.filters.http.ext_authz\n", "                  - name: answers\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.cache_v2.v3.CacheV2Config}\n                  - name: envoy.filters.http.ext_authz\n", "cache-before-ext-authz", "name: answers"),
    // Reading the request.
    warning("normalize_path: true", "normalize_path: false", "normalize-path", "normalize_path"),
    warning("merge_slashes: false", "merge_slashes: true", "merge-slashes", "merge_slashes"),
    warning("path_with_escaped_slashes_action: REJECT_REQUEST", "path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD", "escaped-slashes", "path_with_escaped_slashes_action"),
    warning("headers_with_underscores_action: REJECT_REQUEST", "headers_with_underscores_action: ALLOW", "header-underscores", "headers_with_underscores_action"),
    warning("                  headers_with_underscores_action: REJECT_REQUEST\n", "", "header-underscores", "common_http_protocol_options:\n                  idle_timeout"),
    warning("allow_absolute_url: false", "allow_absolute_url: true", "absolute-url", "allow_absolute_url"),
    warning("accept_http_10: true", "accept_http_10: false", "http-1-0", "accept_http_10"),
    error("accept_http_10: true", "accept_http_10: true\n                  allow_chunked_length: true", "chunked-length", "allow_chunked_length"),
    error("max_concurrent_streams: 100", "allow_connect: true", "http2-connect", "allow_connect"),
    error("max_concurrent_streams: 100", "allow_metadata: true", "http2-metadata", "allow_metadata"),
    error(MERGE, "                upgrade_configs: [{upgrade_type: websocket}]\n", "upgrade", "upgrade_configs"),
    error("timeout: 0s", "timeout: 0s\n                            upgrade_configs: [{upgrade_type: websocket}]", "upgrade", "upgrade_type"),
    warning(MERGE, "                typed_header_validation_config: {name: a}\n", "header-validation", "typed_header_validation_config"),
    warning("codec_type: AUTO", "codec_type: HTTP3", "codec", "codec_type"),
    warning("preserve_external_request_id: false", "preserve_external_request_id: true", "request-id", "preserve_external_request_id"),
    warning(MERGE, "                forward_client_cert_details: ALWAYS_FORWARD_ONLY\n", "client-certificate-header", "forward_client_cert_details"),
    warning("                request_headers_timeout: 10s\n", "", "slow-clients", "typed_config:\n                \"@type\": type.googleapis.com/envoy.extensions.filters.network"),
    warning("delayed_close_timeout: 60s", "delayed_close_timeout: 1s", "delayed-close", "delayed_close_timeout"),
    warning("use_remote_address: true", "use_remote_address: false", "client-address", "use_remote_address"),
    warning("{address_prefix: 255.255.255.255, prefix_len: 32}", "{address_prefix: 10.0.0.0, prefix_len: 8}", "internal-addresses", "cidr_ranges"),
    warning("suppress_envoy_headers: true", "suppress_envoy_headers: false", "envoy-headers", "suppress_envoy_headers"),
    warning("%PATH(NQ)%", "%REQ(:PATH)%", "access-log", "%REQ(:PATH)%"),
    warning("%PATH(NQ)%", "%REQ(X-API-KEY)%", "access-log", "%REQ(X-API-KEY)%"),
    error(MERGE, "                local_reply_config: {mappers: [{status_code: 200}]}\n", "local-reply", "status_code: 200"),
    // Routes.
    error(ROUTE, "                        - match: {prefix: /}\n                          typed_per_filter_config: {envoy.filters.http.ext_authz: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute, disabled: true}}\n", "route-unasked", "disabled: true"),
    error(ROUTE, "                        - match: {prefix: /static}\n                          route: {cluster: pygeoapi, timeout: 0s}\n                          typed_per_filter_config: {envoy.filters.http.ext_authz: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}\n                        - match: {prefix: /}\n", "route-unasked", "disabled: true"),
    warning(ROUTE, "                        - match: {path: /health}\n                          route: {cluster: pygeoapi, timeout: 0s}\n                        - match: {prefix: /, headers: []}\n", "several-routes", "headers: []"),
    error(ROUTE, "                        - match: {prefix: /}\n                          typed_per_filter_config: {envoy.filters.http.ext_authz: {check_settings: {disable_request_body_buffering: true}}}\n", "body-not-sent", "disable_request_body_buffering"),
    error(ROUTE, "                        - match: {prefix: /}\n                          typed_per_filter_config: {envoy.filters.http.ext_authz: {check_settings: {grpc_service: {}}}}\n", "route-other-service", "check_settings"),
    error("                            cluster: pygeoapi\n", "                            cluster_header: x-where\n", "route-by-header", "cluster_header"),
    error("                            cluster: pygeoapi\n", "                            cluster: pygeoapi\n                            prefix_rewrite: /geoapi\n", "route-rewrites-path", "prefix_rewrite"),
    error(ROUTE, "                        - match: {prefix: /}\n                          request_headers_to_add: [{header: {key: Accept, value: text/html}}]\n", "route-sets-header", "key: Accept"),
    error(ROUTE, "                        - match: {prefix: /}\n                          request_headers_to_remove: [x-a, Content-Type]\n", "route-removes-header", "request_headers_to_remove"),
    error(HOST, "                      domains: [\"*\"]\n                      request_headers_to_remove: [accept]\n", "route-removes-header", "request_headers_to_remove"),
    error(HOST, "                      domains: [\"*\"]\n                      request_headers_to_add: [{header: {key: content-length, value: 1}}]\n", "route-sets-header", "key: content-length"),
    error("                  name: edge\n", "                  name: edge\n                  request_headers_to_remove: [accept]\n", "route-removes-header", "request_headers_to_remove"),
    error("                            cluster: pygeoapi\n", "                            weighted_clusters: {clusters: [{name: pygeoapi, weight: 1, request_headers_to_remove: [accept]}]}\n", "route-removes-header", "request_headers_to_remove"),
    error("                            cluster: pygeoapi\n", "                            cluster: pygeoapi\n                            request_mirror_policies: [{cluster: pygeoapi, request_headers_mutations: [{append: {header: {key: Accept, value: a}}}]}]\n", "route-sets-header", "request_mirror_policies"),
    error("                            cluster: pygeoapi\n", "                            cluster: pygeoapi\n                            request_mirror_policies: [{cluster: pygeoapi, request_headers_mutations: [{remove: Accept}]}]\n", "route-removes-header", "request_mirror_policies"),
    warning("timeout: 0s", "timeout: 30s", "route-timeout", "timeout: 30s"),
    warning("                              retriable_request_headers:\n                                - name: \":method\"\n                                  string_match: {safe_regex: {regex: \"GET|HEAD\"}}\n", "", "route-retry", "retry_policy"),
    warning("{regex: \"GET|HEAD\"}", "{regex: \".*\"}", "route-retry", "retry_policy"),
    warning("{regex: \"GET|HEAD\"}", "{regex: \"GET|HEAD|POST\"}", "route-retry", "retry_policy"),
    warning("{safe_regex: {regex: \"GET|HEAD\"}}", "{prefix: \"\"}", "route-retry", "retry_policy"),
    warning("{safe_regex: {regex: \"GET|HEAD\"}}", "{exact: PUT}", "route-retry", "retry_policy"),
    warning("string_match: {safe_regex: {regex: \"GET|HEAD\"}}", "present_match: true", "route-retry", "retry_policy"),
    warning("string_match: {safe_regex: {regex: \"GET|HEAD\"}}", "string_match: {exact: GET}\n                                  invert_match: true", "route-retry", "retry_policy"),
    warning("string_match: {safe_regex: {regex: \"GET|HEAD\"}}", "string_match: {exact: GET}\n                                - name: accept", "route-retry", "retry_policy"),
    error("                          check_settings:\n                            context_extensions: {policy: geobeyond}\n", "", "route-without-tenant", "- match: {prefix: /}").of("envoy/tenants.yaml"),
    // Ways around.
    error("cluster: admin, timeout: 5s", "cluster: pygeoapi, timeout: 5s", "unguarded-listener", "cluster: pygeoapi, timeout: 5s").of("envoy/sidecar.yaml"),
    error("    - name: probes\n", "    - name: around\n      filter_chains:\n        - filters:\n            - name: tcp\n              typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, cluster: pygeoapi}\n    - name: probes\n", "tcp-proxy", "tcp_proxy.v3.TcpProxy").of("envoy/sidecar.yaml"),
    error("socket_address: {address: 127.0.0.1, port_value: 9901}", "socket_address: {address: 0.0.0.0, port_value: 9901}", "admin-exposed", "port_value: 9901"),
    error("    - name: pygeoapi\n      type: STATIC\n", "    - name: pygeoapi\n      type: STATIC\n      upstream_config: {name: a, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.tcp.v3.TcpConnectionPoolProto}}\n", "upstream-config", "upstream_config"),
    error("socket_address: {address: 127.0.0.1, port_value: 5000}", "socket_address: {address: 203.0.113.7, port_value: 5000}", "pygeoapi-open", "203.0.113.7"),
];

const SHIPPED: [&str; 7] = [
    "envoy/api-key.yaml",
    "envoy/edge.yaml",
    "envoy/jwt.yaml",
    "envoy/oidc.yaml",
    "envoy/sidecar.yaml",
    "envoy/tenants.yaml",
    "k8s/overlays/oidc/envoy.yaml",
];

#[test]
fn the_shipped_configurations_have_no_finding() {
    for name in SHIPPED {
        assert_eq!(report(&read(name)), Report::default(), "{name}");
    }
    for entry in fs::read_dir(root().join("envoy")).unwrap() {
        let name = format!("envoy/{}", entry.unwrap().file_name().display());
        let is_known = SHIPPED.contains(&name.as_str()) || name == "envoy/kustomization.yaml";
        assert!(is_known, "{name} is not checked: add it to SHIPPED");
    }
}

fn line_of(text: &str, part: &str) -> usize {
    let at = text.rfind(part).expect("the part is there");
    text[..at].lines().count() + usize::from(text[..at].ends_with('\n'))
}

#[test]
fn each_change_is_found_in_its_line() {
    let mut wrong = Vec::new();
    for mutation in MUTATIONS {
        let original = read(mutation.file);
        let text = match mutation.code {
            // The last tenant's.
            "route-without-tenant" => {
                let at = original.rfind(mutation.from).unwrap();
                let (before, rest) = original.split_at(at);
                format!("{before}{}{}", mutation.to, &rest[mutation.from.len()..])
            }
            _ => original.replacen(mutation.from, mutation.to, 1),
        };
        let name = format!("{}: {} -> {}", mutation.file, mutation.from, mutation.to);
        assert_ne!(text, original, "{name}");
        let line = line_of(&text, mutation.at);
        let found = report(&text).findings;
        let is_it = |finding: &Finding| {
            (finding.code, finding.severity, finding.line)
                == (mutation.code, mutation.severity, line)
        };
        if !found.iter().any(is_it) {
            wrong.push(format!(
                "{name}\n  expected {} in line {line}, found {found:#?}",
                mutation.code
            ));
        }
        for finding in &found {
            assert!(
                !finding.message.is_empty() && !finding.cure.is_empty(),
                "{name}"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Istio and Envoy Gateway turn WebSocket on for the whole listener.
#[test]
fn a_route_can_turn_off_an_upgrade() {
    let text = read("envoy/api-key.yaml").replacen(
        MERGE,
        &format!("{MERGE}                upgrade_configs: [{{upgrade_type: websocket}}]\n"),
        1,
    );
    let is_found = |text: &str| {
        report(text)
            .findings
            .iter()
            .any(|found| found.code == "upgrade")
    };
    assert!(is_found(&text));
    let off = "timeout: 0s\n                            upgrade_configs: [{upgrade_type: WebSocket, enabled: false}]";
    let text = text.replacen("timeout: 0s", off, 1);
    assert!(!is_found(&text));
    let other = text.replace("WebSocket, enabled", "CONNECT, enabled");
    assert!(is_found(&other));
}

/// Every code that the program can tell, as its source has it.
fn codes() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for before in [
            "Setting::error(",
            "Setting::warning(",
            "found.error(",
            "found.warning(",
            "found.add(",
        ] {
            for rest in text.split(before).skip(1) {
                let code = rest.split('"').nth(1).unwrap();
                all.insert(code.to_owned());
            }
        }
    }
    all
}

/// What no line of the shipped files could be changed into has a test of its own below.
const ELSEWHERE: [&str; 9] = [
    "conditional-ext-authz",
    "geowarden-address",
    "geowarden-http2",
    "geowarden-plain",
    "geowarden-unverified",
    "listener-other-service",
    "pygeoapi-address",
    "several-services",
    "span-credentials",
];

#[test]
fn every_code_has_a_change_and_is_documented() {
    let changed: BTreeSet<String> = MUTATIONS.iter().map(|m| m.code.to_owned()).collect();
    let page = read("docs/envoy-check.md");
    let mut untried = Vec::new();
    for code in codes() {
        if !changed.contains(&code) && !ELSEWHERE.contains(&code.as_str()) {
            untried.push(code.clone());
        }
        assert!(
            page.contains(&format!("| `{code}` |")),
            "docs/envoy-check.md: {code}"
        );
    }
    assert!(untried.is_empty(), "{untried:?}");
}

fn found(text: &str) -> Vec<&'static str> {
    let codes: Vec<_> = report(text).findings.iter().map(|f| f.code).collect();
    codes
}

#[test]
fn geowarden_beyond_this_machine_is_asked_over_tls_and_http2() {
    let text = read("envoy/api-key.yaml");
    let text = text.replace(
        "address: 127.0.0.1, port_value: 9191",
        "address: geowarden.example, port_value: 9191",
    );
    assert_eq!(found(&text), ["geowarden-plain"]);
    let text = read("envoy/api-key.yaml").replace(
        "explicit_http_config:\n            http2_protocol_options:\n",
        "explicit_http_config:\n            http_protocol_options:\n",
    );
    assert_eq!(found(&text), ["geowarden-http2"]);
}

#[test]
fn a_matcher_around_ext_authz_is_found() {
    let text = read("envoy/api-key.yaml");
    let (before, rest) = text
        .split_once("                  - name: envoy.filters.http.ext_authz\n")
        .unwrap();
    let (filter, after) = rest.split_once(ROUTER_FILTER).unwrap();
    let filter: String = filter
        .lines()
        .flat_map(|line| ["    ", line, "\n"])
        .collect();
    let wrapped = format!(
        "{before}                  - name: envoy.filters.http.ext_authz
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher
                      extension_config:
                        name: inner
{filter}{ROUTER_FILTER}{after}"
    );
    assert_eq!(found(&wrapped), ["conditional-ext-authz"]);
}

/// However the address of pygeoapi is written, it is reachable from outside or not.
#[test]
fn only_a_public_address_of_pygeoapi_is_found() {
    for (address, is_public) in [
        ("0.0.0.0", false),
        ("127.0.0.2", false),
        ("10.0.0.1", false),
        ("100.64.0.1", false),
        ("\"::\"", false),
        ("\"::1\"", false),
        ("\"::ffff:10.0.0.1\"", false),
        ("\"[fd00::7]\"", false),
        ("pygeoapi.example", false),
        ("203.0.113.7", true),
        ("\"::ffff:203.0.113.7\"", true),
        ("\"[2001:db8::7]\"", true),
    ] {
        let text = read("envoy/api-key.yaml").replace(
            "address: 127.0.0.1, port_value: 5000",
            &format!("address: {address}, port_value: 5000"),
        );
        assert_eq!(
            found(&text).contains(&"pygeoapi-open"),
            is_public,
            "{address}"
        );
    }
}

/// Another name for the address of pygeoapi is the same server.
#[test]
fn a_second_cluster_of_the_same_address_is_guarded_too() {
    let text = read("envoy/sidecar.yaml").replace(
        "address: 127.0.0.1, port_value: 9901}\n",
        "address: 127.0.0.1, port_value: 5000}\n",
    );
    let codes = found(&text);
    assert_eq!(codes, ["unguarded-listener", "unguarded-listener"]);
}

/// However the address of pygeoapi is written, it is the same server.
#[test]
fn another_spelling_of_the_same_address_is_guarded_too() {
    let unguarded = |of_pygeoapi: &str, other: &str| {
        let text = read("envoy/sidecar.yaml")
            .replace(
                "address: 127.0.0.1, port_value: 5000}",
                &format!("{of_pygeoapi}, port_value: 5000}}"),
            )
            .replace(
                "address: 127.0.0.1, port_value: 9901}\n",
                &format!("{other}, port_value: 5000}}\n"),
            );
        let found = found(&text);
        found.contains(&"unguarded-listener")
    };
    let loopback = [
        "address: 127.0.0.1",
        "address: localhost",
        "address: LocalHost.",
        "address: 127.0.0.2",
        "address: \"::1\"",
        "address: \"[::1]\"",
        "address: \"0:0:0:0:0:0:0:1\"",
        "address: \"::ffff:127.0.0.1\"",
        "address: 0.0.0.0",
        "address: \"::\"",
        "address: ip6-localhost",
        "address: pygeoapi.localhost",
    ];
    for one in loopback {
        for (one, other) in [(loopback[0], one), (one, loopback[0])] {
            assert!(unguarded(one, other), "{one}, {other}");
        }
    }
    for (one, other, is_same) in [
        (
            "address: pygeoapi.example",
            "address: PyGeoAPI.example.",
            true,
        ),
        ("address: 10.0.0.7", "address: \"::ffff:10.0.0.7\"", true),
        ("address: \"fd00::7\"", "address: \"FD00:0::7\"", true),
        ("address: pygeoapi.example", "address: other.example", false),
        ("address: 10.0.0.7", "address: 127.0.0.1", false),
        ("address: localhost", "address: localhost.example", false),
    ] {
        assert_eq!(unguarded(one, other), is_same, "{one}, {other}");
    }
    let last = "                    socket_address: {address: 127.0.0.1, port_value: 9901}\n";
    let second = "                  additional_addresses: [{address: {socket_address: {address: localhost, port_value: 5000}}}]\n";
    let text = read("envoy/sidecar.yaml").replace(last, &format!("{last}{second}"));
    assert!(found(&text).contains(&"unguarded-listener"));
}

/// Such a request may be sent twice.
#[test]
fn retries_of_reading_methods_are_left_alone() {
    let shipped = "string_match: {safe_regex: {regex: \"GET|HEAD\"}}";
    for matcher in [
        "string_match: {exact: GET}",
        "string_match: {safe_regex: {regex: \"^(?:GET|HEAD|OPTIONS)$\"}}",
        "stringMatch: {safeRegex: {regex: \"(HEAD|GET)\"}}",
        "exact_match: HEAD",
        "string_match: {exact: GET}\n                                - name: \":method\"\n                                  string_match: {exact: HEAD}",
    ] {
        let text = read("envoy/api-key.yaml");
        let changed = text.replacen(shipped, matcher, 1);
        assert_ne!(text, changed);
        assert_eq!(found(&changed), Vec::<&str>::new(), "{matcher}");
    }
}

/// Names of headers and words of enumerations are no secrets.
#[test]
fn a_finding_names_the_header_or_the_word() {
    let with_header = "                        - match: {prefix: /}
                          request_headers_to_add: [{header: {key: X-Geowarden-Subject, value: a}}]
";
    for (from, to, told) in [
        (ROUTE, with_header, "found `x-geowarden-subject`"),
        (
            "codec_type: AUTO",
            "codec_type: HTTP3",
            "codec_type: expected no `HTTP3`, found `HTTP3`",
        ),
        (
            MERGE,
            "                forward_client_cert_details: FORWARD_ONLY\n",
            "expected no `FORWARD_ONLY` or `ALWAYS_FORWARD_ONLY`, found `FORWARD_ONLY`",
        ),
    ] {
        let text = read("envoy/api-key.yaml").replacen(from, to, 1);
        let report = report(&text);
        let mut messages = report.findings.iter().map(|one| &one.message);
        assert!(messages.any(|m| m.contains(told)), "{report:#?}");
    }
}

/// A route of another service may be switched off.
#[test]
fn what_leads_elsewhere_is_left_alone() {
    let elsewhere = "                        - match: {prefix: /elsewhere}
                          route: {cluster: geowarden}
                          typed_per_filter_config: {envoy.filters.http.ext_authz: {disabled: true}}
                        - match: {prefix: /}
";
    let text = read("envoy/api-key.yaml").replacen(ROUTE, elsewhere, 1);
    assert_eq!(found(&text), Vec::<&str>::new());
}

#[test]
fn geowardens_own_limits_count() {
    let text = read("envoy/api-key.yaml");
    let expected = Expectations {
        deadline: std::time::Duration::from_secs(2),
        ..Expectations::default()
    };
    let findings = check(&text, &expected).unwrap().findings;
    let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["timeout"]);
    assert!(
        findings[0].message.contains("2 s"),
        "{}",
        findings[0].message
    );
}

#[test]
fn an_address_at_which_geowarden_does_not_listen_is_found() {
    let tcp = |address: &str| ListensOn::Tcp(address.parse().unwrap());
    let unix = |path: &str| ListensOn::Unix(path.into());
    let by_tcp = |address: &str, port: u16| {
        format!("socket_address: {{address: {address}, port_value: {port}}}")
    };
    let by_socket = |path: &str| format!("pipe: {{path: {path}}}");
    let own = "socket_address: {address: 127.0.0.1, port_value: 9191}";
    for (listens_on, asked, is_told) in [
        (tcp("127.0.0.1:9191"), own.to_owned(), false),
        (tcp("127.0.0.1:9191"), by_tcp("localhost", 9191), false),
        (tcp("0.0.0.0:9191"), own.to_owned(), false),
        (tcp("[::]:9191"), own.to_owned(), false),
        (tcp("127.0.0.1:0"), own.to_owned(), false),
        (tcp("0.0.0.0:9191"), by_tcp("geowarden.example", 443), false),
        (tcp("0.0.0.0:9191"), by_tcp("10.0.0.7", 443), false),
        (
            unix("/run/a/authz.sock"),
            by_socket("/run/a/authz.sock"),
            false,
        ),
        (
            unix("/run/a/authz.sock"),
            by_socket("/shared/authz.sock"),
            false,
        ),
        (
            unix("/run/a/authz.sock"),
            by_tcp("geowarden.example", 443),
            false,
        ),
        (tcp("127.0.0.1:9195"), own.to_owned(), true),
        (tcp("0.0.0.0:9195"), by_tcp("localhost", 9191), true),
        (tcp("10.0.0.7:9191"), own.to_owned(), true),
        (tcp("10.0.0.7:9191"), by_tcp("10.0.0.7", 9195), true),
        (tcp("127.0.0.1:9191"), by_tcp("10.0.0.7", 9191), true),
        (tcp("127.0.0.1:9191"), by_socket("/run/a/authz.sock"), true),
        (unix("/run/a/authz.sock"), own.to_owned(), true),
        (
            unix("/run/a/authz.sock"),
            by_socket("/run/a/other.sock"),
            true,
        ),
    ] {
        let text = read("envoy/api-key.yaml").replace(own, &asked);
        let expected = Expectations {
            grpc: Some(listens_on),
            ..Expectations::default()
        };
        let findings = check(&text, &expected).unwrap().findings;
        let told = findings.iter().find(|f| f.code == "geowarden-address");
        assert_eq!(told.is_some(), is_told, "{expected:?} {asked}");
        assert!(told.is_none_or(|told| told.line == line_of(&text, &asked)));
    }
}

#[test]
fn an_address_at_which_geowarden_asks_another_pygeoapi_is_found() {
    let own = "socket_address: {address: 127.0.0.1, port_value: 5000}";
    for (asked, port, envoy, is_told) in [
        ("127.0.0.1", 5000, "127.0.0.1", false),
        ("localhost", 5000, "127.0.0.1", false),
        ("[::1]", 5000, "127.0.0.1", false),
        ("pygeoapi", 5000, "10.0.0.7", false),
        ("pygeoapi", 5000, "pygeoapi.maps.svc", false),
        ("10.0.0.7", 5000, "10.0.0.7", false),
        ("127.0.0.1", 5001, "127.0.0.1", true),
        ("pygeoapi", 80, "10.0.0.7", true),
        ("10.0.0.8", 5000, "10.0.0.7", true),
        ("127.0.0.1", 5000, "10.0.0.7", true),
        ("maps", 5000, "pygeoapi", true),
    ] {
        let to = own.replace("127.0.0.1", envoy);
        let text = read("envoy/api-key.yaml").replace(own, &to);
        let expected = Expectations {
            pygeoapi: vec![(asked.to_owned(), port)],
            ..Expectations::default()
        };
        let findings = check(&text, &expected).unwrap().findings;
        let told = findings.iter().find(|f| f.code == "pygeoapi-address");
        assert_eq!(told.is_some(), is_told, "{asked}:{port} {envoy}");
        assert!(told.is_none_or(|told| told.line == line_of(&text, &to)));
    }
}

#[test]
fn what_a_control_plane_sends_is_said_to_be_unseen() {
    let text = "dynamic_resources: {lds_config: {}, cds_config: {}}\nstatic_resources: {}\n";
    let report = report(text);
    assert_eq!(report.unseen.len(), 2, "{report:?}");
    assert_eq!(report.findings[0].code, "no-ext-authz");
}

#[test]
fn other_files_are_named_as_what_they_are() {
    let manifest = read("k8s/istio/envoy-filter.yaml");
    let expected = Expectations::default();
    for (text, part) in [
        (manifest.as_str(), "Kubernetes manifest"),
        ("a: 1", "expected an Envoy bootstrap"),
        ("", "expected an Envoy bootstrap"),
        ("a: [", "expected"),
    ] {
        let error = check(text, &expected).unwrap_err().to_string();
        assert!(error.contains(part) || part == "expected", "{error}");
    }
}

/// Texts that may be secrets in the wrong place are not told.
#[test]
fn no_text_of_the_file_is_told_but_names() {
    const SECRET: &str = "gw_7f3aMARKERc2e9";
    for name in [
        "merge_slashes: false",
        "codec_type: AUTO",
        "timeout: 1s",
        "encode_raw_headers: true",
    ] {
        let (key, _) = name.split_once(' ').unwrap();
        let text = read("envoy/api-key.yaml").replacen(name, &format!("{key} {SECRET}"), 1);
        let report = format!("{:?}", report(&text));
        assert!(!report.contains(SECRET), "{report}");
        assert!(
            report.contains("another text") || key == "codec_type:",
            "{report}"
        );
    }
}
