//! JWK sets (RFC 7517): the public keys of one issuer.
//!
//! Keys that cannot be used are skipped and counted: an issuer may also publish keys for other purposes or newer
//! algorithms. A document that is not a key set is an error.

mod jwk;
mod signature;
mod unfit_key;

use std::fmt;

use aws_lc_rs::digest;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

pub(super) use self::jwk::VerificationKey;
use self::jwk::verification_key;
pub(super) use self::signature::SignatureFault;
use self::unfit_key::UnfitCause;
pub use self::unfit_key::UnfitKey;
use super::algorithm::Algorithm;

/// The longest document that is accepted.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// The largest number of keys in a set.
pub(super) const MAX_KEYS: usize = 200;
/// How many keys an error names.
const MAX_TOLD: usize = 5;

/// Why a document is not a usable key set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// The document is longer than one mebibyte.
    #[error(
        "expected a key set of at most {MAX_BYTES} bytes, found a longer one: check that it is the right document"
    )]
    TooLarge,
    /// The set has more keys than an issuer could need.
    #[error("expected at most {MAX_KEYS} keys, found {0}: remove those that sign nothing any more")]
    TooManyKeys(usize),
    /// The document is not a JSON object with a list `keys`.
    #[error(
        "expected a JSON object with a list `keys`, found another document: check the address or the file"
    )]
    NotAKeySet,
    /// No key of the set can check signatures.
    #[error("expected a key that can check signatures, found none: {0}")]
    NoUsableKey(String),
}

/// Why no key was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMiss {
    /// No key has this id. The issuer may have published it since the last fetch.
    Unknown,
    /// The key with this id cannot be used with the token's algorithm.
    Unfit,
    /// Several keys fit.
    Ambiguous,
}

/// The usable keys of one issuer.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    unfit: Vec<UnfitKey>,
    /// The digest of each key's text.
    digests: Vec<Vec<u8>>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys.len())
            .field("unfit", &self.unfit.len())
            .finish_non_exhaustive()
    }
}

/// Two sets are equal if they hold the same usable keys in the same order.
impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.digests == other.digests
    }
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK set.
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let RawSet { keys: raw } =
            serde_json::from_slice(document).map_err(|_| KeySetError::NotAKeySet)?;
        if raw.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(raw.len()));
        }
        let total = raw.len();
        let mut digests = Vec::with_capacity(total);
        let mut keys = Vec::with_capacity(total);
        let mut unfit = Vec::new();
        for value in raw {
            let text = value.to_string();
            let text_of = |name: &str| value.get(name).and_then(Value::as_str);
            // Where the key is not of a public kind, the document may be another one, with secrets in it.
            let is_public = matches!(text_of("kty"), Some("RSA" | "EC" | "OKP"));
            let id = text_of("kid").filter(|_| is_public).map(str::to_owned);
            let raw = serde_json::from_value(value).map_err(|_| UnfitCause::Malformed);
            match raw.and_then(verification_key) {
                Ok(key) => {
                    let digest = digest::digest(&digest::SHA256, text.as_bytes());
                    digests.push(digest.as_ref().to_vec());
                    keys.push(key);
                }
                Err(cause) => unfit.push(UnfitKey { id, cause }),
            }
        }
        Ok(Self {
            keys,
            unfit,
            digests,
        })
    }

    /// Reads a JWK set with at least one usable key. A set without one would refuse everybody: the issuer or the
    /// configured address is wrong.
    pub fn parse_usable(document: &[u8]) -> Result<Self, KeySetError> {
        let set = Self::parse(document)?;
        if !set.is_empty() {
            return Ok(set);
        }
        let mut told: Vec<_> = set
            .unfit
            .iter()
            .take(MAX_TOLD)
            .map(ToString::to_string)
            .collect();
        let more = set.unfit.len() - told.len();
        match told.len() {
            0 => told.push("it has no keys".to_owned()),
            _ if more > 0 => told.push(format!("and {more} more")),
            _ => {}
        }
        Err(KeySetError::NoUsableKey(told.join("; ")))
    }

    /// A set without keys.
    pub fn none() -> Self {
        Self {
            keys: Vec::new(),
            unfit: Vec::new(),
            digests: Vec::new(),
        }
    }

    /// The keys of this set that are unchanged in `other`.
    #[must_use]
    pub fn unchanged_in(&self, other: &Self) -> Self {
        let both = self.keys.iter().zip(&self.digests);
        let stay = both.filter(|(_, digest)| other.digests.contains(digest));
        let (keys, digests) = stay
            .map(|(key, digest)| (key.clone(), digest.clone()))
            .unzip();
        Self {
            keys,
            unfit: other.unfit.clone(),
            digests,
        }
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The ids (`kid`) of the keys that have one.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.id.as_deref())
    }

    /// The keys that are not used.
    pub fn unfit(&self) -> &[UnfitKey] {
        &self.unfit
    }

    /// The key for a token with this `kid` and `alg`. Without `kid`, exactly one key must fit.
    pub(super) fn select(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&VerificationKey, KeyMiss> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)))
            .peekable();
        if named.peek().is_none() {
            return Err(KeyMiss::Unknown);
        }
        let mut fitting = named.filter(|key| key.fits(algorithm));
        let Some(key) = fitting.next() else {
            return Err(KeyMiss::Unfit);
        };
        // A key that is listed twice is one key.
        if fitting.any(|other| other.material != key.material) {
            return Err(KeyMiss::Ambiguous);
        }
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
