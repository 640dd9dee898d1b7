//! Content types (RFC 9110, section 8.3). pygeoapi chooses by them what a POST to items does, and Flask whether there
//! is a body.

use std::borrow::Cow;

use super::{
    Headers,
    headers::is_token,
    refusal::{Refusal, Rule},
};

/// A GeoJSON feature (RFC 7946). pygeoapi creates it for exactly this text, and searches for any other.
const FEATURE: &str = "application/geo+json";
/// Flask consumes such a body, so that pygeoapi finds none. Starlette leaves the body as it is. Werkzeug before 3.0 also
/// takes `application/x-url-encoded` for a form.
const FORMS: [&str; 3] = [
    "application/x-www-form-urlencoded",
    "application/x-url-encoded",
    "multipart/form-data",
];
/// Names of the charset that pygeoapi reads JSON in, and of ASCII, which is a part of it.
const CHARSETS: [&str; 4] = ["utf-8", "utf8", "us-ascii", "ascii"];
/// What pygeoapi receives if the client's Content-Type does not begin with a media type.
const JSON: &str = "application/json";

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
    if media_type(value)?.ends_with("geo+json") {
        return Err(Refusal::about(
            Rule::ContentType,
            "pygeoapi searches with this Content-Type instead of creating the feature; send exactly \
             `application/geo+json` to create, and `application/json` to search: ",
            value,
        ));
    }
    Ok(false)
}

/// Returns an error if pygeoapi does not read the same body for any Content-Type: the body is JSON in UTF-8 and no form.
pub(super) fn is_ignored(headers: &Headers) -> Result<(), Refusal> {
    only(headers)?.map_or(Ok(()), |value| media_type(value).map(|_| ()))
}

/// The Content-Type that pygeoapi must receive instead of the client's, for a request whose body it reads.
///
/// `None` if the client's is a media type in lower case and nothing else, or if there is none.
pub(super) fn canonical(headers: &Headers) -> Result<Option<Cow<'static, str>>, Refusal> {
    let Some(value) = only(headers)? else {
        return Ok(None);
    };
    let media_type = media_type(value)?;
    Ok(if !is_media_type(&media_type) {
        Some(JSON.into())
    } else if media_type.as_bytes() == value {
        None
    } else {
        Some(media_type.into())
    })
}

/// The text before the parameters, in lower case, as Flask reads it. It need not be a media type: pygeoapi reads JSON
/// for any other text, too.
fn media_type(value: &[u8]) -> Result<String, Refusal> {
    let text = String::from_utf8_lossy(value);
    let mut parts = text.split(';');
    let media_type = parts.next().unwrap_or_default().trim_matches([' ', '\t']);
    let media_type = media_type.to_ascii_lowercase();
    let charsets = parts.filter_map(|parameter| {
        let (name, charset) = parameter.split_once('=')?;
        let name = name.trim_matches([' ', '\t', '*']);
        name.eq_ignore_ascii_case("charset").then_some(charset)
    });
    let is_utf_8 = |charset: &str| {
        let charset = charset.trim_matches([' ', '\t', '"']);
        CHARSETS
            .iter()
            .any(|name| charset.eq_ignore_ascii_case(name))
    };
    if FORMS.contains(&media_type.as_str()) || !charsets.into_iter().all(is_utf_8) {
        return Err(Refusal::about(
            Rule::ContentType,
            "expected a body of JSON in UTF-8, found a form or another charset; send `application/json`: ",
            value,
        ));
    }
    Ok(media_type)
}

/// `type/subtype`, both of them tokens (RFC 9110, section 8.3.1).
fn is_media_type(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_token(kind.as_bytes()) && is_token(subtype.as_bytes()))
}

fn only(headers: &Headers) -> Result<Option<&[u8]>, Refusal> {
    headers
        .one("content-type")
        .map_err(|_| Refusal::new(Rule::ContentType, "expected one Content-Type, found more"))
}
