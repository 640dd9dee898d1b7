//! Watch, build a candidate, swap; or keep the last good rules and say so.

pub mod build;
pub mod guarded;
mod retry;
pub mod tenants;
mod watcher;

use std::{sync::Arc, thread, time::Duration};

use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep_until},
};
use tracing::{error, info, warn};

use self::retry::Retry;
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

/// How much less of a processor a reload asks for than requests do (nice(2)), where processors are short: it gets a quarter of
/// one that both want.
pub const NICE: i32 = 5;

/// What `work` gives, which takes long enough to hold up requests: on a thread of its own that stands back behind theirs.
async fn standing_back<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let (done, ended) = oneshot::channel();
    let work = move || {
        // On Linux a thread has a niceness of its own, which those that it starts inherit; elsewhere the process has one.
        if cfg!(target_os = "linux") {
            let _ = rustix::process::nice(NICE);
        }
        // Nobody waits any more where the service has ended.
        let _ = done.send(work());
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|_| "could not begin")?;
    ended.await.map_err(|_| "broke off")
}

/// What a reload is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Somebody has asked for it.
    Asked,
    /// Files may have changed.
    Files,
    /// The last one failed.
    Again,
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
    /// Reloads until `stopped` ends. Each change of `asked` reloads at once, whether or not a file has changed; where files
    /// are watched, what has failed is tried again now and then.
    pub async fn run(self, mut asked: watch::Receiver<u64>, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        let mut watcher = Watcher::new(&self.config, self.loaded.clone());
        let reloader = Arc::new(self);
        let is_watching = reloader.config.watches_files();
        let mut retry: Option<Retry> = None;
        // What changed before anybody watched is looked for first.
        let mut is_first = is_watching;
        loop {
            let again = retry.as_ref().map(|retry| retry.at);
            let why = tokio::select! {
                () = &mut stopped => return,
                () = std::future::ready(()), if is_first => Why::Files,
                changed = asked.changed() => {
                    if changed.is_err() {
                        stopped.await;
                        return;
                    }
                    Why::Asked
                }
                () = sleep_until(again.unwrap_or_else(Instant::now)), if is_watching && again.is_some() => Why::Again,
                () = watcher.changed(SETTLE, LOOK), if is_watching => Why::Files,
            };
            is_first = false;
            let print = fingerprint(&reloader.config.watched_paths());
            let has_changed = print != watcher.seen;
            if why == Why::Files && !has_changed {
                continue;
            }
            watcher.seen = print;
            watcher.follow(&reloader.config);
            let one = Arc::clone(&reloader);
            // What was in force is dropped there as well.
            let reload = move || one.candidate().map(|built| one.put_in_force(built));
            let outcome = standing_back(reload).await;
            retry = match outcome.unwrap_or_else(|how| Err(Problems::file("reload", None, how))) {
                Ok(()) => None,
                Err(problems) => {
                    let told = problems.0.iter().map(ToString::to_string).collect();
                    // What has changed, or been asked for, is told about anew.
                    let earlier = retry.filter(|_| why == Why::Again && !has_changed);
                    let next = Retry::after(earlier, told);
                    if next.is_first() {
                        reloader.keep(&problems);
                    }
                    Some(next)
                }
            };
        }
    }

    fn put_in_force(&self, built: Built) {
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

    /// Keeps the last good rules, and says so.
    fn keep(&self, problems: &Problems) {
        self.metrics.reloaded(false);
        self.history
            .failed(problems.0.iter().map(ToString::to_string));
        for problem in &problems.0 {
            error!(
                origin = %problem.origin,
                path = %problem.path,
                "cannot reload: {}; the last good rules keep serving",
                problem.message
            );
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
