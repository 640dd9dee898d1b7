//! Checks how Envoy connects to pygeoapi, and who else can reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    Expectations,
    finding::Findings,
    guarded::Guarded,
    view::{Bootstrap, Cluster, Host, NetworkAddress, Node, socket_address},
};

pub(crate) fn check(
    bootstrap: &Bootstrap<'_>,
    guarded: &Guarded,
    expected: &Expectations,
    found: &mut Findings,
) {
    for asked in &expected.pygeoapi {
        address(bootstrap, guarded, asked, found);
    }
    let clusters = bootstrap.clusters.iter();
    for cluster in clusters.filter(|cluster| guarded.has(cluster.name)) {
        if let Some(set) = cluster.other_protocol() {
            found.error(
                "upstream-config",
                &set,
                "upstream_config: expected connections by HTTP, found others: Envoy sends only the body of a request, where a client can write a request that geowarden does not see",
                "remove `upstream_config`",
            );
        }
        for endpoint in cluster.endpoints() {
            if let Some((address, node)) = socket_address(&endpoint)
                && is_public(&Host::read(address))
            {
                found.error(
                    "pygeoapi-open",
                    &node,
                    "expected a loopback or private address of pygeoapi, found a public one: whoever reaches it goes around Envoy",
                    "let pygeoapi listen on 127.0.0.1, or in a network that only Envoy reaches",
                );
            }
        }
    }
}

/// Checks that geowarden compares the version of the pygeoapi to which Envoy forwards.
fn address(
    bootstrap: &Bootstrap<'_>,
    guarded: &Guarded,
    (host, port): &(String, u16),
    found: &mut Findings,
) {
    let clusters = bootstrap.clusters.iter();
    let endpoints = clusters
        .filter(|cluster| guarded.has(cluster.name))
        .flat_map(Cluster::endpoints);
    let asked = Host::read(host);
    let mut elsewhere: Option<(Node<'_>, u64)> = None;
    for endpoint in endpoints {
        match NetworkAddress::read(&endpoint) {
            Some(NetworkAddress::Tcp { host, port: own })
                if own != u64::from(*port) || is_other(&asked, &host) =>
            {
                elsewhere.get_or_insert((endpoint, own));
            }
            // This one may be meant.
            _ => return,
        }
    }
    let Some((endpoint, own)) = elsewhere else {
        return;
    };
    let at = endpoint.at(&["socket_address", "address"]);
    let other = at.as_ref().and_then(Node::text).unwrap_or_default();
    found.warning(
        "pygeoapi-address",
        at.as_ref().unwrap_or(&endpoint),
        format!("expected `{host}:{port}`, where geowarden asks for pygeoapi's version (`pygeoapi.url`), found `{other}:{own}`: geowarden may compare the version of another server"),
        "write the address of pygeoapi in both files",
    );
}

/// Whether two hosts are certainly not one. A name may lead to any address, and a short name may be the beginning of a long one.
fn is_other(one: &Host, other: &Host) -> bool {
    match (one, other) {
        (Host::Name(one), Host::Name(other)) => {
            let first = |name: &str| name.split('.').next().map(ToOwned::to_owned);
            first(one) != first(other)
        }
        (Host::Name(_), _) | (_, Host::Name(_)) => false,
        _ => one != other,
    }
}

/// Whether a host can be reached from the whole internet. A host name counts as not reachable, because its address is
/// unknown.
fn is_public(host: &Host) -> bool {
    match host {
        Host::Ip(IpAddr::V4(ip)) => !is_private_v4(*ip),
        Host::Ip(IpAddr::V6(ip)) => !is_private_v6(*ip),
        Host::ThisMachine | Host::Name(_) => false,
    }
}

fn is_private_v4(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    // 100.64.0.0/10 is shared by the customers of a provider (RFC 6598). Clusters use it too.
    let is_shared = first == 100 && second & 0xc0 == 64;
    ip.is_private() || ip.is_link_local() || is_shared
}

fn is_private_v6(ip: Ipv6Addr) -> bool {
    ip.is_unique_local() || ip.is_unicast_link_local()
}
