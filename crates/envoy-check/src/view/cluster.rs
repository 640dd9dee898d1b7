//! Clusters and their addresses.

use super::{address::NetworkAddress, node::Node};

/// A cluster.
#[derive(Debug)]
pub(crate) struct Cluster<'a> {
    pub(crate) name: &'a str,
    pub(crate) node: Node<'a>,
}

impl<'a> Cluster<'a> {
    pub(crate) fn read(node: Node<'a>) -> Self {
        Self {
            name: node.text_of("name").unwrap_or_default(),
            node,
        }
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

    pub(crate) fn has_tls(&self) -> bool {
        self.node.get("transport_socket").is_some()
            || self.node.get("transport_socket_matches").is_some()
    }

    /// Whether Envoy speaks HTTP/2 to the cluster, which gRPC needs.
    pub(crate) fn has_http2(&self) -> bool {
        let options = self.node.get("typed_extension_protocol_options");
        let options = options.map_or_else(Vec::new, |options| options.members());
        let mut options = options.into_iter();
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
