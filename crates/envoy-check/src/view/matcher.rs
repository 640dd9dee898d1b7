//! Routes that an xds matcher chooses (`VirtualHost.matcher`).

use super::{extension::typed_config, node::Node};

const ROUTE: &str = "envoy.config.route.v3.Route";
const ROUTE_LIST: &str = "envoy.config.route.v3.RouteList";

/// What a matcher leads to.
#[derive(Debug, Default)]
pub(crate) struct Matched<'a> {
    pub(crate) routes: Vec<Node<'a>>,
    /// Whether an action is neither a route nor a list of routes.
    pub(crate) has_other_actions: bool,
}

/// The routes in the actions of a matcher, however its lists and trees are nested.
pub(crate) fn matched<'a>(matcher: &Node<'a>) -> Matched<'a> {
    let mut all = Matched::default();
    let mut open = vec![matcher.clone()];
    while let Some(node) = open.pop() {
        if let Some(action) = node.get("action") {
            let config = action.get("typed_config").map(typed_config);
            match config {
                Some((ROUTE, route)) => all.routes.push(route),
                Some((ROUTE_LIST, list)) => all.routes.extend(list.list("routes")),
                _ => all.has_other_actions = true,
            }
            // A route's own settings may contain matchers of something else.
            continue;
        }
        open.extend(node.children().into_iter().rev());
    }
    all
}
