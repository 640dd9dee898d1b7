//! Clusters and their addresses.

use super::{
    address::NetworkAddress,
    extension::{Extension, typed_config},
    http_filter::HttpFilter,
    named::Named,
    node::Node,
};

const HTTP_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
/// Connections by HTTP. The generic one uses TCP for CONNECT requests only.
const HTTP_POOLS: [&str; 2] = [
    "envoy.extensions.upstreams.http.http.",
    "envoy.extensions.upstreams.http.generic.",
];
const DYNAMIC_FORWARD_PROXY: &str = "envoy.extensions.clusters.dynamic_forward_proxy.";

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) name: &'a str,
    pub(crate) node: Node<'a>,
    /// The HTTP filters that run on the way to the cluster.
    pub(crate) http_filters: Vec<HttpFilter<'a>>,
}

impl<'a> Cluster<'a> {
    pub(crate) fn read(node: Node<'a>, named: &Named<'a>, unseen: &mut Vec<String>) -> Self {
        let name = node.text_of("name").unwrap_or_default();
        let options = protocol_options(&node).into_iter();
        let options = options.filter(|(kind, _)| *kind == HTTP_OPTIONS);
        let entries = options.flat_map(|(_, options)| options.list("http_filters"));
        let owner = format!("cluster `{name}`");
        Self {
            name,
            http_filters: HttpFilter::all(&owner, entries.collect(), named, unseen),
            node,
        }
    }

    /// The names of the clusters to which this one forwards (aggregate and composite clusters).
    pub(crate) fn members(&self) -> Vec<&'a str> {
        let Some(own) = self.node.get("cluster_type") else {
            return Vec::new();
        };
        let config = Extension::of(&own).config;
        let lists = ["clusters", "sub_clusters"];
        let lists = lists.iter().filter_map(|name| config.get(name));
        let texts = lists.flat_map(|list| list.texts());
        texts.map(|(text, _)| text).collect()
    }

    /// Whether a client chooses the address to which the cluster connects, by the host or another header of its request.
    pub(crate) fn takes_address_of_request(&self) -> bool {
        let own = self.node.get("cluster_type");
        let own = own.map(|own| Extension::of(&own));
        let is_forward_proxy = own
            .as_ref()
            .is_some_and(|own| own.kind.starts_with(DYNAMIC_FORWARD_PROXY));
        let original = self.node.get("original_dst_lb_config");
        let mut original = original.into_iter().chain(own.map(|own| own.config));
        is_forward_proxy || original.any(|config| config.has_true("use_http_header"))
    }

    /// The setting by which Envoy sends no HTTP to the cluster: only bodies, as bytes of a TCP connection or of datagrams.
    pub(crate) fn other_protocol(&self) -> Option<Node<'a>> {
        let set = self.node.get("upstream_config")?;
        let kind = Extension::of(&set).kind;
        let is_http = HTTP_POOLS.iter().any(|known| kind.starts_with(known));
        (!is_http).then_some(set)
    }

    pub(crate) fn has_unseen_addresses(&self) -> bool {
        self.node.text_of("type") == Some("EDS")
    }

    pub(crate) fn endpoints(&self) -> Vec<Node<'a>> {
        let localities = self.node.list_at(&["load_assignment", "endpoints"]);
        let all = localities.iter().flat_map(|at| at.list("lb_endpoints"));
        let all = all.filter_map(|entry| entry.get("endpoint"));
        all.flat_map(|endpoint| {
            let others = endpoint.list("additional_addresses").into_iter();
            let first = endpoint.get("address").into_iter();
            first.chain(others.filter_map(|other| other.get("address")))
        })
        .collect()
    }

    /// The addresses of the cluster.
    pub(crate) fn addresses(&self) -> Vec<NetworkAddress> {
        let all = self.endpoints();
        all.iter().filter_map(NetworkAddress::read).collect()
    }

    /// Whether Envoy speaks HTTP/2 to the cluster, which gRPC needs.
    pub(crate) fn has_http2(&self) -> bool {
        let mut options = protocol_options(&self.node).into_iter();
        self.node.get("http2_protocol_options").is_some()
            || options.any(|(_, options)| {
                [
                    &["explicit_http_config", "http2_protocol_options"][..],
                    &["use_downstream_protocol_config", "http2_protocol_options"],
                    &["auto_config"],
                ]
                .iter()
                .any(|names| options.at(names).is_some())
            })
    }
}

/// The settings of a cluster for its protocols, each with its message type.
fn protocol_options<'a>(cluster: &Node<'a>) -> Vec<(&'a str, Node<'a>)> {
    let all = cluster.get("typed_extension_protocol_options");
    let all = all.map_or_else(Vec::new, |all| all.members());
    let all = all.into_iter();
    all.map(|(_, options)| typed_config(options)).collect()
}
