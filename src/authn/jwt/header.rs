//! The JOSE header (RFC 7515, section 4).

use serde_json::{Map, Value};

use crate::authn::algorithm::Algorithm;
use crate::authn::error::{AuthnError, AuthnErrorKind};

/// The header members that geowarden uses. `jwk`, `jku`, `x5u` and `x5c` are not read: a token must not bring its own
/// key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
}

impl Header {
    pub(super) fn parse(json: &[u8]) -> Result<Self, AuthnError> {
        let header = super::object::parse(json)
            .ok_or_else(|| malformed("the header is not a JSON object with unique names"))?;
        // geowarden supports no extension, so any critical one is refused (RFC 7515, section 4.1.11). `b64` changes
        // what is signed (RFC 7797).
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(AuthnErrorKind::CriticalHeader.into());
        }
        if text(&header, "typ", "`typ` is not a string")?.is_some_and(|kind| !is_access_token(kind))
        {
            return Err(AuthnErrorKind::TokenType.into());
        }
        // The token contains another token (RFC 7519, section 5.2). geowarden would check the outer one, whoever issued
        // the inner one.
        if text(&header, "cty", "`cty` is not a string")?.is_some_and(is_jwt) {
            return Err(AuthnError::because(
                AuthnErrorKind::TokenType,
                "the header says that the claims are another token",
            ));
        }
        let algorithm = text(&header, "alg", "`alg` is not a string")?
            .ok_or_else(|| malformed("the header has no `alg`"))?
            .parse()
            .map_err(|_| {
                AuthnError::because(
                    AuthnErrorKind::AlgorithmNotAllowed,
                    "not an asymmetric algorithm we know",
                )
            })?;
        let key_id = text(&header, "kid", "`kid` is not a string")?.map(str::to_owned);
        Ok(Self { algorithm, key_id })
    }
}

/// Whether `typ` is that of an access token: `at+jwt` (RFC 9068, section 2.1), `JWT` or absent. Tokens for other
/// purposes have other types, such as `logout+jwt` (RFC 8725, section 3.11).
fn is_access_token(kind: &str) -> bool {
    is_jwt(kind) || short(kind).eq_ignore_ascii_case("at+jwt")
}

fn is_jwt(kind: &str) -> bool {
    short(kind).eq_ignore_ascii_case("JWT")
}

/// A media type without its `application/`, which headers may leave out (RFC 7515, section 4.1.9).
fn short(kind: &str) -> &str {
    match kind.split_at_checked("application/".len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
        _ => kind,
    }
}

fn text<'h>(
    header: &'h Map<String, Value>,
    name: &str,
    cause: &'static str,
) -> Result<Option<&'h str>, AuthnError> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(malformed(cause)),
    }
}

fn malformed(cause: &'static str) -> AuthnError {
    AuthnError::because(AuthnErrorKind::MalformedToken, cause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn kind(json: &str) -> Option<AuthnErrorKind> {
        Header::parse(json.as_bytes())
            .err()
            .map(|error| error.kind())
    }

    #[test]
    fn what_is_used_is_read_and_embedded_keys_are_not() {
        let json = r#"{"alg":"RS256","kid":"a","typ":"at+jwt","jwk":{"kty":"oct"},"jku":1,"x5u":"http://evil","x5c":[],"new":null}"#;
        let header = Header::parse(json.as_bytes()).unwrap();
        assert_eq!(
            header,
            Header {
                algorithm: Algorithm::Rs256,
                key_id: Some("a".to_owned())
            }
        );
    }

    #[test]
    fn types_of_access_tokens_are_taken() {
        for kind_of_token in [
            "JWT",
            "jwt",
            "at+jwt",
            "AT+JWT",
            "application/jwt",
            "Application/at+JWT",
        ] {
            let json = format!(r#"{{"alg":"ES256","typ":"{kind_of_token}"}}"#);
            assert_eq!(kind(&json), None, "{kind_of_token}");
        }
        for kind_of_token in [
            "logout+jwt",
            "dpop+jwt",
            "JOSE",
            "",
            "application/",
            "application/logout+jwt",
            "éapplicatio/jwt",
        ] {
            let json = format!(r#"{{"alg":"ES256","typ":"{kind_of_token}"}}"#);
            assert_eq!(
                kind(&json),
                Some(AuthnErrorKind::TokenType),
                "{kind_of_token}"
            );
        }
    }

    #[test]
    fn bad_headers_are_refused() {
        use AuthnErrorKind::{AlgorithmNotAllowed, CriticalHeader, MalformedToken, TokenType};
        let cases = [
            (r#"{"alg":"RS256","cty":"JWT"}"#, TokenType),
            (r#"{"alg":"RS256","cty":"application/jwt"}"#, TokenType),
            (r#"{"alg":"RS256","cty":1}"#, MalformedToken),
            (r#"{"alg":"RS256","alg":"RS256"}"#, MalformedToken),
            (r#"{"alg":"RS256","new":1,"new":1}"#, MalformedToken),
            (r#"{"alg":"RS256","\u0061lg":"none"}"#, MalformedToken),
            (r#"{"alg":"RS256"} {}"#, MalformedToken),
            (r#"{"alg":1}"#, MalformedToken),
            (r#"{"alg":null}"#, MalformedToken),
            (r#"{"alg":"RS256","kid":7}"#, MalformedToken),
            (r#"{"alg":"RS256","kid":null}"#, MalformedToken),
            (r#"{"alg":"RS256","typ":["JWT"]}"#, MalformedToken),
            (r#"["RS256"]"#, MalformedToken),
            (r"{}", MalformedToken),
            ("", MalformedToken),
            ("\u{feff}{}", MalformedToken),
            (r#"{"alg":"RS256","crit":["exp"]}"#, CriticalHeader),
            (r#"{"alg":"RS256","crit":[]}"#, CriticalHeader),
            (r#"{"alg":"RS256","crit":null}"#, CriticalHeader),
            (r#"{"alg":"RS256","b64":false}"#, CriticalHeader),
            (r#"{"alg":"none"}"#, AlgorithmNotAllowed),
            (r#"{"alg":"None"}"#, AlgorithmNotAllowed),
            (r#"{"alg":"nOnE"}"#, AlgorithmNotAllowed),
            (r#"{"alg":""}"#, AlgorithmNotAllowed),
            (r#"{"alg":"HS256"}"#, AlgorithmNotAllowed),
            (r#"{"alg":"rs256"}"#, AlgorithmNotAllowed),
            (r#"{"alg":"RS256 "}"#, AlgorithmNotAllowed),
            (r#"{"alg":"ES512"}"#, AlgorithmNotAllowed),
        ];
        for (json, expected) in cases {
            assert_eq!(kind(json), Some(expected), "{json}");
        }
    }
}
