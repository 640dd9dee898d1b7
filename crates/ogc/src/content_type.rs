//! Content types, compared byte for byte: pygeoapi takes another operation for each spelling.

use super::{
    Headers,
    refusal::{Refusal, Rule},
};

/// A GeoJSON feature (RFC 7946): it is created or replaced.
const FEATURE: &[u8] = b"application/geo+json";
/// A search by CQL2 (OGC 21-065r2).
const SEARCHES: [&[u8]; 4] = [
    b"application/json",
    b"application/query-cql-json",
    b"application/query-cql2-json",
    b"application/cql2+json",
];

/// Whether a POST to items creates (true) or searches (false).
pub(super) fn is_feature(headers: &Headers) -> Result<bool, Refusal> {
    match only(headers)? {
        FEATURE => Ok(true),
        value if SEARCHES.contains(&value) => Ok(false),
        value => Err(unexpected(value)),
    }
}

/// Expects a feature, or else `application/json`.
pub(super) fn expect(headers: &Headers, is_feature: bool) -> Result<(), Refusal> {
    let expected: &[u8] = if is_feature {
        FEATURE
    } else {
        b"application/json"
    };
    match only(headers)? {
        value if value == expected => Ok(()),
        value => Err(unexpected(value)),
    }
}

fn only(headers: &Headers) -> Result<&[u8], Refusal> {
    match headers.one("content-type") {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(Refusal::new(
            Rule::ContentType,
            "a Content-Type is expected",
        )),
        Err(_) => Err(Refusal::new(
            Rule::ContentType,
            "one Content-Type is expected, there are more",
        )),
    }
}

fn unexpected(value: &[u8]) -> Refusal {
    Refusal::about(
        Rule::ContentType,
        "this Content-Type is not expected here (parameters such as a charset included): ",
        value,
    )
}
