//! Limits the connections of a listener, and chooses which one to close when there are too many.
//!
//! A new connection is never rejected: an older one is closed for it. The first choice is a connection that has not
//! begun to speak HTTP/2, then one that never sent a request, then the one whose last request is the oldest. So silent
//! connections only replace each other, and a client that sends requests keeps its connection.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tracing::warn;

use crate::telemetry::{
    log_throttle::LogThrottle,
    metrics::{Dropped, Metrics},
};

/// How many answers may be unread at once. HTTP/2 accepts an answer at once, unless the client holds it back.
const MAX_ANSWERS: usize = 8192;

/// The limit and the connections of one listener.
pub struct ConnectionLimit {
    listener: &'static str,
    metrics: Arc<Metrics>,
    start: Instant,
    /// One permit for each socket.
    places: Arc<Semaphore>,
    /// How many connections may stay.
    max: usize,
    /// How many connections may finish their work before they are closed.
    max_closing: usize,
    closing: AtomicUsize,
    answers: AtomicUsize,
    open: Mutex<OpenConnections>,
    throttle: LogThrottle,
}

#[derive(Default)]
struct OpenConnections {
    next: u64,
    connections: HashMap<u64, Arc<ConnectionState>>,
}

struct ConnectionState {
    number: u64,
    /// 0 before the client speaks HTTP/2, 1 before its first request, then the time of its last request.
    rank: AtomicU64,
    /// The time of the last byte from the client.
    last_byte: AtomicU64,
    answers: AtomicUsize,
    close_notify: Notify,
    /// [`AT_ONCE`] or [`GRACEFULLY`] once the connection must close.
    close_mode: AtomicUsize,
}

const OPEN: usize = 0;
const GRACEFULLY: usize = 1;
const AT_ONCE: usize = 2;

/// How a connection must close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// Requests that have begun may be finished, within a moment.
    Gracefully,
    /// At once: it has no requests, or too many connections are closing already.
    AtOnce,
}

/// A connection under the limit, while it is open.
pub struct TrackedConnection {
    limit: Arc<ConnectionLimit>,
    state: Arc<ConnectionState>,
    _place: Option<OwnedSemaphorePermit>,
}

impl ConnectionLimit {
    /// At most `max` connections for `listener`.
    pub fn new(listener: &'static str, max: usize, metrics: &Arc<Metrics>) -> Arc<Self> {
        let max_closing = (max / 8).min(32);
        Arc::new(Self {
            listener,
            metrics: Arc::clone(metrics),
            start: Instant::now(),
            places: Arc::new(Semaphore::new(max)),
            max: max - max_closing,
            max_closing,
            closing: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            open: Mutex::default(),
            throttle: LogThrottle::default(),
        })
    }

    /// The name of the listener, as in the metrics.
    pub fn listener(&self) -> &'static str {
        self.listener
    }

    /// The metrics that count closed connections.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Accepts a new connection. If the limit is reached, another connection is closed.
    pub async fn admit(self: &Arc<Self>) -> TrackedConnection {
        let state = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            while open.connections.len() >= self.max {
                let rank = |state: &&Arc<ConnectionState>| {
                    (state.rank.load(Ordering::Relaxed), state.number)
                };
                let Some(state) = open.connections.values().min_by_key(rank).cloned() else {
                    break;
                };
                self.close(&mut open, &state, Dropped::TooManyConnections);
            }
            open.next += 1;
            let state = Arc::new(ConnectionState {
                number: open.next,
                rank: AtomicU64::new(0),
                last_byte: AtomicU64::new(self.now()),
                answers: AtomicUsize::new(0),
                close_notify: Notify::new(),
                close_mode: AtomicUsize::new(OPEN),
            });
            open.connections.insert(state.number, Arc::clone(&state));
            state
        };
        // The closed connections may still be ending. The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        TrackedConnection {
            limit: Arc::clone(self),
            state,
            _place: place,
        }
    }

    fn close(&self, open: &mut OpenConnections, state: &Arc<ConnectionState>, why: Dropped) {
        open.connections.remove(&state.number);
        let is_worth_waiting = why == Dropped::TooManyConnections
            && state.rank.load(Ordering::Relaxed) > 1
            && self.closing.load(Ordering::Relaxed) < self.max_closing;
        self.closing.fetch_add(1, Ordering::Relaxed);
        let close_mode = if is_worth_waiting {
            GRACEFULLY
        } else {
            AT_ONCE
        };
        state.close_mode.store(close_mode, Ordering::Release);
        state.close_notify.notify_one();
        self.metrics.dropped(self.listener, why);
        if let Some(count) = self.throttle.due() {
            let listener = self.listener;
            if why == Dropped::UnreadAnswers {
                warn!(
                    listener,
                    count, "connections were closed since their clients do not take their answers"
                );
            } else {
                warn!(
                    listener,
                    count,
                    max = self.max,
                    "connections were closed to make room for new ones, the silent ones first"
                );
            }
        }
    }

    fn relieve(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = |state: &Arc<ConnectionState>| state.answers.load(Ordering::Relaxed);
        // Do not count the connections that are closing already.
        if open.connections.values().map(answers).sum::<usize>() <= MAX_ANSWERS {
            return;
        }
        let max = open.connections.values().max_by_key(|state| answers(state));
        let max = max.cloned();
        if let Some(state) = max {
            self.close(&mut open, &state, Dropped::UnreadAnswers);
        }
    }

    /// Milliseconds since the start, at least 2.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX) + 2
    }
}

impl TrackedConnection {
    /// A number that is unique within the listener.
    pub fn number(&self) -> u64 {
        self.state.number
    }

    /// The limit that this connection counts for.
    pub fn limit(&self) -> &ConnectionLimit {
        &self.limit
    }

    /// Records that the client speaks HTTP/2.
    pub fn speaks_http2(&self) {
        self.state.rank.fetch_max(1, Ordering::Relaxed);
    }

    /// Records that the client has sent a complete request.
    pub fn sent_request(&self) {
        self.state.rank.store(self.limit.now(), Ordering::Relaxed);
    }

    /// Whether the client has ever sent a complete request.
    pub fn has_sent_requests(&self) -> bool {
        self.state.rank.load(Ordering::Relaxed) > 1
    }

    /// Records that the client has sent bytes.
    pub fn received_bytes(&self) {
        self.state
            .last_byte
            .store(self.limit.now(), Ordering::Relaxed);
    }

    /// Completes once the client has sent nothing for this long.
    pub async fn silence(&self, limit: Duration) {
        loop {
            let last_byte = self.state.last_byte.load(Ordering::Relaxed);
            let since = Duration::from_millis(self.limit.now().saturating_sub(last_byte));
            match limit.checked_sub(since) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }

    /// Completes once the connection must close.
    pub async fn must_close(&self) -> Close {
        loop {
            match self.state.close_mode.load(Ordering::Acquire) {
                OPEN => self.state.close_notify.notified().await,
                GRACEFULLY => return Close::Gracefully,
                _ => return Close::AtOnce,
            }
        }
    }

    /// Counts an unread answer until the guard is dropped.
    pub fn answers(self: &Arc<Self>) -> OpenAnswer {
        self.state.answers.fetch_add(1, Ordering::Relaxed);
        if self.limit.answers.fetch_add(1, Ordering::Relaxed) >= MAX_ANSWERS {
            self.limit.relieve();
        }
        OpenAnswer(Arc::clone(self))
    }
}

impl Drop for TrackedConnection {
    fn drop(&mut self) {
        if self.state.close_mode.load(Ordering::Acquire) == OPEN {
            let mut open = (self.limit.open.lock()).unwrap_or_else(PoisonError::into_inner);
            if open.connections.remove(&self.state.number).is_some() {
                return;
            }
        }
        // The connection was told to close, possibly just now.
        self.limit.closing.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`TrackedConnection::answers`].
pub struct OpenAnswer(Arc<TrackedConnection>);

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        self.0.state.answers.fetch_sub(1, Ordering::Relaxed);
        self.0.limit.answers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
