//! Routes and their targets.

use super::{extension::typed_config, matcher::matched, node::Node};

/// A route, with everything that contains settings for it.
#[derive(Debug)]
pub(crate) struct Route<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) host: Node<'a>,
    /// The set of routes, the virtual host, the route and its clusters, from the outside in.
    pub(crate) levels: Vec<Node<'a>>,
}

/// The target of a route.
#[derive(Debug, Clone)]
pub(crate) enum Target<'a> {
    /// A cluster, and the place that names it.
    Cluster(&'a str, Node<'a>),
    /// Any cluster: a header of the request or a plugin chooses it.
    ChosenByRequest(Node<'a>),
}

impl<'a> Target<'a> {
    /// The cluster that `node` names.
    pub(crate) fn named(node: Node<'a>) -> Option<Self> {
        Some(Self::Cluster(node.text()?, node))
    }

    pub(crate) fn node(&self) -> &Node<'a> {
        match self {
            Self::Cluster(_, node) | Self::ChosenByRequest(node) => node,
        }
    }
}

impl<'a> Route<'a> {
    /// All routes of a `RouteConfiguration`. `unseen` receives what it names but does not contain.
    pub(crate) fn all(listener: &str, config: &Node<'a>, unseen: &mut Vec<String>) -> Vec<Self> {
        if config.get("vhds").is_some() {
            unseen.push(format!(
                "virtual hosts of listener `{listener}`: they come from a control plane on demand (VHDS)"
            ));
        }
        let mut all = Vec::new();
        for host in config.list("virtual_hosts") {
            let matched = host.get("matcher").as_ref().map(matched);
            let matched = matched.unwrap_or_default();
            if matched.has_other_actions {
                unseen.push(format!(
                    "routes of listener `{listener}`: an action of a `matcher` is of a type that this check does not read"
                ));
            }
            for node in host.list("routes").into_iter().chain(matched.routes) {
                let by_weight = weighted(&node).into_iter();
                let levels = [config.clone(), host.clone(), node.clone()];
                all.push(Self {
                    levels: levels.into_iter().chain(by_weight).collect(),
                    host: host.clone(),
                    node,
                });
            }
        }
        all
    }

    /// The clusters that the route leads to. A redirect or a direct response leads to none.
    pub(crate) fn targets(&self) -> Vec<Target<'a>> {
        let Some(action) = self.node.get("route") else {
            return Vec::new();
        };
        let one = action.get("cluster").and_then(Target::named);
        let mut all: Vec<_> = one.into_iter().collect();
        for entry in weighted(&self.node) {
            all.extend(entry.get("name").and_then(Target::named));
            all.extend(entry.get("cluster_header").map(Target::ChosenByRequest));
        }
        for name in [
            "cluster_header",
            "cluster_specifier_plugin",
            "inline_cluster_specifier_plugin",
        ] {
            all.extend(action.get(name).map(Target::ChosenByRequest));
        }
        all
    }

    /// The clusters that the route leads to, and those that get a copy of its requests.
    pub(crate) fn all_targets(&self) -> Vec<Target<'a>> {
        let mut all = self.targets();
        for copy in self.copies() {
            all.extend(copy.get("cluster").and_then(Target::named));
            all.extend(copy.get("cluster_header").map(Target::ChosenByRequest));
        }
        all
    }

    /// What the route says of copies of its requests (`request_mirror_policies`).
    pub(crate) fn copies(&self) -> Vec<Node<'a>> {
        let Some(action) = self.node.get("route") else {
            return Vec::new();
        };
        let levels = self.levels.iter().chain([&action]);
        levels
            .flat_map(|level| level.list("request_mirror_policies"))
            .collect()
    }

    /// The settings of these filters for this route, at each level.
    pub(crate) fn settings(&self, filters: &[&str]) -> Vec<Node<'a>> {
        let all = self.entries(filters).into_iter();
        all.map(|entry| unwrapped(&entry)).collect()
    }

    /// The setting that switches off one of these filters, if there is one.
    pub(crate) fn switch(&self, filters: &[&str]) -> Option<Node<'a>> {
        let mut all = self.entries(filters).into_iter();
        all.find_map(|entry| {
            let places = [unwrapped(&entry), entry];
            let mut places = places.iter();
            places.find_map(|config| config.get("disabled").filter(Node::is_true))
        })
    }

    /// What `typed_per_filter_config` has for these filters, at each level.
    fn entries(&self, filters: &[&str]) -> Vec<Node<'a>> {
        let of_level = |level: &Node<'a>| {
            let all = level.get("typed_per_filter_config");
            let all = all.map_or_else(Vec::new, |all| all.members());
            let of_filters = all.into_iter().filter(|(name, _)| filters.contains(name));
            of_filters
                .map(|(_, node)| typed_config(node).1)
                .collect::<Vec<_>>()
        };
        self.levels.iter().flat_map(of_level).collect()
    }
}

/// The settings themselves, which a `FilterConfig` may wrap.
fn unwrapped<'a>(entry: &Node<'a>) -> Node<'a> {
    let inner = entry.get("config").map(typed_config);
    inner.map_or_else(|| entry.clone(), |(_, inner)| inner)
}

fn weighted<'a>(route: &Node<'a>) -> Vec<Node<'a>> {
    route.list_at(&["route", "weighted_clusters", "clusters"])
}
