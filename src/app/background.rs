//! The background tasks, each kept up until the service stops.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, watch},
    time::interval,
};

use super::ended;
use crate::{
    authn::KeyFetcher,
    reload::Reloader,
    running_pygeoapi::VersionChecks,
    service_manager,
    supervision::{Tasks, Timing},
    telemetry::{metrics::Metrics, traces::Exporter},
};

/// Tells the service manager that the threads which answer requests still run, also while requests in flight are answered at
/// the end.
pub(super) async fn watchdog(every: Duration) {
    let mut due = interval(every);
    loop {
        due.tick().await;
        service_manager::alive();
    }
}

/// Where tasks are kept up, and when they may end.
pub(super) struct Background {
    pub(super) tasks: Arc<Tasks>,
    stopped: watch::Receiver<bool>,
}

impl Background {
    pub(super) fn new(metrics: &Arc<Metrics>, stopped: &watch::Receiver<bool>) -> Self {
        Self {
            tasks: Arc::new(Tasks::new(Arc::clone(metrics), Timing::default())),
            stopped: stopped.clone(),
        }
    }

    /// Fetches the keys of an issuer; `whose` they are is told.
    pub(super) fn fetcher(
        &self,
        whose: String,
        fetcher: KeyFetcher,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tasks, stopped) = (Arc::clone(&self.tasks), self.stopped.clone());
        let fetcher = Arc::new(Mutex::new(fetcher));
        async move {
            let start = || {
                let (fetcher, stopping) = (Arc::clone(&fetcher), ended(stopped.clone()));
                async move { fetcher.lock().await.run(stopping).await }
            };
            let stopping = ended(stopped.clone());
            tasks
                .supervise("key-fetcher", Some(&whose), start, stopping)
                .await;
        }
    }

    /// Reloads files.
    pub(super) fn reloader(
        &self,
        reloader: Reloader,
        asked: watch::Receiver<u64>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tasks, stopped) = (Arc::clone(&self.tasks), self.stopped.clone());
        let reloader = Arc::new(Mutex::new((reloader, asked)));
        async move {
            let start = || {
                let (reloader, stopping) = (Arc::clone(&reloader), ended(stopped.clone()));
                async move {
                    let (reloader, asked) = &mut *reloader.lock().await;
                    reloader.run(asked, stopping).await;
                }
            };
            let stopping = ended(stopped.clone());
            tasks.supervise("reloader", None, start, stopping).await;
        }
    }

    /// Asks the servers that could not be asked at start for their version.
    pub(super) fn versions(
        &self,
        later: VersionChecks,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (tasks, stopped) = (Arc::clone(&self.tasks), self.stopped.clone());
        let later = Arc::new(Mutex::new(later));
        async move {
            let start = || {
                let (later, stopping) = (Arc::clone(&later), ended(stopped.clone()));
                async move { later.lock().await.run(stopping).await }
            };
            let stopping = ended(stopped.clone());
            tasks
                .supervise("pygeoapi-version", None, start, stopping)
                .await;
        }
    }

    /// Exports traces.
    pub(super) fn exporter(&self, exporter: Exporter) -> impl Future<Output = ()> + Send + 'static {
        let (tasks, stopped) = (Arc::clone(&self.tasks), self.stopped.clone());
        let exporter = Arc::new(Mutex::new(exporter));
        async move {
            let start = || {
                let (exporter, stopping) = (Arc::clone(&exporter), ended(stopped.clone()));
                async move { exporter.lock().await.run(stopping).await }
            };
            let stopping = ended(stopped.clone());
            tasks
                .supervise("trace-exporter", None, start, stopping)
                .await;
        }
    }
}
