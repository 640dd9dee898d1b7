//! Paths are split before they are decoded, decoded once, and printed as they were judged.

use std::borrow::Cow;

use super::{
    percent::{self, encode, is_ambiguous},
    query::Pair,
    refusal::{Refusal, Rule},
};

/// The longest path and query, in bytes.
pub(super) const MAX_TARGET_BYTES: usize = 8_000;

/// The segments of a path, each decoded once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Segments<'a> {
    pub(super) decoded: Vec<Cow<'a, str>>,
}

impl<'a> Segments<'a> {
    /// Reads a path in origin form (RFC 9112, section 3.2.1), without its query.
    pub(super) fn read(path: &'a [u8]) -> Result<Self, Refusal> {
        let Some(rest) = path.strip_prefix(b"/") else {
            // Do not quote the text: a URL may contain a user name and password, and the refusal is logged.
            return Err(Refusal::new(
                Rule::NotOriginForm,
                "expected a path that starts with `/`, such as `/collections`, without scheme and host",
            ));
        };
        if rest.is_empty() {
            return Ok(Self::default());
        }
        // The usual number of segments, so that the list does not grow.
        let mut decoded = Vec::with_capacity(8);
        for raw in rest.split(|b| *b == b'/') {
            decoded.push(segment(raw)?);
        }
        Ok(Self { decoded })
    }

    pub(super) fn is_root(&self) -> bool {
        self.decoded.is_empty()
    }
}

/// Reads one segment: only `pchar` (RFC 3986, section 3.3), decoded once and strictly.
fn segment(raw: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    if raw.is_empty() {
        return Err(empty_segment());
    }
    let text = percent::decode(raw, percent::Place::Path, |byte| {
        is_pchar(byte).then_some(byte)
    })?;
    check(&text, raw)?;
    Ok(text)
}

/// The refusal of `//`, and of a slash at the end where pygeoapi does not ignore it.
pub(super) fn empty_segment() -> Refusal {
    Refusal::new(
        Rule::EmptySegment,
        "the path has an empty segment: `//`, or a `/` at its end that pygeoapi does not accept here",
    )
}

/// Characters that a second parser could treat as a separator after decoding.
fn check(text: &str, raw: &[u8]) -> Result<(), Refusal> {
    if text.contains(['/', '\\', '%', '?', '#', ';']) {
        return Err(Refusal::about(
            Rule::DecodedDelimiter,
            "a segment decodes to one of / \\ % ? # ; : ",
            raw,
        ));
    }
    if text.chars().any(is_ambiguous) {
        return Err(Refusal::about(
            Rule::ControlCharacter,
            "a segment holds a control character or a line separator: ",
            raw,
        ));
    }
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err(Refusal::about(
            Rule::OuterSpace,
            "a segment begins or ends with a space: ",
            raw,
        ));
    }
    if text == "." || text == ".." {
        return Err(Refusal::about(
            Rule::DotSegment,
            "a segment is `.` or `..`: ",
            raw,
        ));
    }
    Ok(())
}

fn is_pchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

/// The path and query that pygeoapi receives: exactly what was judged.
pub(super) fn canonical(base: &[String], below: &[Cow<'_, str>], pairs: &[Pair<'_>]) -> String {
    let all = base
        .iter()
        .map(String::as_str)
        .chain(below.iter().map(Cow::as_ref));
    let mut path = String::with_capacity(128);
    path.push('/');
    push_segments(all, &mut path);
    // Flask answers `/geoapi` and `/geoapi/` alike, and Starlette redirects the first to the second.
    if below.is_empty() && !base.is_empty() {
        path.push('/');
    }
    push_query(pairs, &mut path);
    path
}

/// Appends `?name=value&..`, percent-encoded; appends nothing if there are no pairs.
pub(super) fn push_query(pairs: &[Pair<'_>], path: &mut String) {
    for (index, (name, value)) in pairs.iter().enumerate() {
        path.push(if index == 0 { '?' } else { '&' });
        encode(name, path, is_unreserved_in_query);
        path.push('=');
        encode(value, path, is_unreserved_in_query);
    }
}

/// Appends segments joined by `/`, each percent-encoded.
pub(super) fn push_segments<'a>(segments: impl Iterator<Item = &'a str>, path: &mut String) {
    for (index, segment) in segments.enumerate() {
        if index > 0 {
            path.push('/');
        }
        encode(segment, path, |b| is_pchar(b) && b != b';');
    }
}

fn is_unreserved_in_query(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$'()*,:@/".contains(&byte)
}
