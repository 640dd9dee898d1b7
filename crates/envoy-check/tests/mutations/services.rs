//! Filters of the type ext_authz ask geowarden or another service. Only geowarden's count.

use geowarden_envoy_check::{Expectations, ListensOn, check};

use super::{ROUTER_FILTER, found, read};

const SCRIPT: &str = "                  - name: script\n                    typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}\n";
const OTHER: &str = "    - name: other\n      type: STATIC\n      load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9292}}}}]}]}\n      http2_protocol_options: {}\n";

/// The whole ext_authz filter of a file.
fn own_filter(text: &str) -> &str {
    let start = text
        .find("                  - name: envoy.filters.http.ext_authz\n")
        .unwrap();
    let rest = &text[start..];
    let end = rest.find(ROUTER_FILTER).unwrap();
    &rest[..end]
}

/// The filter, asking another service.
fn other_filter(text: &str, service: &str) -> String {
    let filter = own_filter(text).replace("- name: envoy.filters.http.ext_authz", "- name: other");
    let changed = filter.replace("envoy_grpc: {cluster_name: geowarden}", service);
    assert_ne!(changed, filter);
    changed
}

fn with_other_cluster(text: &str) -> String {
    text.replacen("  clusters:\n", &format!("  clusters:\n{OTHER}"), 1)
}

fn found_at(text: &str, listens_on: &str) -> Vec<&'static str> {
    let expected = Expectations {
        grpc: Some(ListensOn::Tcp(listens_on.parse().unwrap())),
        ..Expectations::default()
    };
    let findings = check(text, &expected).unwrap().findings;
    findings.iter().map(|f| f.code).collect()
}

#[test]
fn what_stands_behind_geowarden_and_before_another_service_is_found() {
    let text = with_other_cluster(&read("envoy/api-key.yaml"));
    let own = own_filter(&text).to_owned();
    for service in [
        "envoy_grpc: {cluster_name: other}",
        "google_grpc: {target_uri: \"localhost:9292\"}",
    ] {
        let other = other_filter(&text, service);
        let behind = text.replacen(&own, &format!("{own}{SCRIPT}{other}"), 1);
        let before = text.replacen(&own, &format!("{other}{SCRIPT}{own}"), 1);
        // The script and the other filter.
        let two = ["filter-after-ext-authz", "filter-after-ext-authz"];
        assert_eq!(found_at(&behind, "127.0.0.1:9191"), two);
        assert_eq!(found_at(&before, "127.0.0.1:9191"), Vec::<&str>::new());
        // Without the address, the name of the cluster decides, and a warning says so.
        let codes = found(&behind);
        let of = |code: &str| codes.iter().filter(|one| **one == code).count();
        assert_eq!(of("filter-after-ext-authz"), 2, "{codes:?}");
        assert_eq!(of("several-services"), 1, "{codes:?}");
        assert_eq!(found(&before), ["several-services"]);
    }
}

/// A listener of `envoy/sidecar.yaml` that leads to pygeoapi and asks the other service only.
fn with_other_listener() -> String {
    let text = with_other_cluster(&read("envoy/sidecar.yaml"));
    let filter = other_filter(&text, "envoy_grpc: {cluster_name: other}");
    let (before, rest) = text.split_once("    - name: probes\n").unwrap();
    let rest = rest.replacen(
        "cluster: admin, timeout: 5s",
        "cluster: pygeoapi, timeout: 5s",
        1,
    );
    let rest = rest.replacen(ROUTER_FILTER, &format!("{filter}{ROUTER_FILTER}"), 1);
    format!("{before}    - name: probes\n{rest}")
}

#[test]
fn a_listener_to_pygeoapi_that_asks_another_service_is_found() {
    let text = with_other_listener();
    let codes = found(&text);
    assert!(codes.contains(&"listener-other-service"), "{codes:?}");
    assert!(codes.contains(&"several-services"), "{codes:?}");
    let unix = Expectations {
        grpc: Some(ListensOn::Unix("/run/geowarden/authz.sock".into())),
        ..Expectations::default()
    };
    let findings = check(&text, &unix).unwrap().findings;
    let codes: Vec<_> = findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["listener-other-service"]);
    let line = text.lines().nth(findings[0].line - 1).unwrap();
    assert!(line.contains("cluster: pygeoapi, timeout: 5s"), "{line}");
}

/// The settings of a listener that has nothing to do with geowarden are not judged.
#[test]
fn a_listener_of_another_service_to_another_cluster_is_left_alone() {
    let text = with_other_listener().replace(
        "cluster: pygeoapi, timeout: 5s",
        "cluster: admin, timeout: 5s",
    );
    let open = text.replace(
        "                  - name: other\n",
        "                  - name: other\n                    disabled: true\n",
    );
    assert_ne!(text, open);
    let unix = Expectations {
        grpc: Some(ListensOn::Unix("/run/geowarden/authz.sock".into())),
        ..Expectations::default()
    };
    assert_eq!(check(&open, &unix).unwrap().findings, []);
    // It could be geowarden, as long as nothing says otherwise.
    assert!(found(&open).contains(&"filter-disabled"));
}

/// A route may switch off the other service.
#[test]
fn only_switching_geowarden_off_counts() {
    let text = with_other_cluster(&read("envoy/api-key.yaml"));
    let own = own_filter(&text).to_owned();
    let other = other_filter(&text, "envoy_grpc: {cluster_name: other}");
    let text = text.replacen(&own, &format!("{other}{own}"), 1);
    let off = |name: &str| {
        let route = format!(
            "{}                          typed_per_filter_config: {{{name}: {{disabled: true}}}}\n",
            super::ROUTE
        );
        found_at(&text.replacen(super::ROUTE, &route, 1), "127.0.0.1:9191")
    };
    assert_eq!(off("other"), Vec::<&str>::new());
    assert_eq!(off("envoy.filters.http.ext_authz"), ["route-unasked"]);
}
