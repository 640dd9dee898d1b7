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
    /// Two of them are refused, even when they are the same: what stands behind us could read the other one. What stands in
    /// `Authorization` under a scheme that is not taken is no credential: clients add it by themselves, such as those that
    /// read `~/.netrc`.
    pub fn from_headers(headers: &'a Headers, taken: &Taken<'_>) -> Result<Option<Self>, Refusal> {
        let api_key = match taken.api_key_header {
            Some(name) => once(headers, name)?,
            None => None,
        };
        let has_token = taken.tokens && headers.all(AUTHORIZATION).any(is_bearer);
        let authorization = if has_token {
            once(headers, AUTHORIZATION)?
        } else {
            None
        };
        match (api_key, authorization) {
            (None, None) => Ok(None),
            (Some(key), None) => api_key_credential(key, taken.max_length).map(Some),
            (None, Some(value)) => bearer_token(value, taken.max_length).map(Some),
            (Some(_), Some(_)) => Err(RefusalKind::SeveralCredentials.into()),
        }
    }
}

/// Which credentials are taken.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// The header of API keys; None where none are taken.
    pub api_key_header: Option<&'a str>,
    /// Whether tokens are taken.
    pub tokens: bool,
    /// The longest credential that is looked at, in bytes.
    pub max_length: usize,
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

const BEARER: &[u8] = b"Bearer";

/// Whether any parser could take this for a Bearer token: spaces before the scheme and a tab behind it count too.
fn is_bearer(value: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let (scheme, rest) = value.split_at_checked(BEARER.len()).unwrap_or_default();
    scheme.eq_ignore_ascii_case(BEARER) && rest.first().is_none_or(|byte| !is_token_byte(*byte))
}

/// A byte of a scheme's name (RFC 9110, section 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Reads `Bearer <b64token>`, with one space or more between them (RFC 9110, section 11.4).
fn bearer_token(value: &[u8], max_length: usize) -> Result<Credential<'_>, Refusal> {
    let (scheme, rest) = value.split_at_checked(BEARER.len()).unwrap_or_default();
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(BEARER) || spaces == 0 {
        return Err(Refusal::because(
            RefusalKind::MalformedToken,
            "expected `Bearer`, a space and a token",
        ));
    }
    if token.len() > max_length {
        return Err(RefusalKind::TokenTooLarge.into());
    }
    if !is_b64token(token) {
        return Err(Refusal::because(
            RefusalKind::MalformedToken,
            "the value after `Bearer` is not a b64token",
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

    const TAKEN: Taken<'_> = Taken {
        api_key_header: Some("x-api-key"),
        tokens: true,
        max_length: 64,
    };

    fn read(headers: &[(&str, &str)]) -> Result<Option<&'static str>, RefusalKind> {
        let headers: Headers = headers.iter().copied().collect();
        match Credential::from_headers(&headers, &TAKEN) {
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
            for spaces in [" ", "  ", "    "] {
                let value = format!("{scheme}{spaces}a.b.c");
                assert_eq!(
                    read(&[("authorization", &value)]),
                    Ok(Some("bearer")),
                    "{value}"
                );
            }
        }
    }

    #[test]
    fn a_scheme_that_is_not_taken_is_no_credential() {
        for value in [
            "Basic dXNlcjpwdw==",
            "DPoP a.b.c",
            "Bearers a.b.c",
            "a.b.c",
            "",
        ] {
            let sent = ("authorization", value);
            assert_eq!(read(&[sent]), Ok(None), "{value:?}");
            assert_eq!(read(&[sent, sent]), Ok(None), "{value:?}");
            let with_key = [sent, ("x-api-key", "k")];
            assert_eq!(read(&with_key), Ok(Some("api-key")), "{value:?}");
            let with_token = [sent, ("authorization", "Bearer a.b.c")];
            let repeated = Err(RefusalKind::RepeatedCredential);
            assert_eq!(read(&with_token), repeated, "{value:?}");
        }
        let headers = Headers::from_iter([("authorization", "Bearer a.b.c"), ("x-api-key", "k")]);
        let keys_only = Taken {
            tokens: false,
            ..TAKEN
        };
        let read = Credential::from_headers(&headers, &keys_only).unwrap();
        assert!(matches!(read, Some(Credential::ApiKey(_))));
    }

    #[test]
    fn what_parsers_could_read_differently_is_refused() {
        use RefusalKind::{MalformedToken, SeveralCredentials, TokenTooLarge, UnknownKey};
        let long = format!("Bearer {}", "a".repeat(65));
        let cases = [
            ("Bearer", MalformedToken),
            ("Bearer ", MalformedToken),
            ("Bearer a.b.c ", MalformedToken),
            ("Bearer\ta.b.c", MalformedToken),
            ("Bearer \ta.b.c", MalformedToken),
            (" Bearer a.b.c", MalformedToken),
            ("\tbearer a.b.c", MalformedToken),
            ("Bearer,a.b.c", MalformedToken),
            ("Bearer a.b.c, Bearer d.e.f", MalformedToken),
            ("Bearer a.b.c,d", MalformedToken),
            ("Bearer =", MalformedToken),
            ("Bearer a=b", MalformedToken),
            ("Bearer \"a\"", MalformedToken),
            ("Bearer a\u{e9}", MalformedToken),
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
