//! Tokens that were verified before: a client sends the same one with every request until it expires.

use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256_OUTPUT_LEN};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::authn::key_source::KeySource;
use crate::identity::Principal;

/// A token of up to this length weighs as one; longer ones, whose claims take more memory, as several.
const ORDINARY_LENGTH: usize = 2048;

type Key = [u8; SHA256_OUTPUT_LEN];

/// What a verified token said, and until when that holds.
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

/// A bounded memory of verified tokens by their digests; the tokens themselves are not kept.
pub(super) struct Remembered(Option<Cache<Key, Arc<Verified>, ByLength>>);

impl Remembered {
    /// Remembers `capacity` tokens of ordinary length; none at all when it is 0.
    pub(super) fn new(capacity: usize) -> Self {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        Self((capacity > 0).then(|| Cache::with_weighter(capacity, weight, ByLength)))
    }

    /// The caller with the token of this digest, while it has not expired and the issuer's keys are the same.
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
