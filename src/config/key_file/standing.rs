//! Decides which keys in force stay valid when the key files have faults.
//!
//! A key stays valid only while the files contain an entry for it. Removing an entry revokes its key at once, and an
//! earlier expiry applies at once. Changed attributes wait for the policies that belong to them (`reload/keys.rs`). An
//! entry with a fault keeps its key if everything that can be read of it equals the entry in force. If a file cannot be
//! read, its last valid keys stay. A missing file has no keys.

mod occurrences;

use std::collections::HashMap;

use self::occurrences::{Occurrence, Occurrences};
use super::{ApiKeys, Origin, StoredKey};
use crate::files::Files;

/// The keys of `in_force` that stay valid with these `files`. No key is added.
pub fn standing(keys: &ApiKeys, files: &Files, in_force: &[StoredKey]) -> Vec<StoredKey> {
    let mut read = Vec::new();
    super::read(keys, files, &mut read, &mut super::Problems::default());
    let good: HashMap<&str, &StoredKey> = read
        .iter()
        .map(|key| (key.entry.sha256.as_str(), key))
        .collect();
    let occurrences = Occurrences::of(keys, files);
    let stays = |key: &StoredKey| {
        let digest = key.entry.sha256.as_str();
        match (occurrences.of_digest(digest), good.get(digest)) {
            ([Occurrence::Entry { .. }], Some(one)) => Some((*one).clone()),
            ([], _) => match &key.origin {
                Origin::File { file, .. } if !occurrences.is_unread(file) => None,
                _ => Some(key.clone()),
            },
            // If two entries have the digest, or one with a fault, it is unknown which one is meant.
            (all, _) => all
                .iter()
                .all(|claim| claim.is_same(&key.entry))
                .then(|| key.clone()),
        }
    };
    in_force.iter().filter_map(stays).collect()
}

#[cfg(test)]
mod tests;
