//! `OpenID` Connect Discovery 1.0: where an issuer publishes its keys.

use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// Why the keys of an issuer could not be found by its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// The issuer is not an http(s) URL, or it has a query or a fragment (section 2).
    #[error("the issuer is not an https URL without query and fragment")]
    Issuer,
    /// The document is not a JSON object with `issuer` and `jwks_uri`.
    #[error("the document is not a JSON object with `issuer` and `jwks_uri`")]
    NotADocument,
    /// The document belongs to another issuer (section 4.3).
    #[error("the document's `issuer` is not the configured one")]
    OtherIssuer,
    /// `jwks_uri` is not a URL.
    #[error("`jwks_uri` is not a URL")]
    JwksUri,
    /// The issuer is https, but `jwks_uri` is not.
    #[error("`jwks_uri` must be https")]
    InsecureJwksUri,
    /// The document does not have this endpoint, or the endpoint is http while the issuer is https.
    #[error("the document has no usable `{0}`: expected a URL, which is https if the issuer is")]
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

/// The URL of the metadata of `issuer` (section 4). It keeps the issuer's path, without a slash at its end.
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

/// The `jwks_uri` in `document`, which must be the metadata of `issuer`.
///
/// The keys of an https issuer are never fetched over plain HTTP. Whether those of an http issuer may be is decided by
/// [`fetch`](super::fetch).
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

/// The endpoint called `member` in `document`, such as `userinfo_endpoint`. For an https issuer it must be https too.
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
