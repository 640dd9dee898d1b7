//! An API key, as key files and the configuration describe it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

/// One API key. Only its digest is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The name of the key in policies and logs. In a folder, the default is the name of the file.
    pub id: String,
    /// The SHA-256 digest of the key, 64 hexadecimal digits.
    pub sha256: String,
    /// Attributes that policies can read as `input.identity.attributes`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// The key is refused from this time on: an RFC 3339 time, or a date, which means 00:00 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
}
