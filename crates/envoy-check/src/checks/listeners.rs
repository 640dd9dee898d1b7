//! Checks that all listeners that lead to pygeoapi ask geowarden.

use crate::{
    finding::Findings,
    guarded::Guarded,
    view::{Bootstrap, targets_of},
};

pub(crate) fn check(bootstrap: &Bootstrap<'_>, guarded: &Guarded, found: &mut Findings) {
    let managers = || bootstrap.listeners.iter().flat_map(|l| &l.managers);
    if managers().all(|manager| !manager.asks()) {
        found.error(
            "no-ext-authz",
            &bootstrap.root,
            "expected an HTTP filter of the type ExtAuthz in a listener, found none: nobody asks geowarden",
            "add the filter as in envoy/api-key.yaml, as the last one before the router",
        );
    }
    for manager in managers().filter(|manager| !manager.asks()) {
        for route in &manager.routes {
            for target in targets_of(&route.node) {
                if guarded.may_be(&target) && !guarded.is_empty() {
                    found.error(
                        "unguarded-listener",
                        target.node(),
                        format!(
                            "listener `{}` leads to the guarded cluster and has no ext_authz filter: its requests pass unasked",
                            manager.listener
                        ),
                        "give its connection manager the same ext_authz filter, or remove the route",
                    );
                }
            }
        }
    }
    for proxy in bootstrap.listeners.iter().flat_map(|l| &l.tcp_proxies) {
        let by_weight = proxy.config.list_at(&["weighted_clusters", "clusters"]);
        let by_weight = by_weight.into_iter().filter_map(|entry| entry.get("name"));
        for cluster in proxy.config.get("cluster").into_iter().chain(by_weight) {
            if cluster.text().is_some_and(|name| guarded.has(name)) {
                found.error(
                    "tcp-proxy",
                    &cluster,
                    "a tcp_proxy passes connections on to the guarded cluster: what flows in them is judged by nobody",
                    "remove this filter, or put a connection manager with the ext_authz filter in its place",
                );
            }
        }
    }
}
