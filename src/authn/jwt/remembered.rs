//! Remembers verified tokens: a client sends the same token with every request until it expires.

use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256_OUTPUT_LEN};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::authn::key_source::KeySource;
use crate::identity::Principal;

/// A token up to this length has weight one. A longer one has more claims, takes more memory and weighs more.
const ORDINARY_LENGTH: usize = 2048;

type Key = [u8; SHA256_OUTPUT_LEN];

/// The claims of a verified token, and until when they are valid.
pub(super) struct Verified {
    pub(super) principal: Principal,
    /// `exp` with the leeway.
    pub(super) expires: f64,
    pub(super) keys: Arc<KeySource>,
    pub(super) generation: u64,
    pub(super) length: usize,
}

#[derive(Clone)]
struct ByLength;

impl Weighter<Key, Arc<Verified>> for ByLength {
    fn weight(&self, _key: &Key, verified: &Arc<Verified>) -> u64 {
        u64::try_from(1 + verified.length / ORDINARY_LENGTH).unwrap_or(u64::MAX)
    }
}

/// A bounded cache of verified tokens, by digest. The tokens themselves are not stored.
pub(super) struct Remembered(Option<Cache<Key, Arc<Verified>, ByLength>>);

impl Remembered {
    /// Remembers `capacity` tokens of ordinary length; 0 remembers none.
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        Self((capacity > 0).then(|| Cache::with_weighter(capacity, weight, ByLength)))
    }

    /// The caller for the token with this digest, if it has not expired and the issuer's keys have not changed.
    pub(super) fn get(&self, digest: &Digest, now: f64) -> Option<Principal> {
        let cache = self.0.as_ref()?;
        let key = <&Key>::try_from(digest.as_ref()).ok()?;
        let verified = cache.get(key)?;
        if now < verified.expires && verified.keys.generation() == Some(verified.generation) {
            return Some(verified.principal.clone());
        }
        cache.remove(key);
        None
    }

    pub(super) fn insert(&self, digest: &Digest, verified: Verified) {
        if let (Some(cache), Ok(key)) = (&self.0, Key::try_from(digest.as_ref())) {
            cache.insert(key, Arc::new(verified));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Cache::len)
    }
}
