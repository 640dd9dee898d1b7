//! Checks how Envoy reaches geowarden, and whether anybody else could answer in its place.

use crate::{
    Expectations, ListensOn,
    finding::Findings,
    view::{Bootstrap, Host, HttpFilter, NetworkAddress, Node, Protection, socket_address},
};

pub(crate) fn check(
    bootstrap: &Bootstrap<'_>,
    filter: &HttpFilter<'_>,
    expected: &Expectations,
    found: &mut Findings,
) {
    let Some(service) = filter.extension.config.get("grpc_service") else {
        return;
    };
    google_grpc(&service, found);
    let Some(name) = service.at(&["envoy_grpc", "cluster_name"]) else {
        return;
    };
    let cluster = name.text().and_then(|name| bootstrap.cluster(name));
    let Some(cluster) = cluster else {
        if !bootstrap.has_unseen_clusters {
            found.error(
                "unknown-cluster",
                &name,
                "cluster_name: expected a cluster of this file, found another name: nobody answers, and every request is refused",
                "name the cluster in which geowarden is",
            );
        }
        return;
    };
    if !cluster.has_http2() {
        found.warning(
            "geowarden-http2",
            &cluster.node,
            "expected `http2_protocol_options`, found none: gRPC needs HTTP/2, and every request is refused",
            "set `explicit_http_config: {http2_protocol_options: {}}` in its `HttpProtocolOptions`",
        );
    }
    for endpoint in cluster.endpoints() {
        if let Some((address, node)) = socket_address(&endpoint) {
            protection(
                &Host::read(address),
                Protection::of_cluster(&cluster.node),
                &node,
                found,
            );
        }
        if let Some(listens_on) = &expected.grpc {
            address(&endpoint, listens_on, found);
        }
    }
}

/// Checks that nobody on the way to another machine can answer in the place of geowarden.
fn protection(host: &Host, protection: Protection, at: &Node<'_>, found: &mut Findings) {
    if *host == Host::ThisMachine {
        return;
    }
    match protection {
        Protection::Plain => found.warning(
            "geowarden-plain",
            at,
            "Envoy asks geowarden on another machine without TLS: whoever can change its answers on the way lets everybody in",
            "ask geowarden over mutual TLS (`UpstreamTlsContext`), or by a Unix socket",
        ),
        Protection::Unverified => found.warning(
            "geowarden-unverified",
            at,
            "Envoy asks geowarden over TLS and accepts any certificate: whoever answers in its place lets everybody in",
            "set `validation_context: {trusted_ca: {filename: FILE}}` in `common_tls_context`",
        ),
        Protection::Verified => {}
    }
}

/// Checks that Envoy asks where geowarden listens.
fn address(endpoint: &Node<'_>, listens_on: &ListensOn, found: &mut Findings) {
    let Some(asked) = NetworkAddress::read(endpoint) else {
        return;
    };
    if !listens_on.is_elsewhere(&asked) {
        return;
    }
    let names = [&["socket_address", "address"][..], &["pipe", "path"]];
    let at = names.iter().find_map(|names| endpoint.at(names));
    let expected = match listens_on {
        ListensOn::Tcp(address) => format!("`{address}`"),
        ListensOn::Unix(path) => format!("the socket `{}`", path.display()),
    };
    let is = match &asked {
        NetworkAddress::Tcp { port, .. } => format!("another host or port ({port})"),
        NetworkAddress::Unix(_) => "another socket".to_owned(),
    };
    found.warning(
        "geowarden-address",
        at.as_ref().unwrap_or(endpoint),
        format!("expected {expected}, on which geowarden listens (`server.grpc`), found {is}: nobody answers, and every request is refused"),
        "write one address in both files",
    );
}

/// Checks google_grpc. gRPC's own client sends the path of a Unix socket as the host, which HTTP/2 rejects.
fn google_grpc(service: &Node<'_>, found: &mut Findings) {
    let Some(google) = service.get("google_grpc") else {
        return;
    };
    let Some(target) = google.get("target_uri") else {
        return;
    };
    let asked = target.text().and_then(NetworkAddress::of_target);
    if let Some(NetworkAddress::Tcp { host, .. }) = asked {
        let by_google = Protection::of_google_grpc(&google);
        protection(&host, by_google, &target, found);
    }
    let names = ["channel_args", "args", "grpc.default_authority"];
    let is_socket = target.text().is_some_and(|uri| uri.starts_with("unix:"));
    if is_socket && google.at(&names).is_none() {
        found.warning(
            "google-grpc-authority",
            &target,
            "google_grpc sends the path of a Unix socket as the host: geowarden's server resets each call, and every request is refused",
            "use `envoy_grpc`, or set `channel_args: {args: {grpc.default_authority: {string_value: geowarden}}}`",
        );
    }
}
