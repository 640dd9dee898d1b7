//! Messages that are being received: how long one may take, and what all of them may hold.
//!
//! A message that arrives together with its headers costs nothing here. One that arrives later is entered in the ledger with
//! the memory that it holds, until it is answered. If a connection holds more than its share, or all connections hold more
//! than the limit, the oldest incomplete message is dropped: an honest client needs milliseconds to send one.

mod arriving;
mod gathered;
mod ledger;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64, atomic::Ordering},
    time::Duration,
};

use tokio::sync::oneshot;
use tracing::warn;

pub(super) use self::arriving::Arriving;
use self::ledger::Ledger;
use crate::{
    connections::Guest,
    telemetry::{metrics::Dropped, occasionally::Occasionally},
};

/// What a stream takes that has sent nothing but its headers, in bytes: its state in HTTP/2, its task, and usual headers.
///
/// As many as a connection may have are within its share: of a burst the headers come first, and the messages as the windows
/// let them.
const STREAM: usize = 3 * 1024;
/// The headers that are in it.
const USUAL_HEADERS: usize = 1024;

/// What all connections of the process share.
#[derive(Debug)]
pub struct Receiving {
    patience: Duration,
    ledger: Mutex<Ledger>,
    next_connection: AtomicU64,
    told: Occasionally,
}

impl Receiving {
    /// A message may take `patience` to come, and all that have not come hold at most `memory` bytes.
    pub fn new(patience: Duration, memory: usize) -> Arc<Self> {
        Arc::new(Self {
            patience,
            ledger: Mutex::new(Ledger::new(memory)),
            next_connection: AtomicU64::new(0),
            told: Occasionally::default(),
        })
    }

    /// How long a client may take to send what it has begun.
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
    guest: Arc<Guest>,
    connection: u64,
}

impl Sender {
    pub(super) fn new(receiving: &Arc<Receiving>, guest: &Arc<Guest>) -> Self {
        Self {
            receiving: Arc::clone(receiving),
            guest: Arc::clone(guest),
            connection: receiving.next_connection.fetch_add(1, Ordering::Relaxed),
        }
    }

    fn gave_up(&self, why: Dropped) {
        let seats = self.guest.seats();
        let listener = seats.listener();
        seats.metrics().dropped(listener, why);
        if let Some(count) = self.receiving.told.due() {
            warn!(
                listener,
                count,
                reason = why.as_str(),
                "messages were dropped that had not come whole"
            );
        }
    }
}

/// What one message holds, until it is answered.
pub(super) struct Held {
    sender: Arc<Sender>,
    /// Its number in the ledger; 0 as long as it is in none.
    number: AtomicU64,
}

impl Held {
    pub(super) fn new(sender: &Arc<Sender>) -> Self {
        Self {
            sender: Arc::clone(sender),
            number: AtomicU64::new(0),
        }
    }

    /// Enters it with what it and its headers hold so far. The channel breaks once it is dropped.
    fn enter(&self, headers: usize, bytes: usize) -> oneshot::Receiver<()> {
        let bytes = STREAM + headers.saturating_sub(USUAL_HEADERS) + bytes;
        let (keep, dropped) = oneshot::channel();
        let connection = self.sender.connection;
        let mut ledger = self.sender.receiving.ledger();
        let number = ledger.enter(connection, bytes, keep);
        self.number.store(number, Ordering::Relaxed);
        dropped
    }

    /// Notes that it holds `more` bytes. False if the message was dropped.
    fn grow(&self, bytes: usize) -> bool {
        let number = self.number.load(Ordering::Relaxed);
        self.sender.receiving.ledger().grow(number, bytes)
    }

    /// Notes that the message is complete.
    fn is_whole(&self) {
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            self.sender.receiving.ledger().keep(number);
        }
        self.sender.guest.has_asked();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let number = self.number.load(Ordering::Relaxed);
        if number != 0 {
            self.sender.receiving.ledger().leave(number);
        }
    }
}
