//! The keys of one issuer, as a request sees them. It reads them without a lock, and asks for new ones if a token names
//! an unknown key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

use super::jwks::KeySet;

/// What a token with an unknown `kid` causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskSettings {
    /// The shortest time between two fetches that requests cause. It limits the requests that strangers can make
    /// geowarden send.
    pub floor: Duration,
    /// How long a request waits for such a fetch.
    pub wait: Duration,
}

impl Default for AskSettings {
    fn default() -> Self {
        Self {
            floor: Duration::from_secs(10),
            wait: Duration::from_millis(400),
        }
    }
}

/// The outcome of asking for fresh keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FetchOutcome {
    /// The keys are fresh: they were fetched no longer ago than that shortest time.
    Answered,
    /// The issuer has not answered yet, or its last answer could not be used.
    Unanswered,
}

/// A key set with its generation.
#[derive(Debug)]
pub(super) struct PublishedKeys {
    pub(super) set: KeySet,
    /// Changes with the keys. Tokens that an older generation verified are verified again.
    pub(super) generation: u64,
    fetched_at: SystemTime,
}

/// The state of a source, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The issuer.
    pub issuer: Arc<str>,
    /// How many keys can be used; `None` before the first successful fetch.
    pub keys: Option<usize>,
    /// The ids (`kid`) of the keys that have one.
    pub key_ids: Vec<String>,
    /// When the keys were last confirmed.
    pub fetched_at: Option<SystemTime>,
    /// The last error since then.
    pub failure: Option<Arc<String>>,
}

/// The current keys of one issuer.
#[derive(Debug)]
pub struct KeySource {
    issuer: Arc<str>,
    published: ArcSwapOption<PublishedKeys>,
    generations: AtomicU64,
    failure: ArcSwapOption<String>,
    /// `None` for keys from a file, which cannot be fetched.
    tries: Option<Tries>,
}

#[derive(Debug)]
struct Tries {
    settings: AskSettings,
    state: watch::Sender<TryState>,
}

#[derive(Debug, Default)]
struct TryState {
    running: bool,
    wanted: bool,
    finished: u64,
    last_asked: Option<Instant>,
}

impl KeySource {
    /// A source with keys from a file.
    pub fn fixed(issuer: &str, set: KeySet) -> Arc<Self> {
        let source = Self::empty(issuer, None);
        source.publish(set);
        Arc::new(source)
    }

    /// A source whose keys a fetcher will publish.
    pub(super) fn waiting(issuer: &str, settings: AskSettings) -> Arc<Self> {
        let state = watch::Sender::new(TryState::default());
        Arc::new(Self::empty(issuer, Some(Tries { settings, state })))
    }

    fn empty(issuer: &str, tries: Option<Tries>) -> Self {
        Self {
            issuer: Arc::from(issuer),
            published: ArcSwapOption::empty(),
            generations: AtomicU64::new(0),
            failure: ArcSwapOption::empty(),
            tries,
        }
    }

    /// The issuer of the keys.
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// Whether there are keys.
    pub fn is_ready(&self) -> bool {
        let published = self.published.load();
        published.as_ref().is_some_and(|keys| !keys.set.is_empty())
    }

    /// The state of the source.
    pub fn status(&self) -> KeyStatus {
        let published = self.published.load();
        KeyStatus {
            issuer: Arc::clone(&self.issuer),
            keys: published.as_ref().map(|keys| keys.set.len()),
            key_ids: published
                .iter()
                .flat_map(|keys| keys.set.ids())
                .map(str::to_owned)
                .collect(),
            fetched_at: published.as_ref().map(|keys| keys.fetched_at),
            failure: self.failure.load_full(),
        }
    }

    /// Replaces the keys. The generation stays if the keys are equal.
    pub fn publish(&self, set: KeySet) {
        let generation = match self.published.load().as_ref() {
            Some(current) if current.set == set => current.generation,
            _ => self.generations.fetch_add(1, Ordering::Relaxed),
        };
        let fetched_at = SystemTime::now();
        self.published.store(Some(Arc::new(PublishedKeys {
            set,
            generation,
            fetched_at,
        })));
        self.failure.store(None);
    }

    /// Removes the keys that are missing or different in `set`; adds none. Returns whether a key was removed.
    pub fn keep_only(&self, set: &KeySet) -> bool {
        let Some(current) = self.current() else {
            return false;
        };
        let left = current.set.unchanged_in(set);
        let is_less = left.len() < current.set.len();
        if is_less {
            self.publish(left);
        }
        is_less
    }

    /// Records why the key file could not be used.
    pub fn fail(&self, failure: Arc<String>) {
        self.failure.store(Some(failure));
    }

    /// A source of the same keys that nothing renews; `None` without keys.
    pub fn without_fetches(&self) -> Option<Arc<Self>> {
        let current = self.current()?;
        Some(Self::fixed(&self.issuer, current.set.clone()))
    }

    pub(super) fn current(&self) -> Option<Arc<PublishedKeys>> {
        self.published.load_full()
    }

    pub(super) fn generation(&self) -> Option<u64> {
        self.published.load().as_ref().map(|keys| keys.generation)
    }

    /// Asks for fresh keys and waits for the fetch, for a limited time. Returns at once if no fetch is due yet.
    pub(super) async fn ask(&self) -> FetchOutcome {
        let Some(tries) = &self.tries else {
            return FetchOutcome::Answered;
        };
        let mut updates = tries.state.subscribe();
        let mut awaited = None;
        tries.state.send_if_modified(|state| {
            if state.running || state.wanted {
                awaited = Some(state.finished);
                return false;
            }
            let now = Instant::now();
            let floor = tries.settings.floor;
            if state
                .last_asked
                .is_some_and(|last| now.duration_since(last) < floor)
            {
                return false;
            }
            state.last_asked = Some(now);
            state.wanted = true;
            awaited = Some(state.finished);
            true
        });
        if let Some(before) = awaited {
            let over = updates.wait_for(|state| state.finished != before);
            // Whether or not the fetch is over, the caller looks at the keys again.
            let _ = tokio::time::timeout(tries.settings.wait, over).await;
        }
        let is_under_way = {
            let state = tries.state.borrow();
            state.running || state.wanted
        };
        if is_under_way || self.failure.load().is_some() {
            FetchOutcome::Unanswered
        } else {
            FetchOutcome::Answered
        }
    }

    /// Completes when the first fetch has succeeded or failed.
    pub async fn tried(&self) {
        if let Some(tries) = &self.tries {
            let mut updates = tries.state.subscribe();
            let _ = updates.wait_for(|state| state.finished > 0).await;
        }
    }

    /// Completes when a request has asked for fresh keys.
    pub(super) async fn asked(&self) {
        match &self.tries {
            Some(tries) => {
                let mut updates = tries.state.subscribe();
                let _ = updates.wait_for(|state| state.wanted).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Marks a fetch as running until the guard is dropped, even if the fetch is cancelled.
    pub(super) fn start_try(&self) -> RunningTry<'_> {
        self.update(|state| {
            state.running = true;
            state.wanted = false;
        });
        RunningTry(self)
    }

    fn update(&self, change: impl FnOnce(&mut TryState)) {
        if let Some(tries) = &self.tries {
            tries.state.send_modify(change);
        }
    }
}

/// A running fetch; see [`KeySource::start_try`].
pub(super) struct RunningTry<'a>(&'a KeySource);

impl Drop for RunningTry<'_> {
    fn drop(&mut self) {
        self.0.update(|state| {
            state.running = false;
            state.finished = state.finished.wrapping_add(1);
        });
    }
}
