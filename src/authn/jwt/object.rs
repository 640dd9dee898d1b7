//! JSON objects in which every name is unique (RFC 7515, section 4; RFC 7519, section 4).
//!
//! If a name is repeated, two parsers could read different values.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A JSON object whose top-level names are unique.
#[derive(Debug)]
pub(super) struct UniqueObject(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for UniqueObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = UniqueObject;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object without repeated names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name is repeated"));
            }
        }
        Ok(UniqueObject(object))
    }
}

/// Reads one part of a token. The error is dropped, because serde quotes the text that it rejects.
pub(super) fn parse(json: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(json)
        .ok()
        .map(|UniqueObject(object)| object)
}
