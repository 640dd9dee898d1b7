//! A typed view of the parts of Envoy's configuration that the checks need.

mod address;
mod bootstrap;
mod cluster;
mod extension;
mod listener;
mod manager;
mod matcher;
mod named;
mod node;
mod route;

pub use self::bootstrap::UnreadableEnvoy;
pub(crate) use self::{
    address::{Host, NetworkAddress, is_loopback, socket_address},
    bootstrap::Bootstrap,
    cluster::Cluster,
    extension::{Extension, typed_config},
    manager::{EXT_AUTHZ, HttpFilter, Manager, ROUTER},
    node::Node,
    route::{Route, Target, targets_of},
};
