//! The rules in force of one tenant. Its files take effect as a whole, except that keys are taken away at once.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Notify, time::Instant};

use super::{
    build,
    keys::{Keys, Reading},
    retry::Retry,
    tenants::{BuiltTenant, LoadedTenant},
};
use crate::{
    authn::{KeyRing, KeySet, KeySource},
    config::{Part, Problems, key_file::StoredKey},
    files::{Files, Fresh, Seen, Unsettled},
    state::Tenant,
};

/// The state of one tenant between two reloads.
pub(super) struct InForce {
    pub(super) part: Arc<Part>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) keys: Arc<Keys>,
    sources: Vec<Arc<KeySource>>,
    /// The state of all its files at the last check.
    seen: Seen,
    /// When to try again, if its last reload failed.
    pub(super) retry: Option<Retry>,
}

/// The result of a check of the files.
pub(super) enum Look {
    /// They are unchanged.
    Same(Seen),
    /// They have changed, or a reload was asked for; with the moment when reading began.
    Read(Result<Files, Unsettled>, Instant),
}

/// A check of files, for a thread of its own.
pub(super) type Looking = Box<dyn FnOnce() -> Look + Send>;

impl InForce {
    /// What was built. `taken_away` is told when keys are taken away.
    pub(super) fn new(built_from: LoadedTenant, one: BuiltTenant, taken_away: Arc<Notify>) -> Self {
        let LoadedTenant {
            part,
            sources,
            files,
        } = built_from;
        let part = Arc::new(part);
        let keys = Keys::new(
            Arc::clone(&part),
            sources.clone(),
            one.keys,
            one.ring,
            taken_away,
        );
        Self {
            part,
            tenant: one.tenant,
            keys: Arc::new(keys),
            sources,
            seen: files.seen(),
            retry: None,
        }
    }

    /// A look at all files.
    pub(super) fn look(&self, is_asked: bool) -> Looking {
        let roots = build::roots(&self.part.config);
        let mut seen = self.seen.clone();
        Box::new(move || {
            if !is_asked && seen.is_current() {
                return Look::Same(seen);
            }
            let begun = Instant::now();
            Look::Read(Files::read(&roots, Fresh::Wait), begun)
        })
    }

    /// Whether the files are to be built from although they are what they were: the last reload failed and is to be tried
    /// again now, or keys are missing that were taken away.
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        match &self.retry {
            Some(retry) => retry.at <= now,
            None => self.keys.is_cut(),
        }
    }

    /// When to reload again.
    pub(super) fn next(&self) -> Option<Instant> {
        let is_cut = || self.keys.is_cut().then(Instant::now);
        self.retry.as_ref().map(|retry| retry.at).or_else(is_cut)
    }

    /// Notes that the files were checked and are unchanged.
    pub(super) fn saw_same(&mut self, seen: Seen) {
        self.keys.take_changed_of_same(&seen);
        self.seen = seen;
    }

    /// Notes that the files were read. Returns whether they have changed.
    pub(super) fn saw_change(&mut self, files: &Files) -> bool {
        let seen = files.seen();
        let has_changed = seen.differs(&self.seen);
        self.seen = seen;
        self.keys.take_away_by(files);
        has_changed
    }

    /// Notes that what was last read cannot be put in force: changed keys are, on their own.
    pub(super) fn failed(&self, files: &Files, begun: Instant) {
        self.keys
            .take_changed_of_failed(&self.reading(files, begun));
    }

    fn reading<'a>(&'a self, files: &'a Files, begun: Instant) -> Reading<'a> {
        let seen = &self.seen;
        Reading { files, seen, begun }
    }

    /// The rules built from its files, or all problems of them.
    pub(super) fn build(
        &self,
        files: &Files,
    ) -> Result<(BuiltTenant, Vec<Option<KeySet>>), Problems> {
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

    /// Puts in force what was built from what was last read. `replace` puts the tenant's rules beside those of others.
    pub(super) fn put(
        &self,
        keys: (Vec<StoredKey>, Arc<KeyRing>),
        sets: Vec<Option<KeySet>>,
        files: &Files,
        begun: Instant,
        replace: impl FnOnce(),
    ) {
        let reading = self.reading(files, begun);
        self.keys.put(keys, sets, &reading, replace);
    }
}

/// For so long a look at files may take.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
