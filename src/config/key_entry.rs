//! An API key as key files and the configuration list it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};

/// One API key, without the key: only its digest is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its name in policies and logs; in a folder the file's name where it is absent.
    pub id: String,
    /// The SHA-256 digest of the key, 64 hexadecimal digits.
    pub sha256: String,
    /// What policies can know of its holder: `input.identity.attributes`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attributes: Map<String, Value>,
    /// From when on it is refused: an RFC 3339 time, or a date, which is its first moment in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
}
