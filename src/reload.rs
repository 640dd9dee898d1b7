//! Watch, build a candidate, swap; or keep the last good rules and say so.

pub mod build;
pub mod guarded;
mod in_force;
mod readers;
mod retry;
mod round;
pub mod tenants;
mod watcher;

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep_until},
};
use tracing::error;

use self::{
    in_force::InForce,
    round::Round,
    tenants::{One, Sourced},
    watcher::Watcher,
};
use crate::{
    config::Config,
    files::SETTLE,
    policy::STACK_BYTES,
    state::State,
    telemetry::{metrics::Metrics, reload_history::ReloadHistory},
};

/// Files are looked at this often even when nothing was heard of them: some file systems do not tell.
const LOOK: Duration = Duration::from_secs(10);
/// A reload that broke off is tried again after this.
const RETRY: Duration = Duration::from_secs(1);

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

/// Reads keys, policies and data anew when told to or when their files change.
pub struct Reloader {
    /// Whether files are watched.
    is_watching: bool,
    watcher: Watcher,
    round: Arc<Mutex<Round>>,
    metrics: Arc<Metrics>,
    history: Arc<ReloadHistory>,
}

impl Reloader {
    /// A reloader of the tenants in force, whose files were read before.
    pub fn new(
        config: &Config,
        tenants: Vec<(Sourced, One)>,
        state: Arc<State>,
        metrics: Arc<Metrics>,
        history: Arc<ReloadHistory>,
    ) -> Self {
        let tenants: Vec<InForce> = tenants
            .into_iter()
            .map(|(sourced, one)| InForce::new(sourced, one))
            .collect();
        let roots = tenants.iter().flat_map(|t| build::roots(&t.part.config));
        let watcher = Watcher::new(roots.map(|root| root.path).collect());
        let round = Round::new(tenants, state, Arc::clone(&metrics), Arc::clone(&history));
        Self {
            is_watching: config.watches_files(),
            watcher,
            round: Arc::new(Mutex::new(round)),
            metrics,
            history,
        }
    }

    /// Reloads until `stopped` ends. Each change of `asked` reloads at once, whether or not a file has changed; where files
    /// are watched, what has failed is tried again now and then.
    pub async fn run(
        &mut self,
        asked: &mut watch::Receiver<u64>,
        stopped: impl Future<Output = ()>,
    ) {
        let mut stopped = std::pin::pin!(stopped);
        let is_watching = self.is_watching;
        let mut again: Option<Instant> = None;
        // What changed before anybody watched is looked for first.
        let mut is_first = is_watching;
        loop {
            let is_asked = tokio::select! {
                () = &mut stopped => return,
                () = std::future::ready(()), if is_first => false,
                changed = asked.changed() => {
                    if changed.is_err() {
                        stopped.await;
                        return;
                    }
                    true
                }
                () = sleep_until(again.unwrap_or_else(Instant::now)), if is_watching && again.is_some() => false,
                () = self.watcher.changed(SETTLE, LOOK), if is_watching => false,
            };
            is_first = false;
            if is_watching {
                self.watcher.follow().await;
            }
            let round = Arc::clone(&self.round);
            let one = move || {
                let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
                round.run(is_asked)
            };
            again = match standing_back(one).await {
                Ok(next) => next,
                Err(how) => {
                    self.broke_off(how);
                    Some(Instant::now() + RETRY)
                }
            };
        }
    }

    /// Says that a reload did not even begin, or broke off.
    fn broke_off(&self, how: &str) {
        error!("cannot reload: {how}; the last good rules keep serving");
        self.metrics.reloaded(false, true);
        self.history.failed([format!("reload: {how}")]);
    }
}
