//! HTTP connection managers, with their filters and routes.

use super::{
    http_filter::{EXT_AUTHZ, HttpFilter, ROUTER},
    named::Named,
    node::Node,
    route::Route,
};

/// A connection manager.
#[derive(Debug)]
pub(crate) struct Manager<'a> {
    pub(crate) listener: &'a str,
    /// The listener that contains the manager.
    pub(crate) listener_node: Node<'a>,
    pub(crate) config: Node<'a>,
    pub(crate) filters: Vec<HttpFilter<'a>>,
    /// The filters that its routers run upstream, where the cluster has none of its own.
    pub(crate) upstream_filters: Vec<HttpFilter<'a>>,
    pub(crate) routes: Vec<Route<'a>>,
}

impl<'a> Manager<'a> {
    pub(crate) fn read(
        listener: &'a str,
        listener_node: &Node<'a>,
        config: Node<'a>,
        named: &Named<'a>,
        unseen: &mut Vec<String>,
    ) -> Self {
        let owner = format!("listener `{listener}`");
        let filters = HttpFilter::all(&owner, config.list("http_filters"), named, unseen);
        let last = filters.iter().filter(|filter| filter.is(ROUTER));
        let upstream =
            last.flat_map(|router| router.extension.config.list("upstream_http_filters"));
        let upstream_filters = HttpFilter::all(&owner, upstream.collect(), named, unseen);
        let sets = route_configs(listener, &config, named, unseen).into_iter();
        let routes = sets.flat_map(|set| Route::all(listener, &set, unseen));
        let routes = routes.collect();
        Self {
            listener,
            listener_node: listener_node.clone(),
            filters,
            upstream_filters,
            routes,
            config,
        }
    }

    /// The ext_authz filters. They may ask geowarden or another service.
    pub(crate) fn authorizations(&self) -> impl Iterator<Item = &HttpFilter<'a>> {
        self.filters.iter().filter(|filter| filter.is(EXT_AUTHZ))
    }

    pub(crate) fn asks(&self) -> bool {
        self.authorizations().next().is_some()
    }
}

/// The sets of routes of a connection manager.
fn route_configs<'a>(
    listener: &str,
    config: &Node<'a>,
    named: &Named<'a>,
    unseen: &mut Vec<String>,
) -> Vec<Node<'a>> {
    let mut by_name = |name: Option<Node<'a>>| {
        let name = name?.text()?;
        let found = named.routes.get(name).cloned();
        if found.is_none() {
            unseen.push(format!(
                "routes `{name}` of listener `{listener}`: they come from a control plane (RDS); check an answer of /config_dump to see them"
            ));
        }
        found
    };
    let one = config.get("route_config");
    let one = one.or_else(|| by_name(config.at(&["rds", "route_config_name"])));
    let list = [
        "scoped_routes",
        "scoped_route_configurations_list",
        "scoped_route_configurations",
    ];
    let scoped = config.list_at(&list).into_iter().filter_map(|scope| {
        let own = scope.get("route_configuration");
        own.or_else(|| by_name(scope.get("route_configuration_name")))
    });
    let all = one.into_iter().chain(scoped).collect();
    if config.at(&["scoped_routes", "scoped_rds"]).is_some() {
        unseen.push(format!(
            "routes of listener `{listener}`: they are scoped and come from a control plane (SRDS), which this check does not follow"
        ));
    }
    all
}
