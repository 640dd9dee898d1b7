//! Reloads keys, policies and data: builds new rules and puts them in force as a whole. If that fails, the last good
//! rules stay in force and the failure is reported.

pub mod build;
pub mod guarded;
mod in_force;
mod key_round;
mod keys;
mod readers;
mod retry;
mod round;
pub mod tenants;
mod url_prefix;
mod watcher;

pub use self::{url_prefix::url_prefix, watcher::Watcher};

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use geowarden_rego::STACK_BYTES;
use tokio::{
    sync::{Notify, oneshot, watch},
    time::{Instant, sleep_until},
};
use tracing::{error, warn};

use self::{
    in_force::InForce,
    key_round::KeyRound,
    round::Round,
    tenants::{BuiltTenant, LoadedTenant},
};
use crate::{
    config::Config,
    files::SETTLE_TIME,
    service_manager,
    state::State,
    telemetry::{metrics::Metrics, reload_history::ReloadHistory},
};

/// How often files are checked without an event. Some file systems send none.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);
/// The pause before a reload that panicked is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// The niceness (nice(2)) of a reload. If processors are busy, requests get three quarters of one and the reload the
/// rest.
pub const NICE: i32 = 5;

/// Runs `work` on a separate thread with a lower priority than requests.
async fn aside<T: Send + 'static>(
    stands_back: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let (done, ended) = oneshot::channel();
    let work = move || {
        // On Linux the niceness belongs to a thread, and threads inherit it. On other systems it belongs to the
        // process.
        if stands_back && cfg!(target_os = "linux") {
            let _ = rustix::process::nice(NICE);
        }
        // If the service has ended, nobody waits for the result.
        let _ = done.send(work());
    };
    thread::Builder::new()
        .name("reload".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(work)
        .map_err(|_| "could not begin")?;
    ended.await.map_err(|_| "panicked")
}

/// Reads keys, policies and data again on demand, or when their files change.
pub struct Reloader {
    /// Whether files are watched.
    is_watching: bool,
    watcher: Watcher,
    keys: Arc<Mutex<KeyRound>>,
    round: Arc<Mutex<Round>>,
    wanted: Signals,
    metrics: Arc<Metrics>,
    history: Arc<ReloadHistory>,
    config: Arc<Config>,
}

/// Signals between the two loops.
#[derive(Default)]
struct Signals {
    /// Keys were removed, possibly although the files are the same again.
    of_all: Arc<Notify>,
    /// A reload has ended: key changes that waited for it may be due.
    of_keys: Notify,
}

impl Reloader {
    /// Creates a reloader for the tenants in force, whose files have been read.
    pub fn new(
        config: &Config,
        tenants: Vec<(LoadedTenant, BuiltTenant)>,
        state: Arc<State>,
        metrics: Arc<Metrics>,
        history: Arc<ReloadHistory>,
    ) -> Self {
        let wanted = Signals::default();
        let tenants: Vec<InForce> = tenants
            .into_iter()
            .map(|(sourced, one)| InForce::new(sourced, one, Arc::clone(&wanted.of_all)))
            .collect();
        let roots = tenants.iter().flat_map(|t| build::roots(&t.part.config));
        let watcher = Watcher::new(roots.map(|root| root.path).collect());
        let keys = tenants.iter().map(|tenant| Arc::clone(&tenant.keys));
        let keys = KeyRound::new(keys.collect());
        let round = Round::new(tenants, state, Arc::clone(&metrics), Arc::clone(&history));
        Self {
            is_watching: config.watches_files(),
            watcher,
            keys: Arc::new(Mutex::new(keys)),
            round: Arc::new(Mutex::new(round)),
            wanted,
            metrics,
            history,
            config: Arc::new(config.clone()),
        }
    }

    /// Reloads until `stopped` completes. Each change of `asked` reloads at once, even if no file has changed. If files
    /// are watched, a failed reload is tried again. Keys are also checked while a reload runs.
    pub async fn run(&mut self, asked: &watch::Receiver<u64>, stopped: impl Future<Output = ()>) {
        tokio::select! {
            () = stopped => {}
            () = self.check_keys(asked.clone()) => {}
            () = self.reload(asked.clone()) => {}
        }
    }

    async fn check_keys(&self, mut asked: watch::Receiver<u64>) {
        let is_watching = self.is_watching;
        let mut events = self.watcher.events();
        let mut again: Option<Instant> = None;
        let mut is_first = is_watching;
        loop {
            let is_asked = tokio::select! {
                () = std::future::ready(()), if is_first => false,
                () = asked_for(&mut asked) => true,
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => false,
                () = self.wanted.of_keys.notified() => false,
                () = events.changed(SETTLE_TIME, CHECK_INTERVAL), if is_watching => false,
            };
            is_first = false;
            if is_watching {
                self.watcher.follow().await;
            }
            let round = Arc::clone(&self.keys);
            let one = move || {
                let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
                round.run(is_asked, is_asked || is_watching)
            };
            again = aside(false, one)
                .await
                .unwrap_or_else(|how| Some(self.log_failure(how)));
        }
    }

    async fn reload(&self, mut asked: watch::Receiver<u64>) {
        let is_watching = self.is_watching;
        let mut events = self.watcher.events();
        let mut again: Option<Instant> = None;
        // Files may have changed before they were watched, so check them first.
        let mut is_first = is_watching;
        let mut last_status = self.status();
        loop {
            let is_asked = tokio::select! {
                () = std::future::ready(()), if is_first => false,
                () = asked_for(&mut asked) => true,
                () = sleep_until(again.unwrap_or_else(Instant::now)), if is_watching && again.is_some() => false,
                () = self.wanted.of_all.notified(), if is_watching => false,
                () = events.changed(SETTLE_TIME, CHECK_INTERVAL), if is_watching => false,
            };
            is_first = false;
            if is_watching {
                self.watcher.follow().await;
            }
            if is_asked {
                service_manager::reloading();
            }
            let round = Arc::clone(&self.round);
            let (config, history) = (Arc::clone(&self.config), Arc::clone(&self.history));
            let one = move || {
                let mut round = round.lock().unwrap_or_else(PoisonError::into_inner);
                let again = round.run(is_asked);
                look_for_restart(&config, &history);
                again
            };
            again = aside(true, one)
                .await
                .unwrap_or_else(|how| Some(self.log_failure(how)));
            self.wanted.of_keys.notify_one();
            let status = self.status();
            if is_asked {
                service_manager::ready(status);
            } else if status != last_status {
                service_manager::status(status);
            }
            last_status = status;
        }
    }

    /// How the last reload ended, for the service manager.
    fn status(&self) -> &'static str {
        let seen = self.history.seen();
        if !seen.failing.is_empty() {
            "requests are judged by the last good files: those on disk cannot be used, see the log"
        } else if seen.restart.is_some() {
            "requests are judged; the configuration has changed, which needs a restart, see the log"
        } else {
            "requests are judged"
        }
    }

    /// Logs that a reload could not start or panicked, and returns when to try again.
    fn log_failure(&self, how: &str) -> Instant {
        error!("cannot reload: {how}; the last good rules keep serving");
        self.metrics.reloaded(false, true);
        self.history.failed([format!("reload: {how}")]);
        Instant::now() + RETRY_PAUSE
    }
}

/// Reports a change of the configuration file, which is only read at start.
fn look_for_restart(config: &Config, history: &ReloadHistory) {
    let needed = config.restart_needed();
    if history.needs_restart(needed.clone())
        && let Some(what) = needed
    {
        warn!("{what}");
    }
}

/// Completes when a reload is asked for; never, if nobody can ask any more.
async fn asked_for(asked: &mut watch::Receiver<u64>) {
    if asked.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
