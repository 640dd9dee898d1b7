//! Ways from a listener without ext_authz to pygeoapi that are not a route with its cluster.

use super::{found, read};

const ROUTE: &str = "{cluster: admin, timeout: 5s}";
const HOST: &str = "                    - name: probes\n                      domains: [\"*\"]\n";
const OWN: &str = "cluster: pygeoapi\n";
const CLUSTERS: &str = "  clusters:\n";

fn replaced(text: &str, from: &str, to: &str) -> String {
    let changed = text.replacen(from, to, 1);
    assert!(changed != text, "{from}");
    changed
}

fn with_cluster(text: &str, cluster: &str) -> String {
    replaced(text, CLUSTERS, &format!("{CLUSTERS}    - {{{cluster}}}\n"))
}

#[test]
fn a_copy_of_requests_is_a_way() {
    let text = read("envoy/sidecar.yaml");
    let mirror = "request_mirror_policies: [{cluster: pygeoapi}]";
    for changed in [
        replaced(&text, ROUTE, &format!("{{cluster: admin, {mirror}}}")),
        replaced(
            &text,
            ROUTE,
            "{cluster: admin, request_mirror_policies: [{cluster_header: x-copy}]}",
        ),
    ] {
        assert_eq!(found(&changed), ["unguarded-listener"]);
    }
    // Both routes of the host have it.
    let of_host = replaced(
        &text,
        HOST,
        &format!("{HOST}                      {mirror}\n"),
    );
    let of_all = replaced(
        &text,
        "                  name: probes\n",
        &format!("                  name: probes\n                  {mirror}\n"),
    );
    for changed in [of_host, of_all] {
        assert_eq!(found(&changed), ["unguarded-listener"]);
    }
}

/// The service that gets copies of judged requests is not pygeoapi.
#[test]
fn the_target_of_judged_copies_is_not_guarded() {
    let text = read("envoy/sidecar.yaml");
    let own = format!("                            {OWN}");
    let copied =
        format!("{own}                            request_mirror_policies: [{{cluster: admin}}]\n");
    assert_eq!(found(&replaced(&text, &own, &copied)), Vec::<&str>::new());
}

fn groups(member: &str) -> [String; 2] {
    [
        format!(
            "name: group, lb_policy: CLUSTER_PROVIDED, cluster_type: {{name: envoy.clusters.aggregate, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.clusters.aggregate.v3.ClusterConfig, clusters: [{member}]}}}}"
        ),
        format!(
            "name: group, lb_policy: CLUSTER_PROVIDED, cluster_type: {{name: envoy.clusters.composite, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.clusters.composite.v3.ClusterConfig, clusters: [{{name: {member}}}]}}}}"
        ),
    ]
}

#[test]
fn a_cluster_with_pygeoapi_as_member_is_a_way() {
    let text = read("envoy/sidecar.yaml");
    for group in groups("pygeoapi") {
        let changed = replaced(&with_cluster(&text, &group), ROUTE, "{cluster: group}");
        assert_eq!(found(&changed), ["unguarded-listener"], "{group}");
        // A member of a member.
        let outer = group
            .replace("name: group", "name: outer")
            .replace("pygeoapi", "group");
        let nested = with_cluster(&with_cluster(&text, &group), &outer);
        let changed = replaced(&nested, ROUTE, "{cluster: outer}");
        assert_eq!(found(&changed), ["unguarded-listener"], "{group}");
        let proxy = "    - name: around\n      filter_chains:\n        - filters:\n            - name: tcp\n              typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, cluster: group}\n    - name: probes\n";
        let changed = replaced(&with_cluster(&text, &group), "    - name: probes\n", proxy);
        assert_eq!(found(&changed), ["tcp-proxy"], "{group}");
    }
    for group in groups("admin") {
        let changed = replaced(&with_cluster(&text, &group), ROUTE, "{cluster: group}");
        assert_eq!(found(&changed), Vec::<&str>::new(), "{group}");
    }
}

#[test]
fn a_member_of_the_guarded_cluster_is_guarded() {
    let text = read("envoy/sidecar.yaml");
    for group in groups("pygeoapi") {
        let text = replaced(&with_cluster(&text, &group), OWN, "cluster: group\n");
        assert_eq!(found(&text), Vec::<&str>::new(), "{group}");
        let changed = replaced(&text, ROUTE, "{cluster: pygeoapi}");
        assert_eq!(found(&changed), ["unguarded-listener"], "{group}");
        // Another cluster of this type leads elsewhere.
        let other = group
            .replace("name: group", "name: outer")
            .replace("pygeoapi", "admin");
        let elsewhere = replaced(&with_cluster(&text, &other), ROUTE, "{cluster: outer}");
        assert_eq!(found(&elsewhere), Vec::<&str>::new(), "{group}");
    }
}

/// A client can choose the address of pygeoapi.
#[test]
fn a_cluster_that_takes_its_address_from_the_request_is_a_way() {
    let text = read("envoy/sidecar.yaml");
    for (cluster, is_way) in [
        (
            "name: any, lb_policy: CLUSTER_PROVIDED, cluster_type: {name: envoy.clusters.dynamic_forward_proxy, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig}}",
            true,
        ),
        (
            "name: any, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED, original_dst_lb_config: {use_http_header: true}",
            true,
        ),
        (
            "name: any, type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED",
            false,
        ),
    ] {
        let with = with_cluster(&text, cluster);
        let unguarded = replaced(&with, ROUTE, "{cluster: any}");
        let guarded = replaced(&with, OWN, "cluster: any\n");
        let (one, two) = if is_way {
            (&["unguarded-listener"][..], &["route-by-header"][..])
        } else {
            (&[][..], &[][..])
        };
        assert_eq!(found(&unguarded), one, "{cluster}");
        assert_eq!(found(&guarded), two, "{cluster}");
    }
}
