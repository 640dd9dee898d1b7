//! The keys of one issuer as the request path sees them: read without a lock, asked for when a token names a new one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

use super::jwks::KeySet;

/// How a source answers to tokens with an unknown `kid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AskSettings {
    /// The least time between two fetches that requests caused. It bounds what strangers can make us send to the issuer.
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

/// What came of asking for fresh keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// The issuer's keys are known, as of the least time between two fetches.
    Answered,
    /// The issuer has not answered yet, or its last answer was of no use.
    Unanswered,
}

/// A key set with its place in the history of the source.
#[derive(Debug)]
pub(super) struct PublishedKeys {
    pub(super) set: KeySet,
    /// Changes whenever the keys do; what was verified with keys of another generation is verified anew.
    pub(super) generation: u64,
    fetched_at: SystemTime,
}

/// What an operator may want to know of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The issuer.
    pub issuer: Arc<str>,
    /// How many keys can be used; `None` while none have been fetched.
    pub keys: Option<usize>,
    /// The ids (`kid`) of those that have one.
    pub key_ids: Vec<String>,
    /// When the keys were last confirmed.
    pub fetched_at: Option<SystemTime>,
    /// What went wrong since.
    pub failure: Option<Arc<String>>,
}

/// The current keys of one issuer.
#[derive(Debug)]
pub struct KeySource {
    issuer: Arc<str>,
    published: ArcSwapOption<PublishedKeys>,
    generations: AtomicU64,
    failure: ArcSwapOption<String>,
    /// Absent for keys from a file: nobody can be asked.
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
    /// Keys that are known already, from a file.
    pub fn fixed(issuer: &str, set: KeySet) -> Arc<Self> {
        let source = Self::empty(issuer, None);
        source.publish(set);
        Arc::new(source)
    }

    /// Keys that a fetcher will publish.
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

    /// The issuer whose keys these are.
    pub fn issuer(&self) -> &Arc<str> {
        &self.issuer
    }

    /// Whether there are keys.
    pub fn is_ready(&self) -> bool {
        let published = self.published.load();
        published.as_ref().is_some_and(|keys| !keys.set.is_empty())
    }

    /// How the source stands.
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

    /// Puts `set` in place of the current keys. The same keys again keep their generation.
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

    /// Takes away the keys that are not in `set`, or not the same there; none is added. Whether any was taken away.
    pub fn keep_only(&self, set: &KeySet) -> bool {
        let Some(current) = self.current() else {
            return false;
        };
        let left = current.set.that_stay_in(set);
        let is_less = left.len() < current.set.len();
        if is_less {
            self.publish(left);
        }
        is_less
    }

    /// Notes why the keys on file could not be taken up.
    pub fn fail(&self, failure: Arc<String>) {
        self.failure.store(Some(failure));
    }

    pub(super) fn current(&self) -> Option<Arc<PublishedKeys>> {
        self.published.load_full()
    }

    pub(super) fn generation(&self) -> Option<u64> {
        self.published.load().as_ref().map(|keys| keys.generation)
    }

    /// Asks for fresh keys and waits until the try is over, but not for long. Returns at once when a try is not due.
    pub(super) async fn ask(&self) -> Asked {
        let Some(tries) = &self.tries else {
            return Asked::Answered;
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
            // Over or not, the caller looks at the keys again.
            let _ = tokio::time::timeout(tries.settings.wait, over).await;
        }
        let is_under_way = {
            let state = tries.state.borrow();
            state.running || state.wanted
        };
        if is_under_way || self.failure.load().is_some() {
            Asked::Unanswered
        } else {
            Asked::Answered
        }
    }

    /// Ends when keys have been fetched, or the first try to do so has failed.
    pub async fn tried(&self) {
        if let Some(tries) = &self.tries {
            let mut updates = tries.state.subscribe();
            let _ = updates.wait_for(|state| state.finished > 0).await;
        }
    }

    /// Ends when a request has asked for fresh keys.
    pub(super) async fn asked(&self) {
        match &self.tries {
            Some(tries) => {
                let mut updates = tries.state.subscribe();
                let _ = updates.wait_for(|state| state.wanted).await;
            }
            None => std::future::pending().await,
        }
    }

    /// Marks a try as running until the guard is dropped, be it that the try was cancelled.
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

/// A fetch is under way; see [`KeySource::start_try`].
pub(super) struct RunningTry<'a>(&'a KeySource);

impl Drop for RunningTry<'_> {
    fn drop(&mut self) {
        self.0.update(|state| {
            state.running = false;
            state.finished = state.finished.wrapping_add(1);
        });
    }
}
