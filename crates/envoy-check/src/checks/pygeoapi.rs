//! Checks how Envoy connects to pygeoapi, and who else can reach it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{
    finding::Findings,
    guarded::Guarded,
    view::{Bootstrap, Host, socket_address},
};

pub(crate) fn check(bootstrap: &Bootstrap<'_>, guarded: &Guarded, found: &mut Findings) {
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
