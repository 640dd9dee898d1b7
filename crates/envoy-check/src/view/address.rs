//! Network addresses, and which of them are one server.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use super::node::Node;

/// The address of a server in one spelling: two spellings of one address are equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NetworkAddress {
    Tcp { host: Host, port: u64 },
    Unix(PathBuf),
}

/// The host of an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Host {
    /// This machine. A server that listens on all its addresses has each of these.
    ThisMachine,
    Ip(IpAddr),
    /// In lower case, without the dot of the root.
    Name(String),
}

impl NetworkAddress {
    /// Reads a `core.v3.Address`.
    pub(crate) fn read(address: &Node<'_>) -> Option<Self> {
        if let Some(path) = address.at(&["pipe", "path"]) {
            return path.text().map(Self::of_path);
        }
        let socket = address.get("socket_address")?;
        let host = Host::read(socket.text_of("address")?);
        let port = socket.get("port_value")?.number()?;
        Some(Self::Tcp { host, port })
    }

    /// Reads a target of gRPC: `unix:PATH`, or `HOST:PORT` with or without a scheme such as `dns:///`.
    pub(crate) fn of_target(target: &str) -> Option<Self> {
        if let Some(path) = target.strip_prefix("unix:") {
            // `unix:///run/a.sock` has an empty authority.
            return Some(Self::of_path(path.strip_prefix("//").unwrap_or(path)));
        }
        let (host, port) = target.rsplit('/').next()?.rsplit_once(':')?;
        Some(Self::Tcp {
            host: Host::read(host),
            port: port.parse().ok()?,
        })
    }

    fn of_path(path: &str) -> Self {
        // Without doubled slashes and `.`.
        Self::Unix(Path::new(path).components().collect())
    }
}

impl Host {
    pub(crate) fn read(text: &str) -> Self {
        match ip(text) {
            Some(ip) if ip.is_loopback() || ip.is_unspecified() => Self::ThisMachine,
            Some(ip) => Self::Ip(ip),
            None if is_loopback_name(text) => Self::ThisMachine,
            None => Self::Name(text.trim_end_matches('.').to_ascii_lowercase()),
        }
    }
}

/// An IP address, which may stand in brackets or be IPv4 in IPv6.
fn ip(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let ip: IpAddr = inner.unwrap_or(text).parse().ok()?;
    Some(ip.to_canonical())
}

/// Whether a name means this machine: `localhost` and all below it (RFC 6761), and the names of Linux' `/etc/hosts`.
fn is_loopback_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let names = [
        "localhost",
        "localhost.localdomain",
        "ip6-localhost",
        "ip6-loopback",
    ];
    names.contains(&name.as_str()) || name.ends_with(".localhost")
}

/// The IP address or host name in a `core.v3.Address`, with its place. `None` if it is not a network address.
pub(crate) fn socket_address<'a>(address: &Node<'a>) -> Option<(&'a str, Node<'a>)> {
    let node = address.at(&["socket_address", "address"])?;
    Some((node.text()?, node))
}

pub(crate) fn is_loopback(address: &str) -> bool {
    ip(address).map_or_else(|| is_loopback_name(address), |ip| ip.is_loopback())
}
