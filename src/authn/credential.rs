//! Finds the credential of a request.

use std::{borrow::Cow, fmt};

use super::{
    accepted::{AcceptedCredentials, AcceptedKeys, AcceptedTokens, KeyScheme, Places},
    basic, cookie,
    error::{AuthnError, AuthnErrorKind},
};
use crate::request::{CheckInput, Headers, is_token};

/// The header of the credentials that HTTP defines (RFC 9110, section 11.6.2).
pub(super) const AUTHORIZATION: &str = "authorization";

/// Part of a credential. Code can read it, but `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<'a>(Cow<'a, [u8]>);

impl<'a> Secret<'a> {
    /// Wraps the raw bytes.
    pub fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self(bytes.into())
    }

    /// The raw bytes. Only compare, digest or parse them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A credential as it was sent, before it is checked, and what verifies it. A kind of credential that is not accepted has no
/// verifier, so it cannot be found.
#[derive(Debug)]
pub enum Credential<'a, K, T> {
    /// An API key.
    ApiKey(Secret<'a>, &'a K),
    /// A token (RFC 6750).
    Bearer(Secret<'a>, &'a T),
}

/// A credential of a request, by the place where it was found.
enum Found<'a, K, T> {
    Key(&'a AcceptedKeys<'a, K>, &'a [u8]),
    /// In `Authorization`, with this scheme.
    KeyUnder(&'a AcceptedKeys<'a, K>, KeyScheme, &'a [u8]),
    Token(&'a AcceptedTokens<'a, T>, &'a [u8]),
    /// In `Authorization`.
    Bearer(&'a AcceptedTokens<'a, T>, &'a [u8]),
}

impl<'a, K, T> Credential<'a, K, T> {
    /// The only credential of a request, `None` when there is none.
    ///
    /// Two credentials are refused, even if they are the same, because pygeoapi could read the other one. An `Authorization`
    /// header with a scheme that is not accepted is no credential: some clients add it without being asked, such as those
    /// that read `~/.netrc`.
    pub fn of_request(
        check: &'a CheckInput,
        accepted: &'a AcceptedCredentials<'a, K, T>,
    ) -> Result<Option<Self>, AuthnError> {
        let mut all = accepted.found(check)?.into_iter().flatten();
        match (all.next(), all.next()) {
            (None, _) => Ok(None),
            (Some(found), None) => {
                if found.is_added_by_browsers(check) && is_from_another_site(check) {
                    return Err(AuthnErrorKind::CrossSite.into());
                }
                found.read(accepted.max_length).map(Some)
            }
            (Some(_), Some(_)) => Err(AuthnErrorKind::SeveralCredentials.into()),
        }
    }
}

impl<'a, K, T> AcceptedCredentials<'a, K, T> {
    /// The credential in each place.
    fn found(&'a self, check: &'a CheckInput) -> Result<[Option<Found<'a, K, T>>; 6], AuthnError> {
        let headers = &check.headers;
        let (keys, tokens) = (self.keys.as_ref(), self.tokens.as_ref());
        let key = |value: Option<&'a [u8]>| Some(Found::Key(keys?, value?));
        let token = |value: Option<&'a [u8]>| Some(Found::Token(tokens?, value?));
        let header = keys.map(|keys| once(headers, keys.header));
        let key_places = keys.map(|keys| keys.places);
        let token_places = tokens.map(|tokens| tokens.places);
        Ok([
            key(header.transpose()?.flatten()),
            self.authorization(headers)?,
            key(parameter(check, key_places)?),
            key(cookie(headers, key_places)?),
            token(parameter(check, token_places)?),
            token(cookie(headers, token_places)?),
        ])
    }

    fn authorization(
        &'a self,
        headers: &'a Headers,
    ) -> Result<Option<Found<'a, K, T>>, AuthnError> {
        let is_accepted = |value| self.under_scheme(value).is_some();
        // Nearly always the line is one value.
        let mut all = headers.all(AUTHORIZATION);
        if !all.any(|line| is_accepted(line) || values(line).skip(1).any(is_accepted)) {
            return Ok(None);
        }
        let value = once(headers, AUTHORIZATION)?;
        let found = value.and_then(|value| self.under_scheme(value));
        // A comma behind the first value makes that one invalid by itself.
        if found.is_none() {
            return Err(AuthnError::because(
                AuthnErrorKind::RepeatedCredential,
                "header authorization has several values",
            ));
        }
        Ok(found)
    }

    /// The credential in a value of `Authorization`, if its scheme is accepted.
    fn under_scheme(&'a self, value: &'a [u8]) -> Option<Found<'a, K, T>> {
        let key = self.keys.as_ref().and_then(|keys| {
            let mut schemes = keys.schemes.iter();
            let scheme = schemes.find(|scheme| is_of_scheme(value, scheme.name()))?;
            Some(Found::KeyUnder(keys, *scheme, value))
        });
        key.or_else(|| {
            let tokens = self.tokens.as_ref()?;
            is_of_scheme(value, BEARER).then_some(Found::Bearer(tokens, value))
        })
    }
}

fn parameter<'a>(
    check: &'a CheckInput,
    places: Option<&Places>,
) -> Result<Option<&'a [u8]>, AuthnError> {
    let Some(name) = places.and_then(|places| places.query.as_ref()) else {
        return Ok(None);
    };
    let all = check.withheld.parameters.iter();
    let mut all = all.filter(|parameter| parameter.name == *name);
    let first = all.next().map(|parameter| parameter.value.as_slice());
    if all.next().is_some() {
        let cause = format!("query parameter `{name}` is repeated");
        let kind = AuthnErrorKind::RepeatedCredential;
        return Err(AuthnError::because(kind, cause));
    }
    Ok(first)
}

fn cookie<'a>(
    headers: &'a Headers,
    places: Option<&Places>,
) -> Result<Option<&'a [u8]>, AuthnError> {
    let name = places.and_then(|places| places.cookie.as_deref());
    name.map_or(Ok(None), |name| cookie::value(headers, name))
}

impl<'a, K, T> Found<'a, K, T> {
    fn read(self, max_length: usize) -> Result<Credential<'a, K, T>, AuthnError> {
        match self {
            Self::Key(keys, key) => {
                let key = key_of(key, max_length)?;
                Ok(Credential::ApiKey(key, keys.verifier))
            }
            Self::KeyUnder(keys, scheme, value) => {
                let Some(rest) = behind_scheme(value, scheme.name()) else {
                    let cause = "expected a scheme, a space and the key";
                    return Err(AuthnError::because(AuthnErrorKind::UnknownKey, cause));
                };
                let key = match scheme {
                    KeyScheme::ApiKey => key_of(rest, max_length)?,
                    // Decoded, it is shorter.
                    KeyScheme::Basic => key_of(basic::password(rest)?, max_length)?,
                };
                Ok(Credential::ApiKey(key, keys.verifier))
            }
            Self::Token(tokens, token) => {
                let token = token_of(token, max_length)?;
                Ok(Credential::Bearer(token, tokens.verifier))
            }
            Self::Bearer(tokens, value) => match behind_scheme(value, BEARER) {
                Some(token) => Self::Token(tokens, token).read(max_length),
                None => Err(AuthnError::because(
                    AuthnErrorKind::MalformedToken,
                    "expected `Bearer`, a space and a token",
                )),
            },
        }
    }

    /// Whether browsers add it to a request by themselves, even if a page of another site sends the request.
    fn is_added_by_browsers(&self, check: &CheckInput) -> bool {
        let is_cookie =
            |places| cookie(&check.headers, Some(places)).is_ok_and(|found| found.is_some());
        match self {
            Self::KeyUnder(_, scheme, _) => *scheme == KeyScheme::Basic,
            Self::Key(keys, _) => is_cookie(keys.places),
            Self::Token(tokens, _) => is_cookie(tokens.places),
            Self::Bearer(..) => false,
        }
    }
}

/// Whether a page of another site made a browser send this, and it may change something.
///
/// Browsers say it by `Sec-Fetch-Site` (Fetch Metadata). Old browsers, and all browsers without TLS, do not send that
/// header. Then the `Origin` of the page (RFC 6454) must be the host of the request.
fn is_from_another_site(check: &CheckInput) -> bool {
    if ["GET", "HEAD", "OPTIONS"].contains(&check.method.as_str()) {
        return false;
    }
    let mut sites = check.headers.all("sec-fetch-site").peekable();
    if sites.peek().is_some() {
        return sites.any(|site| site == b"cross-site");
    }
    let mut origins = check.headers.all("origin");
    origins.any(|origin| !is_origin_of(origin, &check.host))
}

/// Whether the host of an `Origin` is this one. Browsers write no default port, but some proxies add it to the host.
fn is_origin_of(origin: &[u8], host: &str) -> bool {
    let origin = std::str::from_utf8(origin).unwrap_or_default();
    let (port, of_page) = match origin.split_once("://") {
        Some(("https", of_page)) => (":443", of_page),
        Some(("http", of_page)) => (":80", of_page),
        _ => return false,
    };
    let host = host.strip_suffix(port).unwrap_or(host);
    of_page.eq_ignore_ascii_case(host)
}

fn once<'a>(headers: &'a Headers, name: &str) -> Result<Option<&'a [u8]>, AuthnError> {
    headers.one(name).map_err(|repeated| {
        AuthnError::because(AuthnErrorKind::RepeatedCredential, repeated.to_string())
    })
}

fn key_of<'a>(key: impl Into<Cow<'a, [u8]>>, max_length: usize) -> Result<Secret<'a>, AuthnError> {
    let key = key.into();
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
    Ok(Secret(key))
}

/// The values that may stand in one line of `Authorization`: Envoy joins several lines by commas.
fn values(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b',')
}

const BEARER: &[u8] = b"Bearer";

/// Whether any parser could read this as a value of the scheme: spaces before it and a tab after it count too.
fn is_of_scheme(value: &[u8], scheme: &[u8]) -> bool {
    let value = value.trim_ascii_start();
    let (start, rest) = value.split_at_checked(scheme.len()).unwrap_or_default();
    start.eq_ignore_ascii_case(scheme) && rest.first().is_none_or(|byte| !is_token(&[*byte]))
}

/// Whether `Authorization` holds a Bearer token.
pub(super) fn has_bearer(headers: &Headers) -> bool {
    let is_bearer = |value: &[u8]| is_of_scheme(value, BEARER);
    let mut all = headers.all(AUTHORIZATION);
    all.any(|line| is_bearer(line) || values(line).skip(1).any(is_bearer))
}

/// The text after the scheme and at least one space (RFC 9110, section 11.4).
fn behind_scheme<'a>(value: &'a [u8], scheme: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = value.split_at_checked(scheme.len())?;
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    let is_scheme = start.eq_ignore_ascii_case(scheme) && spaces > 0;
    rest.get(spaces..).filter(|_| is_scheme)
}

fn token_of(token: &[u8], max_length: usize) -> Result<Secret<'_>, AuthnError> {
    if token.len() > max_length {
        return Err(AuthnErrorKind::TokenTooLarge.into());
    }
    if !is_b64token(token) {
        return Err(AuthnError::because(
            AuthnErrorKind::MalformedToken,
            "the token is not a b64token",
        ));
    }
    Ok(Secret::new(token))
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
mod tests;
