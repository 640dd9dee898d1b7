//! Where geowarden listens, and whether Envoy asks there.

use std::{net::SocketAddr, path::PathBuf};

use crate::view::{Host, NetworkAddress};

/// The address that geowarden listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListensOn {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A Unix domain socket.
    Unix(PathBuf),
}

impl ListensOn {
    /// Whether geowarden certainly does not answer there. A name may lead to any address, an address of a network may be
    /// translated, and a socket may have another path in another container.
    pub(crate) fn is_elsewhere(&self, asked: &NetworkAddress) -> bool {
        match (asked, self) {
            (NetworkAddress::Unix(asked), Self::Unix(path)) => {
                asked.file_name() != path.file_name()
            }
            (NetworkAddress::Unix(_), Self::Tcp(_)) => true,
            (NetworkAddress::Tcp { host, .. }, Self::Unix(_)) => *host == Host::ThisMachine,
            (NetworkAddress::Tcp { host, port }, Self::Tcp(address)) => {
                // The system chooses port 0.
                let has_port = address.port() == 0 || u64::from(address.port()) == *port;
                let own = address.ip().to_canonical();
                let is_everywhere = own.is_unspecified();
                match host {
                    Host::Name(_) => false,
                    Host::ThisMachine if own.is_loopback() || is_everywhere => !has_port,
                    Host::ThisMachine => true,
                    Host::Ip(_) if own.is_loopback() => true,
                    Host::Ip(ip) => *ip == own && !has_port,
                }
            }
        }
    }

    /// Whether geowarden certainly answers there.
    pub(crate) fn is_at(&self, asked: &NetworkAddress) -> bool {
        match (asked, self) {
            (NetworkAddress::Unix(asked), Self::Unix(path)) => {
                asked.components().eq(path.components())
            }
            (NetworkAddress::Tcp { host, port }, Self::Tcp(address)) => {
                let own = address.ip().to_canonical();
                let is_host = match host {
                    Host::ThisMachine => own.is_loopback() || own.is_unspecified(),
                    Host::Ip(ip) => *ip == own,
                    Host::Name(_) => false,
                };
                is_host && u64::from(address.port()) == *port
            }
            _ => false,
        }
    }
}
