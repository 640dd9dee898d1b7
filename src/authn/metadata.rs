//! Fetches an issuer's metadata once (OpenID Connect Discovery), for the endpoints of a login.

use thiserror::Error;
use url::Url;

use super::{
    discovery::{self, DiscoveryError},
    fetch::{FetchError, Fetcher},
};

/// Why the metadata cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The document's address cannot be made from the issuer's name, or the document is that of another issuer.
    #[error("{0}")]
    Discovery(#[from] DiscoveryError),
    /// The document was not fetched.
    #[error("{url}: {source}")]
    Fetch {
        /// The address of the document.
        url: Url,
        /// Why.
        source: FetchError,
    },
}

/// The metadata of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    issuer: String,
    document: Vec<u8>,
}

/// Fetches the metadata of an issuer.
pub async fn metadata(fetcher: &Fetcher, issuer: &str) -> Result<Metadata, MetadataError> {
    let url = discovery::document_url(issuer)?;
    let document = fetcher
        .get(&url)
        .await
        .map_err(|source| MetadataError::Fetch {
            url: url.clone(),
            source,
        })?;
    // Rejects the metadata of another issuer, and metadata without `jwks_uri`.
    discovery::jwks_uri(&document, issuer)?;
    Ok(Metadata {
        issuer: issuer.to_owned(),
        document,
    })
}

impl Metadata {
    /// The endpoint that a member names, such as `token_endpoint`.
    pub fn endpoint(&self, member: &'static str) -> Result<Url, DiscoveryError> {
        discovery::endpoint(&self.document, &self.issuer, member)
    }
}
