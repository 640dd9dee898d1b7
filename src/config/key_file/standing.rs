//! Which of the keys in force may stay, whatever else is wrong with the files.
//!
//! A key stays only while an entry of it stands in the files: one that is removed is gone at once, and so is what an
//! earlier expiry ends; other attributes come with the policies beside them (`reload/keys.rs`). An entry with a fault keeps its key only if nothing that can be read of it
//! differs from what is in force. Only where a file cannot be read do its last good keys stay. A file that is not there has
//! no keys.

mod claims;

use std::collections::HashMap;

use self::claims::{Claim, Claims};
use super::{ApiKeys, Origin, StoredKey};
use crate::files::Files;

/// What is left of `in_force` now that the files are as `files` says. No key is added.
pub fn standing(keys: &ApiKeys, files: &Files, in_force: &[StoredKey]) -> Vec<StoredKey> {
    let mut read = Vec::new();
    super::read(keys, files, &mut read, &mut super::Problems::default());
    let good: HashMap<&str, &StoredKey> = read
        .iter()
        .map(|key| (key.entry.sha256.as_str(), key))
        .collect();
    let claims = Claims::of(keys, files);
    let stays = |key: &StoredKey| {
        let digest = key.entry.sha256.as_str();
        match (claims.of_digest(digest), good.get(digest)) {
            ([Claim::Entry { .. }], Some(one)) => Some((*one).clone()),
            ([], _) => match &key.origin {
                Origin::File { file, .. } if !claims.is_unread(file) => None,
                _ => Some(key.clone()),
            },
            // Of what stands in two entries, or in one with a fault, nobody knows which counts or what was meant.
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
