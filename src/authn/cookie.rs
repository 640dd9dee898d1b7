//! Cookies (RFC 6265, section 5.4), of which some hold credentials.

use super::error::{AuthnError, AuthnErrorKind};
use crate::request::Headers;

/// The header of cookies.
pub(super) const COOKIE: &str = "cookie";

/// The value of the cookie of this name. Two cookies of one name are refused: two servers could take different ones.
pub(super) fn value<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a [u8]>, AuthnError> {
    let mut values = pairs(headers).filter(|(other, _)| *other == name.as_bytes());
    let first = values.next().map(|(_, value)| value);
    if values.next().is_some() {
        let cause = format!("cookie `{name}` is repeated");
        return Err(AuthnError::because(
            AuthnErrorKind::RepeatedCredential,
            cause,
        ));
    }
    Ok(first)
}

/// The cookies that remain after those with credentials are removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rest {
    /// All of them: none holds a credential.
    Unchanged,
    /// These.
    Left(String),
    /// None.
    Nothing,
}

/// The cookies without those of these names.
pub(super) fn without(headers: &Headers, names: &[&str]) -> Rest {
    let is_named = |name: &[u8]| names.iter().any(|other| other.as_bytes() == name);
    if names.is_empty() || !pairs(headers).any(|(name, _)| is_named(name)) {
        return Rest::Unchanged;
    }
    let left = pieces(headers).filter(|piece| !is_named(split(piece).0));
    let left: Vec<&[u8]> = left.collect();
    match String::from_utf8(left.join(&b"; "[..])) {
        Ok(left) if !left.is_empty() => Rest::Left(left),
        // Cookies that are not UTF-8 cannot be sent on. pygeoapi does not read them.
        _ => Rest::Nothing,
    }
}

fn pieces(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    let all = headers.all(COOKIE);
    let all = all.flat_map(|value| value.split(|byte| *byte == b';'));
    all.map(<[u8]>::trim_ascii)
        .filter(|piece| !piece.is_empty())
}

fn pairs(headers: &Headers) -> impl Iterator<Item = (&[u8], &[u8])> {
    pieces(headers).map(split)
}

/// Name and value. A piece without `=` is the value of a cookie without a name, as browsers read it.
fn split(piece: &[u8]) -> (&[u8], &[u8]) {
    match piece.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = piece.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            (name.trim_ascii(), value.trim_ascii())
        }
        None => (b"", piece),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(values: &[&str]) -> Headers {
        values.iter().map(|value| (COOKIE, value)).collect()
    }

    #[test]
    fn a_cookie_is_found_in_every_header() {
        for sent in [
            &["key=a"][..],
            &["x=1; key=a"],
            &["x=1;key=a ; y=key=b"],
            &["x=1", "key=a"],
            &["x=1; key = a"],
        ] {
            let headers = headers(sent);
            assert_eq!(value(&headers, "key").unwrap(), Some(&b"a"[..]), "{sent:?}");
        }
        for sent in [&["KEY=a"][..], &["xkey=a"], &["key"], &[""], &["x=key=a"]] {
            assert_eq!(value(&headers(sent), "key").unwrap(), None, "{sent:?}");
        }
        for sent in [&["key=a; key=a"][..], &["key=a", "key=b"], &["key=;key=b"]] {
            let error = value(&headers(sent), "key").unwrap_err();
            assert_eq!(error.kind(), AuthnErrorKind::RepeatedCredential, "{sent:?}");
        }
    }

    #[test]
    fn the_others_stay() {
        for (sent, rest) in [
            (&["x=1"][..], Rest::Unchanged),
            (&["key=a"], Rest::Nothing),
            (&["key=a; key=b"], Rest::Nothing),
            (&["x=1; key=a; y=2"], Rest::Left("x=1; y=2".to_owned())),
            (&["x=1", "key=a", "y"], Rest::Left("x=1; y".to_owned())),
        ] {
            assert_eq!(without(&headers(sent), &["key", "token"]), rest, "{sent:?}");
        }
    }
}
