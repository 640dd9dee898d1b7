//! A typed view of the parts of Envoy's configuration that the checks need.

mod bootstrap;
mod cluster;
mod extension;
mod listener;
mod manager;
mod named;
mod node;
mod route;

pub use self::bootstrap::UnreadableEnvoy;
pub(crate) use self::{
    bootstrap::Bootstrap,
    cluster::{Cluster, is_loopback, socket_address},
    extension::{Extension, typed_config},
    manager::{EXT_AUTHZ, HttpFilter, Manager, ROUTER},
    node::Node,
    route::{Route, Target, targets_of},
};
