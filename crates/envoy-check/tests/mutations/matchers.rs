//! Routes of a virtual host's matcher are checked as those of its list, wherever the matcher has them.

use super::{found, read, report};

const SHIPPED_HOST: &str = "                    - name: pygeoapi\n                      # Replace";

/// One route, which leads to pygeoapi with ext_authz switched off, in each place that a matcher has.
fn matchers(route: &str) -> [String; 6] {
    let one = format!(
        "action: {{name: a, typed_config: {{\"@type\": type.googleapis.com/envoy.config.route.v3.Route, {route}}}}}"
    );
    let list = format!(
        "action: {{name: a, typed_config: {{\"@type\": type.googleapis.com/envoy.config.route.v3.RouteList, routes: [{{{route}}}]}}}}"
    );
    let wrapped = format!(
        "action: {{name: a, typed_config: {{\"@type\": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/envoy.config.route.v3.Route, value: {{{route}}}}}}}"
    );
    let tree = format!("matcher_tree: {{exact_match_map: {{map: {{a: {{{one}}}}}}}}}");
    [
        format!("matcher_list: {{matchers: [{{on_match: {{{one}}}}}]}}"),
        format!("matcher_list: {{matchers: [{{on_match: {{{list}}}}}]}}"),
        format!("on_no_match: {{{wrapped}}}"),
        tree.clone(),
        format!("on_no_match: {{matcher: {{{tree}}}}}"),
        format!(
            "matcher_tree: {{custom_match: {{name: a, typed_config: {{range_matchers: [{{on_match: {{{one}}}}}]}}}}}}"
        ),
    ]
}

fn with_host(file: &str, matcher: &str) -> String {
    let text = read(file);
    let host = format!(
        "                    - {{name: a, domains: [a.example], matcher: {{{matcher}}}}}\n"
    );
    let changed = text.replacen(SHIPPED_HOST, &format!("{host}{SHIPPED_HOST}"), 1);
    assert_ne!(changed, text);
    changed
}

#[test]
fn routes_of_a_matcher_are_checked() {
    let to_pygeoapi = "match: {prefix: /}, route: {cluster: pygeoapi, timeout: 0s}";
    let off = "typed_per_filter_config: {envoy.filters.http.ext_authz: {disabled: true}}";
    for matcher in matchers(to_pygeoapi) {
        let text = with_host("envoy/api-key.yaml", &matcher);
        assert_eq!(found(&text), Vec::<&str>::new(), "{matcher}");
        assert_eq!(report(&text).unseen, Vec::<String>::new(), "{matcher}");
    }
    for matcher in matchers(&format!("{to_pygeoapi}, {off}")) {
        let text = with_host("envoy/api-key.yaml", &matcher);
        assert_eq!(found(&text), ["route-unasked"], "{matcher}");
    }
}

#[test]
fn a_matcher_of_a_listener_without_ext_authz_is_checked() {
    let text = read("envoy/sidecar.yaml");
    let host = "                    - name: probes\n";
    for matcher in matchers("match: {prefix: /}, route: {cluster: pygeoapi}") {
        let with = format!(
            "                    - {{name: a, domains: [a], matcher: {{{matcher}}}}}\n{host}"
        );
        let changed = text.replacen(host, &with, 1);
        assert_ne!(changed, text);
        assert_eq!(found(&changed), ["unguarded-listener"], "{matcher}");
    }
}

#[test]
fn routes_that_cannot_be_read_are_said_to_be_unseen() {
    let other = "on_no_match: {action: {name: a, typed_config: {\"@type\": a.example/Other}}}";
    let text = with_host("envoy/api-key.yaml", other);
    let unseen = report(&text).unseen;
    assert!(
        unseen.len() == 1 && unseen[0].contains("`matcher`"),
        "{unseen:?}"
    );

    let text = read("envoy/api-key.yaml");
    let on_demand = text.replacen(
        "                  virtual_hosts:\n",
        "                  vhds: {config_source: {ads: {}}}\n                  virtual_hosts:\n",
        1,
    );
    assert_ne!(on_demand, text);
    let unseen = report(&on_demand).unseen;
    assert!(
        unseen.len() == 1 && unseen[0].contains("VHDS"),
        "{unseen:?}"
    );
}

/// A set of routes that a scope contains is read, and one that a control plane sends is unseen.
#[test]
fn routes_of_scopes_are_checked() {
    let text = read("envoy/sidecar.yaml");
    let own = "                route_config:\n                  name: probes\n";
    let scoped = |scopes: &str| {
        let with = format!("                scoped_routes: {{name: a, {scopes}}}\n{own}");
        let changed = text.replacen(own, &with, 1);
        assert_ne!(changed, text);
        changed
    };
    let around = "scoped_route_configurations_list: {scoped_route_configurations: [{name: a, route_configuration: {virtual_hosts: [{name: a, domains: [a], routes: [{match: {prefix: /}, route: {cluster: pygeoapi}}]}]}}]}";
    assert_eq!(found(&scoped(around)), ["unguarded-listener"]);
    for sent in [
        "scoped_route_configurations_list: {scoped_route_configurations: [{name: a, route_configuration_name: b}]}",
        "scoped_rds: {}",
    ] {
        let unseen = report(&scoped(sent)).unseen;
        assert_eq!(unseen.len(), 1, "{sent}: {unseen:?}");
    }
}
