//! The hosts of a tenant, written like the domains of Envoy's virtual hosts.

use std::{borrow::Cow, fmt, net::Ipv6Addr, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The longest DNS name, in bytes (RFC 1035, section 2.3.4).
pub const MAX_HOST_BYTES: usize = 253;

/// The hosts of requests that belong to the tenant (RFC 9110, section 7.2), in lower case and without a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum HostPattern {
    /// `maps.example.org`, `192.0.2.1`, `[2001:db8::1]`: this host only.
    Exact(String),
    /// `*.example.org`: every host below `example.org`, at any depth, but not `example.org` itself. Stored without
    /// `*.`.
    Below(String),
    /// `*`: every host that no other pattern matches.
    Any,
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "expected a host such as `maps.example.org`, `*.example.org` or `*`, {why}, found another text"
            ))
        };
        let host = text.to_ascii_lowercase();
        if host == "*" {
            return Ok(Self::Any);
        }
        if let Some(address) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            // Hosts are compared as text. Clients write an IPv6 address as in RFC 5952.
            return match address.parse::<Ipv6Addr>() {
                Ok(address) => Ok(Self::Exact(format!("[{address}]"))),
                Err(_) => wrong("an IPv6 address in brackets"),
            };
        }
        if !host.is_ascii() {
            return wrong("in ASCII, other names as `xn--..` (RFC 5891)");
        }
        if host.contains(':') {
            return wrong("without a port, which is not looked at, and without a scheme");
        }
        let (name, is_below) = match host.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (host.as_str(), false),
        };
        if name.len() > MAX_HOST_BYTES || !name.split('.').all(is_label) {
            return wrong("of letters, digits and `-`, with `*` for whole labels in front only");
        }
        Ok(if is_below {
            Self::Below(name.to_owned())
        } else {
            Self::Exact(name.to_owned())
        })
    }
}

/// Whether the text is a label of a host name. Real host names also contain `_` (RFC 1123, section 2.1; RFC 2181,
/// section 11).
pub fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(Error::custom)
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A host without a port, *.HOST for every host below it, or * for every other one.",
            "examples": ["maps.example.org", "*.example.org", "*"],
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn hosts_are_read_in_lower_case() {
        for (text, shown) in [
            ("Maps.Example.ORG", "maps.example.org"),
            ("*.Example.org", "*.example.org"),
            ("*", "*"),
            ("localhost", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:DB8::0:1]", "[2001:db8::1]"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            let pattern: HostPattern = text.parse().unwrap();
            assert_eq!(pattern.to_string(), shown);
            assert_eq!(shown.parse(), Ok(pattern));
        }
    }

    #[test]
    fn what_no_request_could_name_is_refused() {
        let long = format!("{}.org", "a.".repeat(130));
        for text in [
            "",
            "a b",
            "a..b",
            ".a",
            "a.",
            "a:80",
            "https://a",
            "*a",
            "*.*.a",
            "*.",
            "a.*",
            "a/b",
            "café.example",
            "[::1",
            "[x]",
            "::1",
            &long,
        ] {
            let fault = text.parse::<HostPattern>().unwrap_err();
            assert!(fault.ends_with("found another text"), "{text}: {fault}");
        }
    }
}
