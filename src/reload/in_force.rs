//! What is in force of one tenant, and how its files take effect: what is revoked at once, all else whole.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tracing::{info, warn};

use super::{
    build,
    retry::Retry,
    tenants::{One, Sourced},
};
use crate::{
    authn::{KeyRing, KeySet, KeySource, KeyTable},
    config::{
        Part, Problems,
        key_file::{StoredKey, standing},
    },
    files::{Files, Fresh, Seen, Unsettled},
    state::Tenant,
};

/// One tenant between two reloads.
pub(super) struct InForce {
    pub(super) part: Part,
    pub(super) tenant: Arc<Tenant>,
    pub(super) keys: Vec<StoredKey>,
    ring: Arc<KeyRing>,
    sources: Vec<Arc<KeySource>>,
    /// What all its files were like when they were last looked at.
    seen: Seen,
    /// The same of the files of keys alone.
    seen_keys: Seen,
    /// What the keys in force have changed to, until a reload has ended.
    changed_keys: Option<Vec<StoredKey>>,
    /// Where the last reload of it failed.
    pub(super) retry: Option<Retry>,
}

/// What was found of files.
pub(super) enum Look {
    /// They are what they were.
    Same(Seen),
    /// They have changed, or were asked for.
    Read(Result<Files, Unsettled>),
}

/// A look at files, to be taken by a thread of its own.
pub(super) type Looking = Box<dyn FnOnce() -> Look + Send>;

impl InForce {
    pub(super) fn new(sourced: Sourced, one: One) -> Self {
        let seen = sourced.files.seen();
        Self {
            part: sourced.part,
            tenant: one.tenant,
            keys: one.keys,
            ring: one.ring,
            sources: sourced.sources,
            seen,
            // Nothing was seen yet: the first look reads them.
            seen_keys: Seen::default(),
            changed_keys: None,
            retry: None,
        }
    }

    /// A look at the files of keys, which is not held up by files that do not rest.
    pub(super) fn look_at_keys(&self, is_asked: bool) -> Looking {
        let roots = self.part.config.key_roots();
        look(self.seen_keys.clone(), is_asked, move || {
            Files::read_soon(&roots)
        })
    }

    /// A look at all files.
    pub(super) fn look(&self, is_asked: bool) -> Looking {
        let roots = build::roots(&self.part.config);
        look(self.seen.clone(), is_asked, move || {
            Files::read(&roots, Fresh::Wait)
        })
    }

    /// Whether the last reload failed and is to be tried again now.
    pub(super) fn is_due(&self) -> bool {
        let now = tokio::time::Instant::now();
        self.retry.as_ref().is_some_and(|retry| retry.at <= now)
    }

    pub(super) fn saw(&mut self, seen: Seen) {
        self.seen = seen;
    }

    /// Notes that the files were read, and whether they are others than before.
    pub(super) fn saw_change(&mut self, files: &Files) -> bool {
        let seen = files.seen();
        let has_changed = seen.differs(&self.seen);
        self.seen = seen;
        has_changed
    }

    pub(super) fn saw_keys(&mut self, seen: Seen) {
        self.seen_keys = seen;
    }

    /// Takes away what the files of keys do not hold any more, and takes over what has changed in them.
    pub(super) fn revoke(&mut self, files: &Files) {
        self.seen_keys = files.seen();
        self.revoke_api_keys(files);
        let issuers = self.part.config.authn.jwt.iter();
        for (issuer, source) in issuers.zip(&self.sources) {
            let Some(file) = &issuer.jwks_file else {
                continue;
            };
            let set = match files.bytes(file) {
                Ok(bytes) => KeySet::parse(bytes).ok(),
                Err(error) => error.is_missing().then(KeySet::none),
            };
            if set.is_some_and(|set| source.keep_only(&set)) {
                warn!(
                    issuer = issuer.issuer,
                    tenant = self.part.tenant.as_deref(),
                    "took away keys that are not in the issuer's file any more"
                );
            }
        }
    }

    fn revoke_api_keys(&mut self, files: &Files) {
        let Some(settings) = &self.part.config.authn.api_keys else {
            return;
        };
        let changed = standing(settings, files, &self.keys);
        let left = revoked(&self.keys, &changed);
        self.changed_keys = Some(changed);
        if left == self.keys {
            return;
        }
        let gone = self.keys.len() - left.len();
        self.put_keys_in_force(left);
        info!(
            gone,
            left = self.keys.len(),
            tenant = self.part.tenant.as_deref(),
            "took away API keys that were removed or expire earlier"
        );
    }

    fn put_keys_in_force(&mut self, keys: Vec<StoredKey>) {
        let entries = build::key_entries(&keys);
        self.ring.replace(KeyTable::of_good(entries));
        self.keys = keys;
    }

    /// Puts changed keys in force on their own, since the rest of their generation cannot be.
    pub(super) fn take_changed_keys(&mut self) {
        let Some(changed) = self.changed_keys.take().filter(|keys| *keys != self.keys) else {
            return;
        };
        self.put_keys_in_force(changed);
        info!(
            tenant = self.part.tenant.as_deref(),
            "took up changed API keys"
        );
    }

    /// Everything that its files make, or what is wrong with them.
    pub(super) fn build(&self, files: &Files) -> Result<(One, Vec<Option<KeySet>>), Problems> {
        let mut problems = Problems::default();
        let mut sets = Vec::new();
        for (index, issuer) in self.part.config.authn.jwt.iter().enumerate() {
            let set = issuer
                .jwks_file
                .is_some()
                .then(|| build::keys_of_file(index, issuer, files));
            sets.push(set.transpose().unwrap_or_else(|found| {
                let found = found.of_tenant(self.part.tenant.as_deref());
                problems.0.extend(found.0);
                None
            }));
        }
        match super::tenants::one(&self.part, files, &self.sources) {
            Ok(one) => problems.into_result((one, sets)),
            Err(found) => {
                problems.0.extend(found.0);
                Err(problems)
            }
        }
    }

    /// Takes over what was built; the rules are put in force by the caller, before the key sets that they may need.
    pub(super) fn take(&mut self, one: One) {
        self.tenant = one.tenant;
        self.keys = one.keys;
        self.ring = one.ring;
        self.changed_keys = None;
        self.retry = None;
    }

    pub(super) fn publish(&self, sets: Vec<Option<KeySet>>) {
        for (source, set) in self.sources.iter().zip(sets) {
            if let Some(set) = set {
                source.publish(set);
            }
        }
    }
}

/// What is good of `keys` by what they are `changed` to. Other attributes have to wait for the policy of their generation:
/// the one in force may let in what both generations refuse.
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

fn look(
    mut seen: Seen,
    is_asked: bool,
    read: impl FnOnce() -> Result<Files, Unsettled> + Send + 'static,
) -> Looking {
    Box::new(move || {
        if !is_asked && seen.is_current() {
            Look::Same(seen)
        } else {
            Look::Read(read())
        }
    })
}

/// For so long a look at files may take.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
