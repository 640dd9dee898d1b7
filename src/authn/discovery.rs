//! `OpenID` Connect Discovery 1.0: where an issuer publishes its keys.

use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// Why an issuer's metadata do not lead to its keys.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// The issuer is no http(s) URL, or one with a query or a fragment (section 2).
    #[error("the issuer is not an https URL without query and fragment")]
    Issuer,
    /// The document is no JSON object with `issuer` and `jwks_uri`.
    #[error("the document is not a JSON object with `issuer` and `jwks_uri`")]
    NotADocument,
    /// The document is that of another issuer (section 4.3).
    #[error("the document's `issuer` is not the configured one")]
    OtherIssuer,
    /// `jwks_uri` is no URL.
    #[error("`jwks_uri` is not a URL")]
    JwksUri,
    /// `jwks_uri` is less safe than the issuer.
    #[error("`jwks_uri` must be https")]
    InsecureJwksUri,
    /// The document does not name this endpoint, or not by a URL as safe as the issuer's.
    #[error("the document names no usable `{0}`")]
    Endpoint(&'static str),
}

impl DiscoveryError {
    /// The name that metrics use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::NotADocument => "not-a-document",
            Self::OtherIssuer => "other-issuer",
            Self::JwksUri => "jwks-uri",
            Self::InsecureJwksUri => "insecure-jwks-uri",
            Self::Endpoint(_) => "endpoint",
        }
    }
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

/// Where the metadata of `issuer` are (section 4): its path stays, but for a terminating slash.
pub fn document_url(issuer: &str) -> Result<Url, DiscoveryError> {
    let url = Url::parse(issuer).map_err(|_| DiscoveryError::Issuer)?;
    if !matches!(url.scheme(), "https" | "http")
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(DiscoveryError::Issuer);
    }
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}/.well-known/openid-configuration"))
        .map_err(|_| DiscoveryError::Issuer)
}

/// The `jwks_uri` of the metadata in `document`, which must be those of `issuer`.
///
/// An https issuer never leads to plain HTTP; whether an http one may is for the fetch to say.
pub(super) fn jwks_uri(document: &[u8], issuer: &str) -> Result<Url, DiscoveryError> {
    let document: Document =
        serde_json::from_slice(document).map_err(|_| DiscoveryError::NotADocument)?;
    if document.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer);
    }
    let uri = Url::parse(&document.jwks_uri).map_err(|_| DiscoveryError::JwksUri)?;
    if is_as_safe(&uri, issuer) {
        Ok(uri)
    } else {
        Err(DiscoveryError::InsecureJwksUri)
    }
}

/// The endpoint that the metadata in `document` name by `member`, such as `userinfo_endpoint`; as safe as `jwks_uri`.
pub(super) fn endpoint(
    document: &[u8],
    issuer: &str,
    member: &'static str,
) -> Result<Url, DiscoveryError> {
    let document: serde_json::Value =
        serde_json::from_slice(document).map_err(|_| DiscoveryError::NotADocument)?;
    let text = |name| document.get(name).and_then(serde_json::Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err(DiscoveryError::OtherIssuer);
    }
    text(member)
        .and_then(|uri| Url::parse(uri).ok())
        .filter(|uri| is_as_safe(uri, issuer))
        .ok_or(DiscoveryError::Endpoint(member))
}

fn is_as_safe(uri: &Url, issuer: &str) -> bool {
    let issuer_is_http = Url::parse(issuer).is_ok_and(|url| url.scheme() == "http");
    uri.scheme() == "https" || (uri.scheme() == "http" && issuer_is_http)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use serde_json::json;

    use super::*;

    #[test]
    fn the_path_of_the_issuer_is_kept() {
        let cases = [
            (
                "https://id.example",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example/",
                "https://id.example/.well-known/openid-configuration",
            ),
            (
                "https://id.example/realms/geo",
                "https://id.example/realms/geo/.well-known/openid-configuration",
            ),
            (
                "https://id.example/realms/geo/",
                "https://id.example/realms/geo/.well-known/openid-configuration",
            ),
            (
                "http://127.0.0.1:80/a",
                "http://127.0.0.1/a/.well-known/openid-configuration",
            ),
        ];
        for (issuer, url) in cases {
            assert_eq!(document_url(issuer).unwrap().as_str(), url, "{issuer}");
        }
        for issuer in [
            "",
            "id.example",
            "file:///etc",
            "https://id.example/?a=b",
            "https://id.example/#a",
        ] {
            assert_eq!(
                document_url(issuer),
                Err(DiscoveryError::Issuer),
                "{issuer}"
            );
        }
    }

    #[test]
    fn the_document_must_be_the_issuers() {
        let read = |named: &str, uri: &str, issuer: &str| {
            let document = json!({"issuer": named, "jwks_uri": uri, "more": [1]}).to_string();
            jwks_uri(document.as_bytes(), issuer).map(String::from)
        };
        let (good, keys) = ("https://id.example/a", "https://keys.example/k");
        assert_eq!(read(good, keys, good).as_deref(), Ok(keys));
        assert_eq!(
            read("https://id.example/a/", keys, good),
            Err(DiscoveryError::OtherIssuer)
        );
        assert_eq!(
            read("https://ID.example/a", keys, good),
            Err(DiscoveryError::OtherIssuer)
        );
        assert_eq!(
            read(good, "http://keys.example/k", good),
            Err(DiscoveryError::InsecureJwksUri)
        );
        assert_eq!(
            read(good, "file:///etc/passwd", good),
            Err(DiscoveryError::InsecureJwksUri)
        );
        assert_eq!(read(good, "/k", good), Err(DiscoveryError::JwksUri));
        let plain = "http://localhost/a";
        assert!(read(plain, "http://localhost/k", plain).is_ok());
        for document in [
            "",
            "[]",
            "{}",
            "<html>",
            r#"{"issuer":"https://id.example/a"}"#,
        ] {
            let refused = jwks_uri(document.as_bytes(), good);
            assert_eq!(refused, Err(DiscoveryError::NotADocument), "{document}");
        }
    }
}
