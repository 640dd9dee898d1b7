//! Finds the credential of a request in its headers.

use std::fmt;

use super::error::{AuthnError, AuthnErrorKind};
use crate::request::Headers;

/// The header of the credentials that HTTP defines (RFC 9110, section 11.6.2).
pub(super) const AUTHORIZATION: &str = "authorization";

/// Part of a credential. Code can read it, but `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(&'a [u8]);

impl<'a> Secret<'a> {
    /// Wraps the raw bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The raw bytes. Only compare, digest or parse them.
    pub fn expose(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A credential as it was sent, before it is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential<'a> {
    /// The value of the API key header.
    ApiKey(Secret<'a>),
    /// The token of `Authorization: Bearer` (RFC 6750, section 2.1).
    Bearer(Secret<'a>),
}

impl<'a> Credential<'a> {
    /// The credential in `headers`, or `None` if there is none.
    ///
    /// Two credentials are refused, even two equal ones, because pygeoapi could read the other one. `Authorization`
    /// with a scheme that is not configured is no credential: some clients add it by themselves, for example from
    /// `~/.netrc`.
    pub fn from_headers(
        headers: &'a Headers,
        accepted: &AcceptedCredentials<'_>,
    ) -> Result<Option<Self>, AuthnError> {
        let api_key = match accepted.api_key_header {
            Some(name) => once(headers, name)?,
            None => None,
        };
        let has_token = accepted.tokens && headers.all(AUTHORIZATION).any(is_bearer);
        let authorization = if has_token {
            once(headers, AUTHORIZATION)?
        } else {
            None
        };
        match (api_key, authorization) {
            (None, None) => Ok(None),
            (Some(key), None) => api_key_credential(key, accepted.max_length).map(Some),
            (None, Some(value)) => bearer_token(value, accepted.max_length).map(Some),
            (Some(_), Some(_)) => Err(AuthnErrorKind::SeveralCredentials.into()),
        }
    }
}

/// Which credentials the configuration accepts.
#[derive(Debug, Clone, Copy)]
pub struct AcceptedCredentials<'a> {
    /// The header of API keys; `None` if API keys are not accepted.
    pub api_key_header: Option<&'a str>,
    /// Whether bearer tokens are accepted.
    pub tokens: bool,
    /// The longest credential that is checked, in bytes.
    pub max_length: usize,
}

fn once<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a [u8]>, AuthnError> {
    headers.one(name).map_err(|repeated| {
        AuthnError::because(AuthnErrorKind::RepeatedCredential, repeated.to_string())
    })
}

fn api_key_credential(key: &[u8], max_length: usize) -> Result<Credential<'_>, AuthnError> {
    if key.is_empty() {
        return Err(AuthnError::because(
            AuthnErrorKind::UnknownKey,
            "the key is empty",
        ));
    }
    if key.len() > max_length {
        return Err(AuthnError::because(
            AuthnErrorKind::UnknownKey,
            "the key is too long",
        ));
    }
    Ok(Credential::ApiKey(Secret(key)))
}

const BEARER: &[u8] = b"Bearer";

/// Whether any parser could read this as a Bearer token. Some allow spaces before the scheme, or a tab after it.
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
fn bearer_token(value: &[u8], max_length: usize) -> Result<Credential<'_>, AuthnError> {
    let (scheme, rest) = value.split_at_checked(BEARER.len()).unwrap_or_default();
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let token = rest.get(spaces..).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(BEARER) || spaces == 0 {
        return Err(AuthnError::because(
            AuthnErrorKind::MalformedToken,
            "expected `Bearer`, a space and a token",
        ));
    }
    if token.len() > max_length {
        return Err(AuthnErrorKind::TokenTooLarge.into());
    }
    if !is_b64token(token) {
        return Err(AuthnError::because(
            AuthnErrorKind::MalformedToken,
            "the value after `Bearer` is not a b64token",
        ));
    }
    Ok(Credential::Bearer(Secret(token)))
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="` (RFC 6750, section 2.1).
fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = token.get(..token.len() - padding).unwrap_or_default();
    // No early exit: so the compiler checks many bytes at once. This loop is most of the cost of a remembered token.
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

    const ACCEPTED: AcceptedCredentials<'_> = AcceptedCredentials {
        api_key_header: Some("x-api-key"),
        tokens: true,
        max_length: 64,
    };

    fn read(headers: &[(&str, &str)]) -> Result<Option<&'static str>, AuthnErrorKind> {
        let headers: Headers = headers.iter().copied().collect();
        match Credential::from_headers(&headers, &ACCEPTED) {
            Ok(None) => Ok(None),
            Ok(Some(Credential::ApiKey(key))) => {
                assert!(!key.expose().is_empty());
                Ok(Some("api-key"))
            }
            Ok(Some(Credential::Bearer(token))) => {
                assert_eq!(token.expose(), b"a.b.c");
                Ok(Some("bearer"))
            }
            Err(error) => Err(error.kind()),
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
            let repeated = Err(AuthnErrorKind::RepeatedCredential);
            assert_eq!(read(&with_token), repeated, "{value:?}");
        }
        let headers = Headers::from_iter([("authorization", "Bearer a.b.c"), ("x-api-key", "k")]);
        let keys_only = AcceptedCredentials {
            tokens: false,
            ..ACCEPTED
        };
        let read = Credential::from_headers(&headers, &keys_only).unwrap();
        assert!(matches!(read, Some(Credential::ApiKey(_))));
    }

    #[test]
    fn what_parsers_could_read_differently_is_refused() {
        use AuthnErrorKind::{MalformedToken, SeveralCredentials, TokenTooLarge, UnknownKey};
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
            assert_eq!(
                read(&twice),
                Err(AuthnErrorKind::RepeatedCredential),
                "{name}"
            );
        }
    }

    #[test]
    fn nothing_of_a_secret_is_printed() {
        let printed = format!("{:?}", Credential::Bearer(Secret::new(b"hunter2")));
        assert_eq!(printed, "Bearer([redacted])");
    }
}
