//! Limits how long a message may take to arrive, and the memory of all incomplete messages.
//!
//! A message that arrives together with its headers costs nothing here. A later one is entered in the ledger with its
//! memory, until it is answered. If a connection uses more than its share, or all connections use more than the limit,
//! the oldest incomplete message is dropped. An honest client needs only milliseconds to send a message.

mod frame_buffer;
mod incoming_body;
mod ledger;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use tokio::sync::oneshot;
use tracing::warn;

pub(super) use self::incoming_body::IncomingBody;
use self::ledger::Ledger;
use crate::{
    connections::TrackedConnection,
    telemetry::{log_throttle::LogThrottle, metrics::Dropped},
};

/// The memory of a stream that has sent only its headers, in bytes: its HTTP/2 state, its task, and usual headers.
///
/// All streams that a connection may have fit in its share. In a burst the headers arrive first, and the messages
/// follow as the windows allow.
const STREAM: usize = 3 * 1024;
/// The part of it that is for headers.
const USUAL_HEADERS: usize = 1024;

/// The state that all connections of the process share.
#[derive(Debug)]
pub struct Receiving {
    patience: Duration,
    ledger: Mutex<Ledger>,
    next_connection: AtomicU64,
    throttle: LogThrottle,
}

impl Receiving {
    /// A message may take `patience` to arrive, and all incomplete messages may use `memory` bytes.
    pub fn new(patience: Duration, memory: usize) -> Arc<Self> {
        Arc::new(Self {
            patience,
            ledger: Mutex::new(Ledger::new(memory)),
            next_connection: AtomicU64::new(0),
            throttle: LogThrottle::default(),
        })
    }

    /// How long a client may take to finish what it has begun to send.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The client that sends the messages.
pub(super) struct Sender {
    receiving: Arc<Receiving>,
    tracked: Arc<TrackedConnection>,
    connection: u64,
}

impl Sender {
    pub(super) fn new(receiving: &Arc<Receiving>, tracked: &Arc<TrackedConnection>) -> Self {
        Self {
            receiving: Arc::clone(receiving),
            tracked: Arc::clone(tracked),
            connection: receiving.next_connection.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn gave_up(&self, why: Dropped) {
        let limit = self.tracked.limit();
        let listener = limit.listener();
        limit.metrics().dropped(listener, why);
        if let Some(count) = self.receiving.throttle.due() {
            warn!(
                listener,
                count,
                reason = why.as_str(),
                "incomplete messages were dropped"
            );
        }
    }
}

/// The memory of one message, until it is answered.
pub(super) struct MessageMemory {
    sender: Arc<Sender>,
    /// Its number in the ledger; 0 if it is not entered.
    number: AtomicU64,
}

impl MessageMemory {
    pub(super) fn new(sender: &Arc<Sender>) -> Self {
        Self {
            sender: Arc::clone(sender),
            number: AtomicU64::new(0),
        }
    }

    /// Enters the message with the memory of what has arrived and of its headers. The channel closes if the message is
    /// dropped.
    fn enter(&self, headers: usize, bytes: usize) -> oneshot::Receiver<()> {
        let bytes = STREAM + headers.saturating_sub(USUAL_HEADERS) + bytes;
        let (keep, dropped) = oneshot::channel();
        let connection = self.sender.connection;
        let mut ledger = self.sender.receiving.ledger();
        let number = ledger.enter(connection, bytes, keep);
        self.number.store(number, Ordering::Relaxed);
        dropped
    }

    /// Adds `more` bytes. Returns false if the message was dropped.
    fn grow(&self, bytes: usize) -> bool {
        let number = self.number.load(Ordering::Relaxed);
        self.sender.receiving.ledger().grow(number, bytes)
    }

    /// Records that the message is complete.
    fn is_whole(&self) {
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            self.sender.receiving.ledger().keep(number);
        }
        self.sender.tracked.sent_request();
    }
}

impl Drop for MessageMemory {
    fn drop(&mut self) {
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            self.sender.receiving.ledger().leave(number);
        }
    }
}
