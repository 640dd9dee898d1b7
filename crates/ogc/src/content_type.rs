//! Content types (RFC 9110, section 8.3). pygeoapi chooses by them what a POST to items does, and Flask whether there
//! is a body.

use super::{
    Headers,
    refusal::{Refusal, Rule},
};

/// A GeoJSON feature (RFC 7946). pygeoapi creates it for exactly this text, and searches for any other.
const FEATURE: &str = "application/geo+json";
/// A search by CQL2 (OGC 21-065r2).
const SEARCHES: [&str; 4] = [
    "application/json",
    "application/query-cql-json",
    "application/query-cql2-json",
    "application/cql2+json",
];
/// Flask consumes such a body, so that pygeoapi finds none. Starlette leaves the body as it is.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];

/// Whether a POST to items creates a feature (true) or searches (false).
pub(super) fn is_feature(headers: &Headers) -> Result<bool, Refusal> {
    let Some(value) = only(headers)? else {
        return Err(Refusal::new(
            Rule::ContentType,
            "expected a Content-Type, found none: pygeoapi creates or searches by it",
        ));
    };
    if value == FEATURE.as_bytes() {
        return Ok(true);
    }
    match media_type(value) {
        Some(media_type) if SEARCHES.contains(&media_type.as_str()) => Ok(false),
        _ => Err(unexpected(value)),
    }
}

/// Whether pygeoapi reads the same body for any Content-Type: the body is JSON in UTF-8 and not a form.
pub(super) fn is_ignored(headers: &Headers) -> Result<(), Refusal> {
    let Some(value) = only(headers)? else {
        return Ok(());
    };
    match media_type(value) {
        Some(media_type) if !FORMS.contains(&media_type.as_str()) => Ok(()),
        _ => Err(unexpected(value)),
    }
}

/// `type/subtype` in lower case. `None` if the value is malformed, has a parameter other than `charset`, or a charset
/// other than that of JSON.
fn media_type(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?;
    let mut parts = value.split(';');
    let media_type = parts.next()?.trim_matches([' ', '\t']).to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/')?;
    if !is_token(kind) || !is_token(subtype) {
        return None;
    }
    for parameter in parts {
        let (name, value) = parameter.trim_matches([' ', '\t']).split_once('=')?;
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value);
        let is_charset = name.eq_ignore_ascii_case("charset");
        if !is_charset || !value.eq_ignore_ascii_case("utf-8") {
            return None;
        }
    }
    Some(media_type)
}

/// A token (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let is_token_byte = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn only(headers: &Headers) -> Result<Option<&[u8]>, Refusal> {
    headers
        .one("content-type")
        .map_err(|_| Refusal::new(Rule::ContentType, "expected one Content-Type, found more"))
}

fn unexpected(value: &[u8]) -> Refusal {
    Refusal::about(
        Rule::ContentType,
        "this Content-Type is not expected here; send `application/json`, or for a new feature exactly \
         `application/geo+json`: ",
        value,
    )
}
