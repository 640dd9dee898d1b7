//! A typed view of the parts of Envoy's configuration that the checks need.

mod address;
mod bootstrap;
mod cluster;
mod extension;
mod http_filter;
mod listener;
mod manager;
mod matcher;
mod named;
mod node;
mod route;
mod transport;

pub use self::bootstrap::UnreadableEnvoy;
pub(crate) use self::{
    address::{Host, NetworkAddress, is_loopback, socket_address},
    bootstrap::Bootstrap,
    cluster::Cluster,
    extension::Extension,
    http_filter::{HttpFilter, ROUTER},
    manager::Manager,
    node::Node,
    route::{Route, Target},
    transport::Protection,
};
