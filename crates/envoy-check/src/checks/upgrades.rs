//! Checks whether a request that leads to pygeoapi can upgrade its connection.

use crate::{
    finding::Findings,
    view::{Manager, Node, Route},
};

/// Checks the types of upgrades that a manager and its routes to pygeoapi turn on. A route can turn off a type that the
/// manager turns on (`RouteAction.upgrade_configs`).
pub(super) fn check(manager: &Manager<'_>, routes: &[&Route<'_>], found: &mut Findings) {
    for upgrade in manager.config.list("upgrade_configs") {
        let is_off = |route: &&Route<'_>| {
            let mut own = of_route(route).into_iter();
            own.any(|own| is_of_type(&own, &upgrade) && !is_on(&own))
        };
        if is_on(&upgrade) && (routes.is_empty() || !routes.iter().all(is_off)) {
            tell(&upgrade, found);
        }
    }
    let own = routes.iter().flat_map(|route| of_route(route));
    for upgrade in own.filter(is_on) {
        tell(&upgrade, found);
    }
}

fn of_route<'a>(route: &Route<'a>) -> Vec<Node<'a>> {
    route.node.list_at(&["route", "upgrade_configs"])
}

/// Envoy's default is `true`.
fn is_on(upgrade: &Node<'_>) -> bool {
    !upgrade.get("enabled").is_some_and(|node| node.is_false())
}

fn is_of_type(one: &Node<'_>, other: &Node<'_>) -> bool {
    let name = |node: &Node<'_>| {
        let name = node.text_of("upgrade_type");
        name.map(str::to_ascii_lowercase)
    };
    name(one) == name(other)
}

fn tell(upgrade: &Node<'_>, found: &mut Findings) {
    found.error(
        "upgrade",
        upgrade,
        "upgrade_configs: expected none that is enabled, found one: geowarden judges the request that upgrades a connection (WebSocket, CONNECT), and does not see the data after it",
        "remove it, or give the route the same type with `enabled: false`",
    );
}
