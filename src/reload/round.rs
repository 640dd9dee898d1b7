//! One reload of all tenants, one after the other.

use std::{mem::take, sync::Arc};

use tokio::time::Instant;
use tracing::{error, info, warn};

use super::{
    in_force::{CheckOutcome, FileCheck, InForce, LIMIT},
    readers::{ReadFailure, Readers},
    retry::Retry,
    tenants::{KeyOwners, named},
};
use crate::{
    config::Problems,
    files::{Files, descriptors},
    state::{Snapshot, State},
    telemetry::{metrics::Metrics, reload_history::ReloadHistory},
};

/// The state that reloads work on.
pub(super) struct Round {
    tenants: Vec<InForce>,
    readers: Readers,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    history: Arc<ReloadHistory>,
}

/// How the reload of one tenant ended.
enum End {
    /// Nothing had changed.
    Same,
    /// The new rules are in force.
    Done,
    /// It failed, with the same problems as before or with new ones.
    Failed { is_new: bool },
}

impl Round {
    pub(super) fn new(
        tenants: Vec<InForce>,
        state: Arc<State>,
        metrics: Arc<Metrics>,
        history: Arc<ReloadHistory>,
    ) -> Self {
        Self {
            readers: Readers::new(tenants.len()),
            tenants,
            state,
            metrics,
            history,
        }
    }

    /// Reloads the tenants whose files have changed, or all if that is asked for. Returns when to try failed ones again.
    pub(super) fn run(&mut self, is_asked: bool) -> Option<Instant> {
        descriptors::keep();
        let mut looks: Vec<Option<Result<CheckOutcome, ReadFailure>>> =
            self.tenants.iter().map(|_| None).collect();
        let jobs: Vec<(usize, FileCheck)> = self
            .tenants
            .iter()
            .enumerate()
            .map(|(index, tenant)| (index, tenant.look(is_asked || tenant.is_due())))
            .collect();
        self.readers.look(jobs, LIMIT, |index, look| {
            if let Some(place) = looks.get_mut(index) {
                *place = Some(look);
            }
        });
        let mut reported = Vec::new();
        let (mut is_done, mut has_failed) = (false, false);
        for (index, look) in looks.into_iter().enumerate() {
            match self.reload(index, is_asked, look, &mut reported) {
                End::Same => {}
                End::Done => is_done = true,
                End::Failed { is_new } => has_failed |= is_new,
            }
        }
        self.log(is_done, has_failed, reported);
        if is_done {
            // A tenant that failed may need something that another tenant gave up, such as a key.
            let failed = self.tenants.iter_mut();
            failed
                .filter_map(|tenant| tenant.retry.as_mut())
                .for_each(Retry::soon);
        }
        self.tenants.iter().filter_map(InForce::next).min()
    }

    fn reload(
        &mut self,
        index: usize,
        is_asked: bool,
        look: Option<Result<CheckOutcome, ReadFailure>>,
        reported: &mut Vec<String>,
    ) -> End {
        let Some(tenant) = self.tenants.get_mut(index) else {
            return End::Same;
        };
        let fault = |text: String| {
            let problems = Problems::file("files", None, text);
            Err(problems.of_tenant(tenant.part.tenant.as_deref()))
        };
        let (outcome, has_changed) = match look {
            Some(Ok(CheckOutcome::Same(seen))) => {
                tenant.saw_same(seen);
                return End::Same;
            }
            Some(Ok(CheckOutcome::Read(Ok(files), begun))) => {
                let is_due = is_asked || tenant.is_due();
                let has_changed = tenant.saw_change(&files);
                if !is_due && !has_changed {
                    return End::Same;
                }
                let built = self.build(index, &files, begun);
                if let (Err(_), Some(tenant)) = (&built, self.tenants.get(index)) {
                    tenant.failed(&files, begun);
                }
                (built, has_changed)
            }
            Some(Ok(CheckOutcome::Read(Err(unsettled), _))) => {
                (fault(unsettled.to_string()), false)
            }
            Some(Err(ReadFailure::Broken)) => (fault("reading them panicked".to_owned()), false),
            Some(Err(ReadFailure::Stalled)) | None => (
                fault(format!(
                    "expected to read them within {} s, but they do not answer: check the mount that they are on",
                    LIMIT.as_secs()
                )),
                false,
            ),
        };
        let Some(tenant) = self.tenants.get_mut(index) else {
            return End::Same;
        };
        let name = tenant.part.tenant.clone();
        match outcome {
            Ok(()) => {
                self.metrics.tenant_reloaded(name.as_ref(), true);
                End::Done
            }
            Err(problems) => {
                let texts: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
                // Report the problems of changed files again.
                let earlier = tenant.retry.take().filter(|_| !has_changed);
                let retry = Retry::after(earlier, texts.clone());
                let is_new = retry.is_first();
                tenant.retry = Some(retry);
                self.metrics.tenant_reloaded(name.as_ref(), false);
                if is_new {
                    for problem in &problems.0 {
                        error!(
                            origin = %problem.origin,
                            path = %problem.path,
                            "cannot reload: {}; the last good rules keep serving",
                            problem.message
                        );
                    }
                    reported.extend(texts);
                }
                End::Failed { is_new }
            }
        }
    }

    /// Builds a tenant's rules from its files and puts them in force, or returns the problems.
    fn build(&mut self, index: usize, files: &Files, begun: Instant) -> Result<(), Problems> {
        let Some(tenant) = self.tenants.get(index) else {
            return Ok(());
        };
        // Also the process that tries policies needs file descriptors.
        let lent = descriptors::lend();
        let built = tenant.build(files);
        drop(lent);
        let (one, sets) = built?;
        let name = tenant.part.tenant.clone();
        let mut owners = KeyOwners::default();
        for (other, in_force) in self.tenants.iter().enumerate() {
            if let Some(owner) = in_force.part.tenant.as_ref().filter(|_| other != index) {
                // The problems that tenants share were reported before.
                let _ = owners.add(owner, &in_force.keys.stored());
            }
        }
        if let Some(name) = &name {
            let problems = owners.add(name, &one.keys);
            if !problems.0.is_empty() {
                return Err(problems);
            }
        }
        for warning in &one.warnings {
            warn!("{}", named(name.as_deref(), warning));
        }
        let revision = one.revision.clone();
        let Some(tenant) = self.tenants.get_mut(index) else {
            return Ok(());
        };
        tenant.tenant = one.tenant;
        tenant.retry = None;
        let snapshot = self.snapshot();
        if let Some(tenant) = self.tenants.get(index) {
            tenant.put((one.keys, one.ring), sets, files, begun, || {
                self.state.replace(snapshot);
            });
        }
        info!(%revision, tenant = name.as_deref(), "reloaded keys and policies");
        Ok(())
    }

    fn snapshot(&self) -> Snapshot {
        self.tenants
            .iter()
            .fold(Snapshot::default(), |snapshot, tenant| {
                snapshot.with(Arc::clone(&tenant.tenant), &tenant.part.hosts)
            })
    }

    fn log(&self, is_done: bool, has_failed: bool, mut reported: Vec<String>) {
        let failing = self.tenants.iter().filter(|tenant| tenant.retry.is_some());
        let failing: Vec<Option<Arc<str>>> =
            failing.map(|tenant| tenant.part.tenant.clone()).collect();
        let is_failing = !failing.is_empty();
        self.history.are_failing(failing);
        if is_done {
            self.history.succeeded();
        }
        if has_failed {
            self.history.failed(take(&mut reported));
        }
        if is_done || has_failed {
            self.metrics.reloaded(!has_failed, is_failing);
        } else {
            self.metrics.reload_failing(is_failing);
        }
    }
}
