//! The rules in force of one tenant. Its files take effect together, except that a revoked key is removed at once.

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
    files::{FileStates, Files, Fresh, Unsettled},
    state::TenantRules,
};

/// The state of one tenant between two reloads.
pub(super) struct InForce {
    pub(super) part: Arc<Part>,
    pub(super) tenant: Arc<TenantRules>,
    pub(super) keys: Arc<Keys>,
    sources: Vec<Arc<KeySource>>,
    /// The state of all its files at the last check.
    seen: FileStates,
    /// When to try again, if its last reload failed.
    pub(super) retry: Option<Retry>,
}

/// The result of a check of the files.
pub(super) enum CheckOutcome {
    /// They are unchanged.
    Same(FileStates),
    /// They have changed, or a reload was asked for. Contains the moment when reading began.
    Read(Result<Files, Unsettled>, Instant),
}

/// A check of files, to run on a separate thread.
pub(super) type FileCheck = Box<dyn FnOnce() -> CheckOutcome + Send>;

impl InForce {
    /// The state after the first build. `taken_away` is notified when keys are removed.
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
            seen: files.file_states(),
            retry: None,
        }
    }

    /// Checks all files.
    pub(super) fn look(&self, is_asked: bool) -> FileCheck {
        let roots = build::roots(&self.part.config);
        let mut seen = self.seen.clone();
        Box::new(move || {
            if !is_asked && seen.is_current() {
                return CheckOutcome::Same(seen);
            }
            let begun = Instant::now();
            CheckOutcome::Read(Files::read(&roots, Fresh::Wait), begun)
        })
    }

    /// Whether to build again from unchanged files: the last reload failed and should be tried again now, or removed
    /// keys are missing.
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        match &self.retry {
            Some(retry) => retry.at <= now,
            None => self.keys.is_cut(),
        }
    }

    /// When the next try is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let is_cut = || self.keys.is_cut().then(Instant::now);
        self.retry.as_ref().map(|retry| retry.at).or_else(is_cut)
    }

    /// Records that the files were checked and are unchanged.
    pub(super) fn saw_same(&mut self, seen: FileStates) {
        self.keys.take_changed_of_same(&seen);
        self.seen = seen;
    }

    /// Records that the files were read. Returns whether they have changed.
    pub(super) fn saw_change(&mut self, files: &Files) -> bool {
        let seen = files.file_states();
        let has_changed = seen.differs(&self.seen);
        self.seen = seen;
        self.keys.take_away_by(files);
        has_changed
    }

    /// Records that the last reading cannot be put in force. Changed keys are then put in force alone.
    pub(super) fn failed(&self, files: &Files, begun: Instant) {
        self.keys
            .take_changed_of_failed(&self.reading(files, begun));
    }

    fn reading<'a>(&'a self, files: &'a Files, begun: Instant) -> Reading<'a> {
        let seen = &self.seen;
        Reading { files, seen, begun }
    }

    /// The rules built from its files, or all their problems.
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

    /// Puts the rules from the last reading in force. `replace` puts them beside the rules of the other tenants.
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

/// The time limit of a check of files.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
