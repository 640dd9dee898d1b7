//! The parts of a bootstrap, or of a configuration dump of a running Envoy.

use geowarden_yaml::{Document, YamlError};
use thiserror::Error;

use super::{cluster::Cluster, listener::Listener, manager::Manager, named::Named, node::Node};

/// Why a text is not a configuration of Envoy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnreadableEnvoy {
    /// It is neither YAML nor JSON.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// It is a Kubernetes manifest. A service mesh makes Envoy's configuration from it.
    #[error(
        "expected an Envoy bootstrap, found a Kubernetes manifest: a mesh or gateway makes Envoy's configuration of it; ask its Envoy what came of it (`curl localhost:15000/config_dump`, in Envoy Gateway port 19000), and check that answer"
    )]
    Manifest,
    /// It is something else.
    #[error(
        "expected an Envoy bootstrap (a mapping with `static_resources`) or an answer of Envoy's `/config_dump` (a mapping with `configs`), found neither"
    )]
    Other,
}

impl UnreadableEnvoy {
    /// The line of the error, if the error is in one line.
    pub fn line(&self) -> Option<usize> {
        match self {
            Self::Yaml(error) => Some(error.line),
            Self::Manifest | Self::Other => None,
        }
    }
}

/// The configuration of an Envoy.
#[derive(Debug)]
pub(crate) struct Bootstrap<'a> {
    pub(crate) root: Node<'a>,
    pub(crate) admin: Option<Node<'a>>,
    pub(crate) listeners: Vec<Listener<'a>>,
    pub(crate) clusters: Vec<Cluster<'a>>,
    /// Whether a control plane supplies clusters that the file does not contain.
    pub(crate) has_unseen_clusters: bool,
    /// Parts that the file names but does not contain.
    pub(crate) unseen: Vec<String>,
}

impl<'a> Bootstrap<'a> {
    pub(crate) fn read(document: &'a Document) -> Result<Self, UnreadableEnvoy> {
        let root = Node::root(document);
        let is = |names: &[&str]| names.iter().any(|name| root.get(name).is_some());
        if root.get("configs").is_some() {
            Ok(Self::of_dump(root))
        } else if is(&["static_resources", "dynamic_resources"]) {
            Ok(Self::of_bootstrap(root))
        } else if is(&["apiVersion"]) && is(&["kind"]) {
            Err(UnreadableEnvoy::Manifest)
        } else {
            Err(UnreadableEnvoy::Other)
        }
    }

    fn of_bootstrap(root: Node<'a>) -> Self {
        let mut unseen = Vec::new();
        let mut has_unseen_clusters = false;
        for (name, what) in [
            ("lds_config", "listeners"),
            ("cds_config", "clusters"),
            ("ads_config", "what a control plane sends (ADS)"),
        ] {
            if root.at(&["dynamic_resources", name]).is_some() {
                has_unseen_clusters |= name != "lds_config";
                unseen.push(format!(
                    "{what}: `dynamic_resources.{name}` names where they come from; check an answer of /config_dump to see them"
                ));
            }
        }
        let named = Named::default();
        let listeners = root.list_at(&["static_resources", "listeners"]).into_iter();
        Self {
            admin: root.get("admin"),
            listeners: listeners
                .map(|node| Listener::read(&node, &named, &mut unseen))
                .collect(),
            clusters: clusters(
                root.list_at(&["static_resources", "clusters"]),
                &named,
                &mut unseen,
            ),
            has_unseen_clusters,
            unseen,
            root,
        }
    }

    /// Reads a response of `/config_dump` (`envoy.admin.v3.ConfigDump`).
    fn of_dump(root: Node<'a>) -> Self {
        let mut unseen = Vec::new();
        let (mut listeners, mut all_clusters) = (Vec::new(), Vec::new());
        let (mut named, mut bootstrap) = (Named::default(), None);
        let mut has_clusters = false;
        for dump in root.list("configs") {
            let url = dump.text_of("@type").unwrap_or_default();
            match url.rsplit('.').next().unwrap_or_default() {
                "BootstrapConfigDump" => bootstrap = dump.get("bootstrap"),
                "ListenersConfigDump" => {
                    let of = |list: &str, way: &[&str]| below(&dump, list, way);
                    listeners.extend(of("static_listeners", &["listener"]));
                    listeners.extend(of("dynamic_listeners", &["active_state", "listener"]));
                }
                "ClustersConfigDump" => {
                    has_clusters = true;
                    for list in ["static_clusters", "dynamic_active_clusters"] {
                        all_clusters.extend(below(&dump, list, &["cluster"]));
                    }
                }
                "RoutesConfigDump" => {
                    let routes = below(&dump, "dynamic_route_configs", &["route_config"]);
                    let by_name = routes.into_iter().filter_map(|routes| {
                        let name = routes.text_of("name")?;
                        Some((name, routes))
                    });
                    named.routes.extend(by_name);
                }
                "EcdsConfigDump" => {
                    let filters = below(&dump, "ecds_filters", &["ecds_filter"]);
                    let by_name = filters.into_iter().filter_map(|filter| {
                        let name = filter.text_of("name")?;
                        Some((name, filter))
                    });
                    named.filters.extend(by_name);
                }
                _ => {}
            }
        }
        if !has_clusters {
            unseen.push(
                "clusters: this answer has none of them; ask for the whole /config_dump".to_owned(),
            );
        }
        Self {
            admin: bootstrap.and_then(|bootstrap| bootstrap.get("admin")),
            listeners: listeners
                .into_iter()
                .map(|node| Listener::read(&node, &named, &mut unseen))
                .collect(),
            clusters: clusters(all_clusters, &named, &mut unseen),
            has_unseen_clusters: !has_clusters,
            unseen,
            root,
        }
    }

    /// The connection managers with an ext_authz filter.
    pub(crate) fn asking_managers(&self) -> impl Iterator<Item = &Manager<'a>> {
        let all = self.listeners.iter().flat_map(|l| &l.managers);
        all.filter(|manager| manager.asks())
    }

    pub(crate) fn cluster(&self, name: &str) -> Option<&Cluster<'a>> {
        self.clusters.iter().find(|cluster| cluster.name == name)
    }
}

fn below<'a>(dump: &Node<'a>, list: &str, way: &[&str]) -> Vec<Node<'a>> {
    let all = dump.list(list).into_iter();
    all.filter_map(|entry| entry.at(way)).collect()
}

fn clusters<'a>(
    nodes: Vec<Node<'a>>,
    named: &Named<'a>,
    unseen: &mut Vec<String>,
) -> Vec<Cluster<'a>> {
    let clusters = nodes.into_iter();
    let clusters = clusters.map(|node| Cluster::read(node, named, unseen));
    let clusters: Vec<_> = clusters.collect();
    for cluster in &clusters {
        if cluster.has_unseen_addresses() {
            unseen.push(format!(
                "addresses of cluster `{}`: they come from a control plane (EDS)",
                cluster.name
            ));
        }
    }
    clusters
}
