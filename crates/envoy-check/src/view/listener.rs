//! Listeners of Envoy.

use super::{extension::Extension, manager::Manager, named::Named, node::Node};

const MANAGER: &str =
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
const TCP_PROXY: &str = "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";

/// A listener, with its HTTP connection managers and TCP proxies.
#[derive(Debug)]
pub(crate) struct Listener<'a> {
    pub(crate) managers: Vec<Manager<'a>>,
    /// Filters that pass on connections without reading requests.
    pub(crate) tcp_proxies: Vec<Extension<'a>>,
}

impl<'a> Listener<'a> {
    pub(crate) fn read(node: &Node<'a>, named: &Named<'a>, unseen: &mut Vec<String>) -> Self {
        let name = node.text_of("name").unwrap_or("(without a name)");
        let (mut managers, mut tcp_proxies) = (Vec::new(), Vec::new());
        let chains = node.list("filter_chains").into_iter();
        for chain in chains.chain(node.get("default_filter_chain")) {
            for entry in chain.list("filters") {
                let filter = Extension::of(&entry);
                match filter.kind {
                    MANAGER => {
                        managers.push(Manager::read(name, node, filter.config, named, unseen));
                    }
                    TCP_PROXY => tcp_proxies.push(filter),
                    _ if entry.get("config_discovery").is_some() => unseen.push(format!(
                        "a filter of listener `{name}`: it comes from a control plane (ECDS)"
                    )),
                    _ => {}
                }
            }
        }
        Self {
            managers,
            tcp_proxies,
        }
    }
}
