//! Background tasks that panic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use geowarden::{
    admin::Readiness,
    authn::{
        AskSettings, FetchSettings, Fetcher, KeyEvents, KeyFetchError, KeyFetchSettings,
        KeyFetcher, KeyLocation,
    },
    supervision::{Tasks, Timing},
    telemetry::metrics::Metrics,
};
use tokio::sync::{Mutex, watch};

/// Receives fetches and panics: the first times, or always.
struct Faulty {
    panics: usize,
    told: AtomicUsize,
}

impl KeyEvents for Faulty {
    fn fetched(&self, _: &str, _: usize, _: usize) {
        unreachable!("nobody listens there");
    }

    fn failed(&self, _: &str, _: &KeyFetchError) {
        let told = self.told.fetch_add(1, Ordering::SeqCst);
        assert!(told >= self.panics, "a fault of this test");
    }
}

const QUICK: Timing = Timing {
    first: Duration::from_millis(1),
    longest: Duration::from_millis(5),
    steady: Duration::from_millis(300),
};

/// The real fetcher of keys, under supervision.
async fn kept_up(panics: usize, until: impl Fn(&Tasks, &Faulty) -> bool) -> Vec<String> {
    let events = Arc::new(Faulty {
        panics,
        told: AtomicUsize::new(0),
    });
    let settings = KeyFetchSettings {
        location: KeyLocation::JwksUri("http://127.0.0.1:1/keys".parse().unwrap()),
        ask: AskSettings::default(),
        refresh: Duration::from_secs(10),
        ..KeyFetchSettings::new("http://127.0.0.1:1")
    };
    let http = Fetcher::new(&FetchSettings::default()).unwrap();
    let (_source, fetcher) = KeyFetcher::new(settings, http, Arc::clone(&events) as _).unwrap();
    let fetcher = Arc::new(Mutex::new(fetcher));
    let tasks = Arc::new(Tasks::new(Arc::new(Metrics::default()), QUICK));
    let (stop, stopped) = watch::channel(false);
    let kept = Arc::clone(&tasks);
    let running = tokio::spawn(async move {
        let ended = |mut stopped: watch::Receiver<bool>| async move {
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let start = || {
            let (fetcher, stopping) = (Arc::clone(&fetcher), ended(stopped.clone()));
            async move { fetcher.lock().await.run(stopping).await }
        };
        let stopping = ended(stopped.clone());
        kept.supervise("key-fetcher", Some("x"), start, stopping)
            .await;
    });
    while !until(&tasks, &events) {
        tokio::task::yield_now().await;
    }
    let readiness = Readiness {
        draining: Arc::default(),
        sources: Vec::new(),
        history: Arc::default(),
        other_pygeoapi: Arc::default(),
        tasks,
    };
    let obstacles = readiness.obstacles();
    stop.send_replace(true);
    running.await.unwrap();
    obstacles
}

#[tokio::test]
async fn a_fetcher_that_panics_goes_on() {
    let goes_on = |tasks: &Tasks, events: &Faulty| {
        events.told.load(Ordering::SeqCst) > 2 && tasks.status()[0].restarts == 2
    };
    assert!(kept_up(2, goes_on).await.is_empty());
}

#[tokio::test]
async fn a_fetcher_that_panics_again_and_again_makes_the_service_unready() {
    let is_down = |tasks: &Tasks, _: &Faulty| {
        let status = tasks.status();
        status.first().is_some_and(|task| task.is_down)
    };
    assert_eq!(
        kept_up(usize::MAX, is_down).await,
        ["the background task `key-fetcher of x` keeps ending"]
    );
}
