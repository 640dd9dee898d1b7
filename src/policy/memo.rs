//! Remembers verdicts, since most requests are similar to an earlier one.
//!
//! A memo belongs to one loaded policy. A key contains everything that the policy can read of a request, so a
//! remembered verdict is the one that an evaluation would give.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use super::Verdict;

/// A key up to this length, in bytes, counts as one entry; a longer one counts as several.
const ORDINARY_LENGTH: usize = 1024;
/// A longer key is not remembered: it is rarely repeated, and would displace many others.
const MAX_KEY_BYTES: usize = 16 << 10;

type Key = Box<[u8]>;

#[derive(Clone)]
struct ByLength;

impl Weighter<Key, Arc<Verdict>> for ByLength {
    fn weight(&self, key: &Key, _verdict: &Arc<Verdict>) -> u64 {
        u64::try_from(1 + key.len() / ORDINARY_LENGTH).unwrap_or(u64::MAX)
    }
}

/// A bounded cache of verdicts.
pub(super) struct Memo(Cache<Key, Arc<Verdict>, ByLength>);

impl Memo {
    /// Remembers `capacity` verdicts of ordinary length; `None` if it is 0.
    pub(super) fn new(capacity: usize) -> Option<Self> {
        let weight = u64::try_from(capacity).unwrap_or(u64::MAX);
        (capacity > 0).then(|| Self(Cache::with_weighter(capacity, weight, ByLength)))
    }

    /// The remembered verdict for this key.
    pub(super) fn get(&self, key: &[u8]) -> Option<Arc<Verdict>> {
        self.0.get(key)
    }

    pub(super) fn insert(&self, key: Vec<u8>, verdict: &Arc<Verdict>) {
        if key.len() <= MAX_KEY_BYTES {
            self.0.insert(key.into_boxed_slice(), Arc::clone(verdict));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_weigh_more_and_too_long_ones_are_not_kept() {
        let memo = Memo::new(20).unwrap();
        let verdict = Arc::new(Verdict::plain(true));
        memo.insert(vec![0; MAX_KEY_BYTES + 1], &verdict);
        assert_eq!(memo.len(), 0);
        for byte in 0..20 {
            memo.insert(vec![byte; 10 * ORDINARY_LENGTH], &verdict);
        }
        assert_eq!(memo.len(), 1);
    }

    #[test]
    fn a_capacity_of_nothing_is_no_memo() {
        assert!(Memo::new(0).is_none());
    }
}
