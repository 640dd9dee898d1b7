//! `OpenID` Connect Discovery 1.0: where an issuer publishes its keys.

use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// The longest part of an issuer's answer that an error quotes, in bytes.
const MAX_QUOTED: usize = 200;

/// Why the keys of an issuer could not be found by its metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryError {
    /// The issuer is not an http(s) URL, or it has a query or a fragment (section 2).
    #[error(
        "expected an https URL without query and fragment as the issuer, found `{0}`: correct `issuer`, or set `jwks_uri`"
    )]
    Issuer(String),
    /// The document is not a JSON object with `issuer` and `jwks_uri`.
    #[error(
        "expected a JSON object with `issuer` and `jwks_uri`, found {0}: check that `issuer` is the URL of an OpenID provider, or set `jwks_uri`"
    )]
    NotADocument(&'static str),
    /// The document belongs to another issuer (section 4.3).
    #[error(
        "expected the metadata of `{issuer}`, found {}: write `issuer` as the provider does",
        quoted(found.as_deref(), "that of ", "no `issuer`")
    )]
    OtherIssuer {
        /// The configured issuer.
        issuer: String,
        /// The issuer that the document names.
        found: Option<String>,
    },
    /// `jwks_uri` is not a URL.
    #[error("expected a URL in the provider's `jwks_uri`, found `{0}`: set `jwks_uri` yourself")]
    JwksUri(String),
    /// The issuer is https, but `jwks_uri` is not.
    #[error(
        "expected an https URL in the provider's `jwks_uri`, as the issuer is https, found `{0}`: correct the provider's public address, or set `jwks_uri` yourself"
    )]
    InsecureJwksUri(String),
    /// The document does not have this endpoint, or the endpoint is http while the issuer is https.
    #[error(
        "expected a URL in `{member}` of the provider's metadata, which is https if the issuer is, found {}: correct the provider's public address",
        quoted(found.as_deref(), "", "none")
    )]
    Endpoint {
        /// The member of the metadata.
        member: &'static str,
        /// Its value.
        found: Option<String>,
    },
}

/// A text that was found in the metadata, or `none`.
fn quoted(found: Option<&str>, before: &str, none: &str) -> String {
    found.map_or_else(|| none.to_owned(), |found| format!("{before}`{found}`"))
}

/// What an error quotes of an address: not what may hold a secret, and no more than the start of a long one.
fn shown(address: &str) -> String {
    match Url::parse(address) {
        Ok(url)
            if !url.username().is_empty()
                || url.password().is_some()
                || url.query().is_some()
                || url.fragment().is_some() =>
        {
            format!(
                "{}://{}/..",
                url.scheme(),
                url.host_str().unwrap_or_default()
            )
        }
        Err(_) if address.contains(['?', '#', '@']) => "..".to_owned(),
        _ => {
            let end = address.floor_char_boundary(MAX_QUOTED);
            address.get(..end).unwrap_or_default().to_owned()
        }
    }
}

/// What a document is that could not be read.
fn unreadable(error: &serde_json::Error) -> DiscoveryError {
    DiscoveryError::NotADocument(if error.is_data() {
        "JSON without them"
    } else {
        "an answer that is not JSON"
    })
}

impl DiscoveryError {
    /// The name that metrics use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Issuer(_) => "issuer",
            Self::NotADocument(_) => "not-a-document",
            Self::OtherIssuer { .. } => "other-issuer",
            Self::JwksUri(_) => "jwks-uri",
            Self::InsecureJwksUri(_) => "insecure-jwks-uri",
            Self::Endpoint { .. } => "endpoint",
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
    let unfit = || DiscoveryError::Issuer(shown(issuer));
    let url = Url::parse(issuer).map_err(|_| unfit())?;
    if !matches!(url.scheme(), "https" | "http")
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(unfit());
    }
    let base = issuer.strip_suffix('/').unwrap_or(issuer);
    Url::parse(&format!("{base}/.well-known/openid-configuration")).map_err(|_| unfit())
}

/// The `jwks_uri` in `document`, which must be the metadata of `issuer`.
///
/// The keys of an https issuer are never fetched over plain HTTP. Whether those of an http issuer may be is decided by
/// [`fetch`](super::fetch).
pub(super) fn jwks_uri(document: &[u8], issuer: &str) -> Result<Url, DiscoveryError> {
    let document: Document =
        serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
    if document.issuer != issuer {
        return Err(other_issuer(issuer, Some(&document.issuer)));
    }
    let found = || shown(&document.jwks_uri);
    let uri = Url::parse(&document.jwks_uri).map_err(|_| DiscoveryError::JwksUri(found()))?;
    if is_as_safe(&uri, issuer) {
        Ok(uri)
    } else {
        Err(DiscoveryError::InsecureJwksUri(found()))
    }
}

/// The endpoint called `member` in `document`, such as `userinfo_endpoint`. For an https issuer it must be https too.
pub(super) fn endpoint(
    document: &[u8],
    issuer: &str,
    member: &'static str,
) -> Result<Url, DiscoveryError> {
    let document: serde_json::Value =
        serde_json::from_slice(document).map_err(|error| unreadable(&error))?;
    let text = |name| document.get(name).and_then(serde_json::Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err(other_issuer(issuer, text("issuer")));
    }
    let found = text(member);
    found
        .and_then(|uri| Url::parse(uri).ok())
        .filter(|uri| is_as_safe(uri, issuer))
        .ok_or_else(|| DiscoveryError::Endpoint {
            member,
            found: found.map(shown),
        })
}

fn other_issuer(issuer: &str, found: Option<&str>) -> DiscoveryError {
    DiscoveryError::OtherIssuer {
        issuer: issuer.to_owned(),
        found: found.map(shown),
    }
}

fn is_as_safe(uri: &Url, issuer: &str) -> bool {
    let issuer_is_http = Url::parse(issuer).is_ok_and(|url| url.scheme() == "http");
    uri.scheme() == "https" || (uri.scheme() == "http" && issuer_is_http)
}

#[cfg(test)]
mod tests;
