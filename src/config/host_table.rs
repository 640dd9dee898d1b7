//! Finds the tenant that has the host of a request.

use std::{collections::HashMap, net::Ipv6Addr, sync::Arc};

use super::{HostPattern, MAX_HOST_BYTES, Part, is_label};

/// The hosts of all tenants. The most specific pattern wins: the host itself, the longest `*.`, `*`.
pub struct HostTable<T> {
    exact: HashMap<String, T>,
    below: HashMap<String, T>,
    any: Option<T>,
}

impl<T> Default for HostTable<T> {
    fn default() -> Self {
        Self {
            exact: HashMap::new(),
            below: HashMap::new(),
            any: None,
        }
    }
}

impl<T: Clone> HostTable<T> {
    /// Adds the patterns of a tenant.
    pub fn add(&mut self, patterns: &[HostPattern], tenant: &T) {
        for pattern in patterns {
            match pattern {
                HostPattern::Exact(host) => {
                    self.exact.insert(host.clone(), tenant.clone());
                }
                HostPattern::Below(name) => {
                    self.below.insert(name.clone(), tenant.clone());
                }
                HostPattern::Any => self.any = Some(tenant.clone()),
            }
        }
    }

    /// The tenant of a host that [`host_name`] has returned.
    pub fn find(&self, host: &str) -> Option<&T> {
        if let Some(tenant) = self.exact.get(host) {
            return Some(tenant);
        }
        let mut rest = host;
        while let Some((_, name)) = rest.split_once('.') {
            if let Some(tenant) = self.below.get(name) {
                return Some(tenant);
            }
            rest = name;
        }
        self.any.as_ref()
    }
}

/// The name of the tenant that has the host of a request.
pub fn tenant_of_host(parts: &[Part], host: &str) -> Option<Arc<str>> {
    let mut table = HostTable::default();
    for part in parts {
        if let Some(name) = &part.tenant {
            table.add(&part.hosts, name);
        }
    }
    table.find(&host_name(host)?).cloned()
}

/// The host in the `host` or `:authority` of a request, in the form of [`HostPattern`]s: a name or an IPv4 address in
/// lower case, or an IPv6 address in brackets.
///
/// `None` for any other text, which belongs to no tenant, not even to one with `*`. A less strict parser could read
/// another tenant's host in it.
pub fn host_name(authority: &str) -> Option<String> {
    let host = without_port(authority);
    if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    (host.len() <= MAX_HOST_BYTES && host.split('.').all(is_label))
        .then(|| host.to_ascii_lowercase())
}

/// `uri-host` of `Host` (RFC 9110, section 7.2): the part before the port.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        // A colon within brackets belongs to an IPv6 address.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table(all: &[(&'static str, &str)]) -> HostTable<&'static str> {
        let mut table = HostTable::default();
        for (tenant, pattern) in all {
            table.add(&[pattern.parse().unwrap()], tenant);
        }
        table
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let table = table(&[
            ("all", "*.example.org"),
            ("deep", "*.deep.example.org"),
            ("maps", "maps.example.org"),
            ("six", "[2001:db8::1]"),
        ]);
        for (host, tenant) in [
            ("maps.example.org", Some("maps")),
            ("MAPS.example.ORG:8443", Some("maps")),
            ("maps.example.org:", Some("maps")),
            ("other.example.org", Some("all")),
            ("a.b.example.org:80", Some("all")),
            ("a.deep.example.org", Some("deep")),
            ("deep.example.org", Some("all")),
            ("a.maps.example.org", Some("all")),
            ("example.org", None),
            (".example.org", None),
            ("a..example.org", None),
            ("a/.example.org", None),
            // Envoy joins two `Host` headers like this.
            ("elsewhere.net,a.example.org", None),
            ("notexample.org", None),
            ("maps.example.org.", None),
            ("maps.example.org:80:80", None),
            ("maps.example.org@elsewhere", None),
            ("[2001:DB8::1]", Some("six")),
            ("[2001:db8::1]:443", Some("six")),
            ("[2001:db8:0:0::1]", Some("six")),
            ("[2001:db8::1", None),
            ("*.example.org", None),
            ("", None),
        ] {
            let found = host_name(host).and_then(|host| table.find(&host).copied());
            assert_eq!(found, tenant, "{host}");
        }
    }

    #[test]
    fn a_star_takes_what_is_left_but_nothing_that_is_no_name() {
        let table = table(&[
            ("closed", "maps.closed.example"),
            ("closed", "*.closed.example"),
            ("open", "*"),
        ]);
        let find = |host: &str| host_name(host).and_then(|host| table.find(&host).copied());
        for host in [
            "other",
            "other.example:8080",
            "closed.example",
            "192.0.2.1",
            "[2001:db8::1]:80",
            "_dmarc.other.example",
        ] {
            assert_eq!(find(host), Some("open"), "{host}");
        }
        for host in ["maps.closed.example", "a.closed.example:80"] {
            assert_eq!(find(host), Some("closed"), "{host}");
        }
        let (long, label) = ("a.".repeat(127), "a".repeat(64));
        for host in [
            "",
            ":80",
            "maps.closed.example.",
            "maps.closed.example:abc",
            "maps.closed.example:-1",
            "maps.closed.example:80:80",
            "a..closed.example",
            ".closed.example",
            "a,b.closed.example",
            "x@maps.closed.example",
            "maps.closed.example/",
            "maps.closed.example ",
            "maps.cl\u{f6}sed.example",
            "2001:db8::1",
            "[2001:db8::1",
            "[fe80::1%25eth0]",
            "[maps.closed.example]",
            &format!("{long}a"),
            &format!("{label}.closed.example"),
        ] {
            assert_eq!(find(host), None, "{host}");
        }
    }
}
