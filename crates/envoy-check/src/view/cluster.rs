//! Clusters and their addresses.

use std::net::IpAddr;

use super::node::Node;

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
        all.filter_map(|entry| entry.at(&["endpoint", "address"]))
            .collect()
    }

    /// The addresses of the cluster. Each is one text: `127.0.0.1:5000`, or the path of a socket.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let one = |address: &Node<'a>| {
            if let Some(path) = address.at(&["pipe", "path"]) {
                return path.text().map(str::to_owned);
            }
            let socket = address.get("socket_address")?;
            let port = socket.get("port_value")?.number()?;
            Some(format!("{}:{port}", socket.text_of("address")?))
        };
        self.endpoints().iter().filter_map(one).collect()
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

/// The IP address or host name in a `core.v3.Address`, with its place. `None` if it is not a network address.
pub(crate) fn socket_address<'a>(address: &Node<'a>) -> Option<(&'a str, Node<'a>)> {
    let node = address.at(&["socket_address", "address"])?;
    Some((node.text()?, node))
}

pub(crate) fn is_loopback(address: &str) -> bool {
    let ip = address.parse::<IpAddr>();
    address == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}
