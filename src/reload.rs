//! Watch, build a candidate, swap; or keep the last good rules and say so.

pub mod build;
pub mod guarded;
pub mod tenants;
mod watcher;

use std::{sync::Arc, thread, time::Duration};

use tokio::sync::{oneshot, watch};
use tracing::{error, info, warn};

use self::tenants::{Built, Sourced};
use self::watcher::Watcher;
pub use self::watcher::{Fingerprint, fingerprint};
use crate::{
    config::{Config, Problems},
    policy::STACK_BYTES,
    state::State,
    telemetry::{metrics::Metrics, reload_history::ReloadHistory},
};

/// Editors and ConfigMaps change several files at once: what comes within this time is one change.
const SETTLE: Duration = Duration::from_millis(100);
/// Files are looked at this often even when nothing was heard of them: some file systems do not tell.
const LOOK: Duration = Duration::from_secs(10);

/// How much less of a processor a reload asks for than requests do (nice(2)), where processors are short.
const NICE: i32 = 5;

/// Runs `work`, which takes long enough to hold up requests, on a thread of its own that stands back behind theirs.
async fn standing_back(work: impl FnOnce() + Send + 'static) -> Result<(), &'static str> {
    let (done, ended) = oneshot::channel();
    let work = move || {
        // On Linux a thread has a niceness of its own, which those that it starts inherit; elsewhere the process has one.
        if cfg!(target_os = "linux") {
            let _ = rustix::process::nice(NICE);
        }
        work();
        // Nobody waits any more where the service has ended.
        let _ = done.send(());
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|_| "could not begin")?;
    ended.await.map_err(|_| "broke off")
}

/// Reads keys, policies and data anew when told to or when their files change.
pub struct Reloader {
    /// What to read.
    pub config: Config,
    /// Where the rules in force are.
    pub state: Arc<State>,
    /// Where reloads are counted.
    pub metrics: Arc<Metrics>,
    /// Where they are remembered.
    pub history: Arc<ReloadHistory>,
    /// Every tenant's configuration and its issuers' keys, which outlive every reload.
    pub tenants: Vec<Sourced>,
    /// What the files looked like before the rules in force were read from them.
    pub loaded: Fingerprint,
}

impl Reloader {
    /// Reloads until `stopped` ends. Each change of `asked` reloads at once, whether or not a file has changed.
    pub async fn run(self, mut asked: watch::Receiver<u64>, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        let mut watcher = Watcher::new(&self.config, self.loaded.clone());
        let reloader = Arc::new(self);
        // What changed before anybody watched is looked for first.
        let mut is_first = reloader.config.watches_files();
        loop {
            let by_request = tokio::select! {
                () = &mut stopped => return,
                () = std::future::ready(()), if is_first => false,
                changed = asked.changed() => {
                    if changed.is_err() {
                        stopped.await;
                        return;
                    }
                    true
                }
                () = watcher.changed(SETTLE, LOOK), if reloader.config.watches_files() => false,
            };
            is_first = false;
            let print = fingerprint(&reloader.config.watched_paths());
            if !by_request && print == watcher.seen {
                continue;
            }
            watcher.seen = print;
            watcher.follow(&reloader.config);
            let one = Arc::clone(&reloader);
            if let Err(cause) = standing_back(move || one.reload()).await {
                error!("a reload {cause}; the last good rules keep serving");
                reloader.metrics.reloaded(false);
                reloader.history.failed([format!("a reload {cause}")]);
            }
        }
    }

    fn reload(&self) {
        match self.candidate() {
            Ok(built) => {
                for warning in &built.warnings {
                    warn!("{warning}");
                }
                self.state.replace(built.rules);
                self.metrics.reloaded(true);
                self.history.succeeded();
                for (tenant, revision) in &built.revisions {
                    info!(%revision, tenant = tenant.as_deref(), "reloaded keys and policies");
                }
            }
            Err(problems) => {
                self.metrics.reloaded(false);
                self.history
                    .failed(problems.0.iter().map(ToString::to_string));
                for problem in problems.0 {
                    error!(
                        origin = %problem.origin,
                        path = %problem.path,
                        "cannot reload: {}; the last good rules keep serving",
                        problem.message
                    );
                }
            }
        }
    }

    fn candidate(&self) -> Result<Built, Problems> {
        let mut problems = Problems::default();
        let mut keys = Vec::new();
        for tenant in &self.tenants {
            let issuers = tenant.part.config.authn.jwt.iter().enumerate();
            for ((index, issuer), source) in issuers.zip(&tenant.sources) {
                if issuer.jwks_file.is_none() {
                    continue;
                }
                match build::keys_of_file(index, issuer) {
                    Ok(set) => keys.push((source, set)),
                    Err(found) => {
                        let found = found.of_tenant(tenant.part.tenant.as_deref());
                        problems.0.extend(found.0);
                    }
                }
            }
        }
        let built = tenants::snapshot(&self.tenants)
            .map_err(|found| problems.0.extend(found.0))
            .ok();
        let Some(built) = built.filter(|_| problems.0.is_empty()) else {
            return Err(problems);
        };
        // Only once everything else is known to be good: a reload works whole or changes nothing.
        for (source, set) in keys {
            source.publish(set);
        }
        Ok(built)
    }
}
