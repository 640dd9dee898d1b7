//! The address that a server listens on.

use std::{borrow::Cow, fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An IP address with a port, or a Unix domain socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// `127.0.0.1:9191`, `[::1]:9191`; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// `unix:/run/geowarden/authz.sock`.
    Unix(PathBuf),
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() {
                Ok(Self::Unix(path))
            } else {
                Err("expected an absolute path after `unix:`, such as `unix:/run/geowarden/authz.sock`, found a relative one".to_owned())
            };
        }
        text.parse().map(Self::Tcp).map_err(|_| {
            "expected ADDRESS:PORT (such as `127.0.0.1:9191`) or `unix:/PATH`, found another value".to_owned()
        })
    }
}

/// Reads an IP address with a port, for `server.admin`.
pub(super) fn socket_address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer);
    text.ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
        Error::custom("expected ADDRESS:PORT such as `127.0.0.1:9192`, found another value")
    })
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for ListenAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Any other type of value is no address either.
        String::deserialize(deserializer)
            .unwrap_or_default()
            .parse()
            .map_err(Error::custom)
    }
}

impl Serialize for ListenAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for ListenAddress {
    fn schema_name() -> Cow<'static, str> {
        "ListenAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "ADDRESS:PORT, or unix:/PATH of a Unix domain socket.",
            "examples": ["127.0.0.1:9191", "unix:/run/geowarden/authz.sock"],
        })
    }
}
