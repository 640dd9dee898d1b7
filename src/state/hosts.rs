//! From the host of a request to the tenant whose it is.

use std::{collections::HashMap, sync::Arc};

use super::Tenant;
use crate::config::{HostPattern, MAX_HOST_BYTES, is_label};

/// The hosts of all tenants. The most specific pattern wins: the host itself, the longest `*.`, `*`.
pub(super) struct HostTable<T = Arc<Tenant>> {
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
    pub(super) fn add(&mut self, patterns: &[HostPattern], tenant: &T) {
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

    /// The tenant of the `host` or `:authority` of a request, as the client sent it.
    pub(super) fn find(&self, authority: &str) -> Option<&T> {
        let host = without_port(authority);
        // What is longer than any name is no name: its labels are not looked up one by one.
        if host.len() > MAX_HOST_BYTES {
            return self.any.as_ref();
        }
        let host = host.to_ascii_lowercase();
        if let Some(tenant) = self.exact.get(&host) {
            return Some(tenant);
        }
        let mut rest = host.as_str();
        while let Some((label, name)) = rest.split_once('.') {
            if !is_label(label) {
                break;
            }
            if let Some(tenant) = self.below.get(name) {
                return Some(tenant);
            }
            rest = name;
        }
        self.any.as_ref()
    }
}

/// `uri-host` of `Host` (RFC 9110, section 7.2): what stands before a port.
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
            // As Envoy joins two `Host` headers.
            ("elsewhere.net,a.example.org", None),
            ("notexample.org", None),
            ("maps.example.org.", None),
            ("maps.example.org:80:80", None),
            ("maps.example.org@elsewhere", None),
            ("[2001:DB8::1]", Some("six")),
            ("[2001:db8::1]:443", Some("six")),
            ("[2001:db8::1", None),
            ("*.example.org", None),
            ("", None),
        ] {
            assert_eq!(table.find(host), tenant.as_ref(), "{host}");
        }
    }

    #[test]
    fn a_star_takes_what_is_left_and_what_is_no_name() {
        let table = table(&[("maps", "maps.example.org"), ("rest", "*")]);
        let long = "a.".repeat(10_000);
        for host in ["", "other", "maps.example.org.", long.as_str()] {
            assert_eq!(table.find(host), Some(&"rest"), "{}", host.len());
        }
        assert_eq!(table.find("maps.example.org"), Some(&"maps"));
    }
}
