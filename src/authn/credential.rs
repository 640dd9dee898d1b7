//! What the headers of a request hold as evidence of the caller.

use std::fmt;

use super::refusal::{Refusal, RefusalKind};
use crate::request::Headers;

/// The header of the credentials that HTTP defines (RFC 9110, section 11.6.2).
pub(super) const AUTHORIZATION: &str = "authorization";

/// A piece of a credential: it can be read, but not printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// Wraps the raw bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, to be compared, digested or parsed only.
    pub fn expose(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A credential as it was sent, before anyone looked whether it is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The value of the API key header.
    ApiKey(Secret<'a>),
    /// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
    Bearer(Secret<'a>),
}

impl<'a> Credential<'a> {
    /// The only credential among `headers`, `None` when there is none.
    ///
    /// Two of them are refused, even when they are the same: what stands behind us could read the other one.
    pub fn from_headers(
        headers: &'a Headers,
        api_key_header: Option<&str>,
        max_length: usize,
    ) -> Result<Option<Self>, Refusal> {
        let api_key = match api_key_header {
            Some(name) => once(headers, name)?,
            None => None,
        };
        match (api_key, once(headers, AUTHORIZATION)?) {
            (None, None) => Ok(None),
            (Some(key), None) => api_key_credential(key, max_length).map(Some),
            (None, Some(value)) => bearer_token(value, max_length).map(Some),
            (Some(_), Some(_)) => Err(RefusalKind::SeveralCredentials.into()),
        }
    }
}

fn once<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a [u8]>, Refusal> {
    headers
        .one(name)
        .map_err(|repeated| Refusal::because(RefusalKind::RepeatedCredential, repeated.to_string()))
}

fn api_key_credential(key: &[u8], max_length: usize) -> Result<Credential<'_>, Refusal> {
    if key.is_empty() {
        return Err(Refusal::because(
            RefusalKind::UnknownKey,
            "the key is empty",
        ));
    }
    if key.len() > max_length {
        return Err(Refusal::because(
            RefusalKind::UnknownKey,
            "the key is too long",
        ));
    }
    Ok(Credential::ApiKey(Secret(key)))
}

/// Reads `Bearer <b64token>`. RFC 6750 would let several spaces pass; one is what clients send, and what all parsers agree on.
fn bearer_token(value: &[u8], max_length: usize) -> Result<Credential<'_>, Refusal> {
    let mut parts = value.splitn(2, |byte| *byte == b' ');
    let scheme = parts.next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Err(RefusalKind::UnsupportedScheme.into());
    }
    let token = parts.next().unwrap_or_default();
    if token.len() > max_length {
        return Err(RefusalKind::TokenTooLarge.into());
    }
    if !is_b64token(token) {
        return Err(Refusal::because(
            RefusalKind::MalformedToken,
            "the value after `Bearer ` is not a b64token",
        ));
    }
    Ok(Credential::Bearer(Secret(token)))
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750, section 2.1).
fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = token.get(..token.len() - padding).unwrap_or_default();
    // Without an early exit the compiler checks many bytes at once, which is most of what a remembered token costs.
    !body.is_empty()
        && body
            .iter()
            .fold(true, |good, byte| good & is_b64token_byte(*byte))
}

fn is_b64token_byte(byte: u8) -> bool {
    matches!(byte, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn read(headers: &[(&str, &str)]) -> Result<Option<&'static str>, RefusalKind> {
        let headers: Headers = headers.iter().copied().collect();
        match Credential::from_headers(&headers, Some("x-api-key"), 64) {
            Ok(None) => Ok(None),
            Ok(Some(Credential::ApiKey(key))) => {
                assert!(!key.expose().is_empty());
                Ok(Some("api-key"))
            }
            Ok(Some(Credential::Bearer(token))) => {
                assert_eq!(token.expose(), b"a.b.c");
                Ok(Some("bearer"))
            }
            Err(refusal) => Err(refusal.kind()),
        }
    }

    #[test]
    fn one_credential_is_read() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("cookie", "a=b")]), Ok(None));
        assert_eq!(read(&[("X-API-Key", "k")]), Ok(Some("api-key")));
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let value = format!("{scheme} a.b.c");
            assert_eq!(
                read(&[("authorization", &value)]),
                Ok(Some("bearer")),
                "{scheme}"
            );
        }
    }

    #[test]
    fn what_parsers_could_read_differently_is_refused() {
        use RefusalKind::{
            MalformedToken, SeveralCredentials, TokenTooLarge, UnknownKey, UnsupportedScheme,
        };
        let long = format!("Bearer {}", "a".repeat(65));
        let cases = [
            ("Bearer", MalformedToken),
            ("Bearer ", MalformedToken),
            ("Bearer  a.b.c", MalformedToken),
            ("Bearer a.b.c ", MalformedToken),
            ("Bearer\ta.b.c", UnsupportedScheme),
            (" Bearer a.b.c", UnsupportedScheme),
            ("Bearer a.b.c, Bearer d.e.f", MalformedToken),
            ("Bearer a.b.c,d", MalformedToken),
            ("Bearer =", MalformedToken),
            ("Bearer a=b", MalformedToken),
            ("Bearer \"a\"", MalformedToken),
            ("Bearer a\u{e9}", MalformedToken),
            ("Basic dXNlcjpwdw==", UnsupportedScheme),
            ("DPoP a.b.c", UnsupportedScheme),
            ("a.b.c", UnsupportedScheme),
            ("", UnsupportedScheme),
            (long.as_str(), TokenTooLarge),
        ];
        for (value, kind) in cases {
            assert_eq!(read(&[("authorization", value)]), Err(kind), "{value:?}");
        }
        assert_eq!(read(&[("x-api-key", "")]), Err(UnknownKey));
        assert_eq!(read(&[("x-api-key", &"k".repeat(65))]), Err(UnknownKey));
        assert_eq!(
            read(&[("x-api-key", "k"), ("authorization", "Bearer a.b.c")]),
            Err(SeveralCredentials)
        );
        for name in ["x-api-key", "authorization"] {
            let twice = [(name, "Bearer a.b.c"), (name, "Bearer a.b.c")];
            assert_eq!(read(&twice), Err(RefusalKind::RepeatedCredential), "{name}");
        }
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let printed = format!("{:?}", Credential::Bearer(Secret::new(b"hunter2")));
        assert_eq!(printed, "Bearer([redacted])");
    }
}
