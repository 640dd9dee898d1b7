//! HTTP connection managers, with their filters and routes.

use super::{extension::Extension, named::Named, node::Node, route::Route};

pub(crate) const EXT_AUTHZ: &str = "envoy.extensions.filters.http.ext_authz.v3.ExtAuthz";
pub(crate) const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";
const MATCHER: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";

/// An HTTP filter.
#[derive(Debug)]
pub(crate) struct HttpFilter<'a> {
    pub(crate) extension: Extension<'a>,
    /// Whether the filter is wrapped in a matcher that can skip it.
    pub(crate) is_conditional: bool,
}

impl HttpFilter<'_> {
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.extension.kind == kind
    }
}

/// A connection manager.
#[derive(Debug)]
pub(crate) struct Manager<'a> {
    pub(crate) listener: &'a str,
    /// The listener that contains the manager.
    pub(crate) listener_node: Node<'a>,
    pub(crate) config: Node<'a>,
    pub(crate) filters: Vec<HttpFilter<'a>>,
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
        let filters = config.list("http_filters").into_iter();
        let filters = filters.map(|entry| filter(listener, entry, named, unseen));
        let filters = filters.collect();
        let routes = routes(listener, &config, named, unseen).into_iter();
        let routes = routes.flat_map(|routes| Route::all(listener, &routes, unseen));
        let routes = routes.collect();
        Self {
            listener,
            listener_node: listener_node.clone(),
            filters,
            routes,
            config,
        }
    }

    /// The filters that ask geowarden.
    pub(crate) fn authorizations(&self) -> impl Iterator<Item = &HttpFilter<'a>> {
        self.filters.iter().filter(|filter| filter.is(EXT_AUTHZ))
    }

    pub(crate) fn asks(&self) -> bool {
        self.authorizations().next().is_some()
    }

    /// The setting that switches off ext_authz for a route, if there is one.
    pub(crate) fn switch_of(&self, route: &Route<'a>) -> Option<Node<'a>> {
        let names: Vec<&str> = self.authorizations().map(|f| f.extension.name).collect();
        route.switch(&names)
    }
}

/// The sets of routes of a connection manager.
fn routes<'a>(
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
    let names = [
        "scoped_routes",
        "scoped_route_configurations_list",
        "scoped_route_configurations",
    ];
    let scoped = config.list_at(&names).into_iter().filter_map(|scope| {
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

fn filter<'a>(
    listener: &str,
    entry: Node<'a>,
    named: &Named<'a>,
    unseen: &mut Vec<String>,
) -> HttpFilter<'a> {
    let mut extension = Extension::of(&entry);
    if entry.get("config_discovery").is_some() {
        match named.filters.get(extension.name) {
            Some(sent) => {
                extension = Extension {
                    entry,
                    ..Extension::of(sent)
                }
            }
            None => unseen.push(format!(
                "filter `{}` of listener `{listener}`: it comes from a control plane (ECDS)",
                extension.name
            )),
        }
    }
    let inner = (extension.kind == MATCHER).then(|| extension.inside("extension_config"));
    match inner.flatten() {
        Some(inner) => HttpFilter {
            extension: inner,
            is_conditional: true,
        },
        None => HttpFilter {
            extension,
            is_conditional: false,
        },
    }
}
