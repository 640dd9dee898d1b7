//! The keys in force of one tenant. Removed, changed or earlier expiring keys take effect even while a reload runs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use tracing::{info, warn};

use super::build;
use crate::{
    authn::{KeyRing, KeySet, KeySource, KeyTable},
    config::{
        Part,
        key_file::{StoredKey, standing},
    },
    files::{FileStates, Files},
};

/// How long changed attributes of a key wait for the policy that changed with them. With the old policy, the new
/// attributes could allow more than either generation. They wait no longer than this, since a caller must lose rights
/// in time.
const ATTRIBUTE_DELAY: Duration = Duration::from_secs(3);

/// The keys of one tenant, in force and in the files.
pub(super) struct Keys {
    part: Arc<Part>,
    sources: Vec<Arc<KeySource>>,
    held: Mutex<Held>,
    /// Notified when keys were removed, so that a reload follows.
    taken_away: Arc<Notify>,
}

struct Held {
    stored: Vec<StoredKey>,
    ring: Arc<KeyRing>,
    /// The state of the key files at the last check.
    seen: FileStates,
    /// The content of the key files when they were last read.
    latest: Option<Latest>,
    /// Key changes that are not in force yet.
    changed: Option<Changed>,
    /// Whether keys are missing that the last reload put in force.
    is_cut: bool,
}

struct Latest {
    files: Files,
    ended: Instant,
}

struct Changed {
    keys: Vec<StoredKey>,
    since: Instant,
}

/// The moment at which all files were read.
pub(super) struct Reading<'a> {
    pub(super) files: &'a Files,
    pub(super) seen: &'a FileStates,
    pub(super) begun: Instant,
}

impl Keys {
    pub(super) fn new(
        part: Arc<Part>,
        sources: Vec<Arc<KeySource>>,
        stored: Vec<StoredKey>,
        ring: Arc<KeyRing>,
        taken_away: Arc<Notify>,
    ) -> Self {
        Self {
            part,
            sources,
            held: Mutex::new(Held {
                stored,
                ring,
                // Nothing was read yet. The first check reads the files.
                seen: FileStates::default(),
                latest: None,
                changed: None,
                is_cut: false,
            }),
            taken_away,
        }
    }

    /// Checks the key files only, and removes the keys that they no longer contain.
    pub(super) fn look(&self, is_asked: bool) {
        let mut seen = self.lock().seen.clone();
        if !is_asked && seen.is_current() {
            self.lock().seen = seen;
            return;
        }
        // Files that never stop changing are reported with the other files.
        if let Ok(files) = Files::read_soon(&self.part.config.key_roots()) {
            self.saw(files);
        }
    }

    fn saw(&self, files: Files) {
        // No lock is held here, so that reading a long file delays nobody.
        let stored = self.stored();
        let mut changed = self.standing(&files, &stored);
        let mut held = self.lock();
        if held.stored != stored {
            changed = self.standing(&files, &held.stored);
        }
        held.seen = files.file_states();
        self.take_away(&mut held, &files, changed.as_deref());
        let since = held.changed.take().map(|changed| changed.since);
        held.will_change(changed, since);
        held.latest = Some(Latest {
            files,
            ended: Instant::now(),
        });
    }

    /// Puts changed keys in force that have waited long enough. Returns when the others are due.
    pub(super) fn take_due(&self, now: Instant) -> Option<Instant> {
        let mut held = self.lock();
        let due = held.changed.as_ref()?.since + ATTRIBUTE_DELAY;
        if due > now {
            return Some(due);
        }
        self.take_changed(&mut held);
        None
    }

    /// Removes the keys that a reading of all files does not contain. The reading may be older than the last check. A
    /// key that was removed wrongly returns with the next reload, which follows at once.
    pub(super) fn take_away_by(&self, files: &Files) {
        let mut held = self.lock();
        let changed = self.standing(files, &held.stored);
        self.take_away(&mut held, files, changed.as_deref());
    }

    /// Puts changed keys in force alone, if nothing else has changed.
    pub(super) fn take_changed_of_same(&self, seen: &FileStates) {
        let mut held = self.lock();
        if seen.holds(&held.seen) {
            self.take_changed(&mut held);
        }
    }

    /// Puts changed keys in force alone, if the rest of their generation cannot be put in force.
    pub(super) fn take_changed_of_failed(&self, reading: &Reading<'_>) {
        let mut held = self.lock();
        if held.is_newer_than(reading) {
            return;
        }
        held.changed = self
            .standing(reading.files, &held.stored)
            .map(|keys| Changed {
                keys,
                since: reading.begun,
            });
        self.take_changed(&mut held);
    }

    /// Puts a whole generation in force, except for keys that were removed since it was read. `replace` puts the rules
    /// in force before the key sets that they may need.
    pub(super) fn put(
        &self,
        (stored, ring): (Vec<StoredKey>, Arc<KeyRing>),
        sets: Vec<Option<KeySet>>,
        reading: &Reading<'_>,
        replace: impl FnOnce(),
    ) {
        let mut held = self.lock();
        let newer = held.is_newer_than(reading);
        let since = held.changed.take().map(|changed| changed.since);
        held.stored = stored;
        ring.remember(&held.ring);
        held.ring = ring;
        held.is_cut = false;
        let latest = held.latest.take().filter(|_| newer);
        let mut sets = sets;
        if let Some(latest) = latest {
            let changed = self.standing(&latest.files, &held.stored);
            self.take_away(&mut held, &latest.files, changed.as_deref());
            // The next reload reads the newer files.
            held.is_cut = true;
            held.will_change(changed, since);
            for (set, new) in sets.iter_mut().zip(self.sets_of(&latest.files)) {
                if let (Some(set), Some(new)) = (set, new) {
                    *set = set.unchanged_in(&new);
                }
            }
            held.latest = Some(latest);
        }
        replace();
        for (source, set) in self.sources.iter().zip(sets) {
            if let Some(set) = set {
                source.publish(set);
            }
        }
    }

    /// Whether keys are missing that the last reload put in force.
    pub(super) fn is_cut(&self) -> bool {
        self.lock().is_cut
    }

    /// The API keys in force.
    pub(super) fn stored(&self) -> Vec<StoredKey> {
        self.lock().stored.clone()
    }

    fn standing(&self, files: &Files, stored: &[StoredKey]) -> Option<Vec<StoredKey>> {
        let settings = self.part.config.authn.api_keys.as_ref()?;
        Some(standing(settings, files, stored))
    }

    fn take_away(&self, held: &mut Held, files: &Files, changed: Option<&[StoredKey]>) {
        let mut is_less = false;
        if let Some(changed) = changed {
            let left = revoked(&held.stored, changed);
            if left != held.stored {
                is_less = true;
                let gone = held.stored.len() - left.len();
                held.put_in_force(left);
                info!(
                    gone,
                    left = held.stored.len(),
                    tenant = self.part.tenant.as_deref(),
                    "revoked API keys that were removed or expire earlier"
                );
            }
        }
        let issuers = self.part.config.authn.jwt.iter().zip(&self.sources);
        for ((issuer, source), set) in issuers.zip(self.sets_of(files)) {
            if set.is_some_and(|set| source.keep_only(&set)) {
                is_less = true;
                warn!(
                    issuer = issuer.issuer,
                    tenant = self.part.tenant.as_deref(),
                    "revoked keys that are no longer in the issuer's file"
                );
            }
        }
        if is_less {
            held.is_cut = true;
            self.taken_away.notify_one();
        }
    }

    fn take_changed(&self, held: &mut Held) {
        let changed = held.changed.take();
        let Some(changed) = changed.filter(|changed| !are_same(&changed.keys, &held.stored)) else {
            return;
        };
        held.put_in_force(changed.keys);
        info!(
            tenant = self.part.tenant.as_deref(),
            "put changed API keys in force"
        );
    }

    /// The keys in the issuers' files, where they can be read.
    fn sets_of(&self, files: &Files) -> Vec<Option<KeySet>> {
        let issuers = self.part.config.authn.jwt.iter();
        let set = |file| match files.bytes(file) {
            Ok(bytes) => KeySet::parse(bytes).ok(),
            Err(error) => error.is_missing().then(KeySet::none),
        };
        issuers
            .map(|issuer| issuer.jwks_file.as_deref().and_then(set))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put_in_force(&mut self, keys: Vec<StoredKey>) {
        let entries = build::key_entries(&keys);
        self.ring.replace(KeyTable::from_valid(entries));
        self.stored = keys;
    }

    /// Records the changed keys, and since when they wait.
    fn will_change(&mut self, changed: Option<Vec<StoredKey>>, since: Option<Instant>) {
        let changed = changed.filter(|keys| !are_same(keys, &self.stored));
        let since = since.unwrap_or_else(Instant::now);
        self.changed = changed.map(|keys| Changed { keys, since });
    }

    /// Whether the last check of keys found other files than this reading, and may be later.
    fn is_newer_than(&self, reading: &Reading<'_>) -> bool {
        let ended = self.latest.as_ref().map(|latest| latest.ended);
        ended.is_some_and(|ended| ended >= reading.begun) && !reading.seen.holds(&self.seen)
    }
}

/// Whether the entries are equal, wherever they were read.
fn are_same(keys: &[StoredKey], others: &[StoredKey]) -> bool {
    let pairs = keys.iter().zip(others);
    keys.len() == others.len() && pairs.into_iter().all(|(a, b)| a.entry == b.entry)
}

/// The part of `keys` that is still valid after they are `changed`. Other attributes wait for the policy of their
/// generation.
fn revoked(keys: &[StoredKey], changed: &[StoredKey]) -> Vec<StoredKey> {
    let news: HashMap<&str, &StoredKey> = changed
        .iter()
        .map(|key| (key.entry.sha256.as_str(), key))
        .collect();
    let left = keys.iter().filter_map(|key| {
        let new = news.get(key.entry.sha256.as_str())?;
        let mut key = key.clone();
        let expires = [key.entry.expires, new.entry.expires];
        key.entry.expires = expires.into_iter().flatten().min();
        Some(key)
    });
    left.collect()
}

#[cfg(test)]
mod tests;
