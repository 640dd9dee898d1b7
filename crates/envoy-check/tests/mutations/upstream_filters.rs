//! Filters that run on the way to pygeoapi, after ext_authz.

use geowarden_envoy_check::Severity;

use super::{found, read, report};

const CODEC: &str = "{name: codec, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec}}";
const MUTATION: &str = "{name: path, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation, mutations: {request_mutations: [{append: {header: {key: \":path\", value: /}}}]}}}";
const SCRIPT: &str = "{name: script, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}}";
const CONDITIONAL: &str = "{name: script, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher, extension_config: {name: inner, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}}}}";

fn with(before: &str, line: &str) -> String {
    let text = read("envoy/api-key.yaml");
    let changed = text.replacen(before, &format!("{before}{line}\n"), 1);
    assert_ne!(changed, text);
    changed
}

/// The places of a list of filters that run upstream.
fn upstream(filters: &str) -> [String; 2] {
    [
        with(
            "                      suppress_envoy_headers: true\n",
            &format!("                      upstream_http_filters: [{filters}]"),
        ),
        with(
            "          explicit_http_config:\n            http_protocol_options: {}\n",
            &format!("          http_filters: [{filters}]"),
        ),
    ]
}

#[test]
fn a_filter_upstream_that_changes_requests_is_found() {
    for filter in [MUTATION, SCRIPT, CONDITIONAL] {
        for text in upstream(&format!("{filter}, {CODEC}")) {
            let findings = report(&text).findings;
            let told: Vec<_> = findings.iter().map(|f| (f.code, f.severity)).collect();
            let expected = ("filter-after-ext-authz", Severity::Error);
            assert_eq!(told, [expected], "{filter}");
        }
    }
    for text in upstream(CODEC) {
        assert_eq!(found(&text), Vec::<&str>::new());
    }
}

#[test]
fn a_filter_of_the_connections_to_pygeoapi_is_found() {
    let filter = "      filters: [{name: a, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm}}]";
    let text = with("    - name: pygeoapi\n      type: STATIC\n", filter);
    assert_eq!(found(&text), ["filter-after-ext-authz"]);
}

/// What is on the way to another cluster does not concern pygeoapi.
#[test]
fn a_filter_of_another_cluster_is_left_alone() {
    let text = read("envoy/api-key.yaml");
    let own = "          explicit_http_config:\n            http2_protocol_options:\n";
    let other = text.replacen(
        own,
        &format!("          http_filters: [{SCRIPT}, {CODEC}]\n{own}"),
        1,
    );
    assert_ne!(other, text);
    assert_eq!(found(&other), Vec::<&str>::new());
}
