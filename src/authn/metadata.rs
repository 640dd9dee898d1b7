//! An issuer's metadata, asked for once: what a login needs to know.

use thiserror::Error;
use url::Url;

use super::{
    discovery::{self, DiscoveryError},
    fetch::{FetchError, Fetcher},
};

/// Why there are no metadata.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// The issuer has none by its name, or they are another one's.
    #[error("{0}")]
    Discovery(#[from] DiscoveryError),
    /// They were not fetched.
    #[error("{url}: {source}")]
    Fetch {
        /// Where they should be.
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
    // Those of another issuer are of no use, nor are those without keys.
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
