//! Checks that all listeners that lead to pygeoapi ask geowarden.

use crate::{
    finding::Findings,
    guarded::Guarded,
    service::Geowarden,
    view::{Bootstrap, Manager, Route, Target},
};

pub(crate) fn check(
    bootstrap: &Bootstrap<'_>,
    guarded: &Guarded,
    geowarden: &Geowarden<'_, '_>,
    found: &mut Findings,
) {
    let managers = || bootstrap.listeners.iter().flat_map(|l| &l.managers);
    if managers().all(|manager| !manager.asks()) {
        found.error(
            "no-ext-authz",
            &bootstrap.root,
            "expected an HTTP filter of the type ExtAuthz in a listener, found none: nobody asks geowarden",
            "add an ext_authz filter whose `grpc_service` is geowarden, as the last filter before the router",
        );
    }
    if let Some(filter) = geowarden.ambiguous_filter() {
        found.warning(
            "several-services",
            &filter.extension.entry,
            "ext_authz filters ask several services, and the addresses do not say which one is geowarden: this filter was taken for one that asks another service",
            "check with `--config`, whose `server.grpc` says where geowarden listens",
        );
    }
    if guarded.is_empty() {
        return;
    }
    for manager in managers().filter(|manager| !geowarden.judges(manager)) {
        let targets = manager.routes.iter().flat_map(Route::all_targets);
        for target in targets.filter(|target| guarded.may_be(target)) {
            way_around(manager, &target, guarded, found);
        }
    }
    for proxy in bootstrap.listeners.iter().flat_map(|l| &l.tcp_proxies) {
        let by_weight = proxy.config.list_at(&["weighted_clusters", "clusters"]);
        let by_weight = by_weight.into_iter().filter_map(|entry| entry.get("name"));
        let all = proxy.config.get("cluster").into_iter().chain(by_weight);
        for target in all.filter_map(Target::named) {
            if guarded.may_be(&target) {
                found.error(
                    "tcp-proxy",
                    target.node(),
                    "a tcp_proxy forwards connections to the guarded cluster: geowarden judges no request in them",
                    "remove this filter, or put a connection manager with the ext_authz filter in its place",
                );
            }
        }
    }
}

/// Reports a target of a listener that does not ask geowarden.
fn way_around(manager: &Manager<'_>, target: &Target<'_>, guarded: &Guarded, found: &mut Findings) {
    let listener = manager.listener;
    let leads = if guarded.is_chosen_by_request(target) {
        "lets the request choose its target, which can be the guarded cluster,"
    } else {
        "leads to the guarded cluster"
    };
    if manager.asks() {
        found.error(
            "listener-other-service",
            target.node(),
            format!("listener `{listener}` {leads} and asks another service than geowarden: geowarden judges none of its requests"),
            "let the ext_authz filter of this listener ask geowarden, or remove the route",
        );
    } else {
        found.error(
            "unguarded-listener",
            target.node(),
            format!("listener `{listener}` {leads} and has no ext_authz filter: geowarden judges none of its requests"),
            "give its connection manager the same ext_authz filter, or remove the route",
        );
    }
}
