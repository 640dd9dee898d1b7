//! How many connections a listener may have, and which one goes when there are too many.
//!
//! A new connection is never turned away: another one is closed for it. First one that has not begun to speak HTTP/2, then one
//! that never sent a request, then the one whose last request is the oldest. So silent connections displace only each other,
//! and a client that sends requests keeps its connection.

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
    metrics::{Dropped, Metrics},
    occasionally::Occasionally,
};

/// Answers that may be open at once. HTTP/2 takes an answer at once, unless its client does not let it.
const MAX_ANSWERS: usize = 8192;

/// The connections of one listener.
pub struct Seats {
    listener: &'static str,
    metrics: Arc<Metrics>,
    start: Instant,
    /// One permit a socket.
    places: Arc<Semaphore>,
    /// How many connections may stay.
    most: usize,
    /// How many connections may finish their work before they are closed.
    most_leaving: usize,
    leaving: AtomicUsize,
    answers: AtomicUsize,
    taken: Mutex<Taken>,
    told: Occasionally,
}

#[derive(Default)]
struct Taken {
    next: u64,
    seats: HashMap<u64, Arc<Seat>>,
}

struct Seat {
    number: u64,
    /// 0 before it speaks HTTP/2, 1 before its first request, then the time of its last request.
    rank: AtomicU64,
    /// The time of the last byte from it.
    heard: AtomicU64,
    answers: AtomicUsize,
    leave: Notify,
    /// [`AT_ONCE`] or [`KINDLY`] once it has to leave.
    how: AtomicUsize,
}

const STAYS: usize = 0;
const KINDLY: usize = 1;
const AT_ONCE: usize = 2;

/// How a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Requests that have begun may be finished, for a moment.
    Kindly,
    /// It is closed at once: it has no requests, or too many connections are closing already.
    AtOnce,
}

/// A connection that has a seat, for as long as it lives.
pub struct Guest {
    seats: Arc<Seats>,
    seat: Arc<Seat>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Seats {
    /// At most `most` connections of `listener`.
    pub fn new(listener: &'static str, most: usize, metrics: &Arc<Metrics>) -> Arc<Self> {
        let most_leaving = (most / 8).min(32);
        Arc::new(Self {
            listener,
            metrics: Arc::clone(metrics),
            start: Instant::now(),
            places: Arc::new(Semaphore::new(most)),
            most: most - most_leaving,
            most_leaving,
            leaving: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            taken: Mutex::default(),
            told: Occasionally::default(),
        })
    }

    /// The listener's name, as the metrics have it.
    pub fn listener(&self) -> &'static str {
        self.listener
    }

    /// Where dropped connections are counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// A seat for a new connection. If none is free, another connection is closed.
    pub async fn admit(self: &Arc<Self>) -> Guest {
        let seat = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            while taken.seats.len() >= self.most {
                let rank = |seat: &&Arc<Seat>| (seat.rank.load(Ordering::Relaxed), seat.number);
                let Some(seat) = taken.seats.values().min_by_key(rank).cloned() else {
                    break;
                };
                self.dismiss(&mut taken, &seat, Dropped::TooManyConnections);
            }
            taken.next += 1;
            let seat = Arc::new(Seat {
                number: taken.next,
                rank: AtomicU64::new(0),
                heard: AtomicU64::new(self.now()),
                answers: AtomicUsize::new(0),
                leave: Notify::new(),
                how: AtomicUsize::new(STAYS),
            });
            taken.seats.insert(seat.number, Arc::clone(&seat));
            seat
        };
        // Whoever has to leave may still be about it. The semaphore is never closed.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        Guest {
            seats: Arc::clone(self),
            seat,
            _place: place,
        }
    }

    fn dismiss(&self, taken: &mut Taken, seat: &Arc<Seat>, why: Dropped) {
        taken.seats.remove(&seat.number);
        let is_worth_waiting = why == Dropped::TooManyConnections
            && seat.rank.load(Ordering::Relaxed) > 1
            && self.leaving.load(Ordering::Relaxed) < self.most_leaving;
        self.leaving.fetch_add(1, Ordering::Relaxed);
        let how = if is_worth_waiting { KINDLY } else { AT_ONCE };
        seat.how.store(how, Ordering::Release);
        seat.leave.notify_one();
        self.metrics.dropped(self.listener, why);
        if let Some(count) = self.told.due() {
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
                    most = self.most,
                    "connections were closed to make room for new ones, the silent ones first"
                );
            }
        }
    }

    fn relieve(&self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = |seat: &Arc<Seat>| seat.answers.load(Ordering::Relaxed);
        // Those of connections that have to leave already are on their way.
        if taken.seats.values().map(answers).sum::<usize>() <= MAX_ANSWERS {
            return;
        }
        let most = taken.seats.values().max_by_key(|seat| answers(seat));
        let most = most.cloned();
        if let Some(seat) = most {
            self.dismiss(&mut taken, &seat, Dropped::UnreadAnswers);
        }
    }

    /// Milliseconds since the start, 2 at least.
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX) + 2
    }
}

impl Guest {
    /// A number that no other connection of the listener has.
    pub fn number(&self) -> u64 {
        self.seat.number
    }

    /// The seats among which this one is.
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// Notes that the client speaks HTTP/2.
    pub fn has_begun(&self) {
        self.seat.rank.fetch_max(1, Ordering::Relaxed);
    }

    /// Notes that the client has sent a complete request.
    pub fn has_asked(&self) {
        self.seat.rank.store(self.seats.now(), Ordering::Relaxed);
    }

    /// Whether the client has ever sent a complete request.
    pub fn is_known(&self) -> bool {
        self.seat.rank.load(Ordering::Relaxed) > 1
    }

    /// Notes that bytes came from the client.
    pub fn was_heard(&self) {
        self.seat.heard.store(self.seats.now(), Ordering::Relaxed);
    }

    /// Ends once nothing has come from the client for so long.
    pub async fn silence(&self, limit: Duration) {
        loop {
            let heard = self.seat.heard.load(Ordering::Relaxed);
            let since = Duration::from_millis(self.seats.now().saturating_sub(heard));
            match limit.checked_sub(since) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return,
            }
        }
    }

    /// Ends once the connection has to be closed.
    pub async fn dismissal(&self) -> Leave {
        loop {
            match self.seat.how.load(Ordering::Acquire) {
                STAYS => self.seat.leave.notified().await,
                KINDLY => return Leave::Kindly,
                _ => return Leave::AtOnce,
            }
        }
    }

    /// An answer that is there for it, until it is dropped.
    pub fn answers(self: &Arc<Self>) -> OpenAnswer {
        self.seat.answers.fetch_add(1, Ordering::Relaxed);
        if self.seats.answers.fetch_add(1, Ordering::Relaxed) >= MAX_ANSWERS {
            self.seats.relieve();
        }
        OpenAnswer(Arc::clone(self))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        if self.seat.how.load(Ordering::Acquire) == STAYS {
            let mut taken = (self.seats.taken.lock()).unwrap_or_else(PoisonError::into_inner);
            if taken.seats.remove(&self.seat.number).is_some() {
                return;
            }
        }
        // It was dismissed, and be it in this moment.
        self.seats.leaving.fetch_sub(1, Ordering::Relaxed);
    }
}

/// See [`Guest::answers`].
pub struct OpenAnswer(Arc<Guest>);

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        self.0.seat.answers.fetch_sub(1, Ordering::Relaxed);
        self.0.seats.answers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::FutureExt;

    use super::*;

    fn seats(most: usize) -> Arc<Seats> {
        Seats::new("test", most, &Arc::default())
    }

    fn leaves(guest: &Guest) -> Option<Leave> {
        guest.dismissal().now_or_never()
    }

    /// One place of eight is for connections that are closing.
    #[tokio::test]
    async fn who_has_said_least_for_longest_makes_room() {
        let seats = seats(8);
        let mut guests = Vec::new();
        for _ in 0..7 {
            guests.push(Some(seats.admit().await));
        }
        let leaving = |guests: &[Option<Guest>]| {
            let leaves = |guest: &Option<Guest>| guest.as_ref().and_then(leaves);
            guests.iter().map(leaves).collect::<Vec<_>>()
        };
        assert_eq!(leaving(&guests), [None; 7]);
        for (index, asks) in [(0, true), (1, false), (2, false)] {
            let guest = guests[index].as_ref().unwrap();
            guest.has_begun();
            if asks {
                guest.has_asked();
            }
        }
        let mut newcomers = Vec::new();
        for (expected, how) in [
            (3, Leave::AtOnce),
            (4, Leave::AtOnce),
            (5, Leave::AtOnce),
            (6, Leave::AtOnce),
            (1, Leave::AtOnce),
            (2, Leave::AtOnce),
            (0, Leave::Kindly),
        ] {
            let newcomer = seats.admit().now_or_never().unwrap();
            newcomer.has_asked();
            newcomers.push(newcomer);
            let mut wanted = [None; 7];
            wanted[expected] = Some(how);
            assert_eq!(leaving(&guests), wanted);
            guests[expected] = None;
        }
    }

    #[tokio::test]
    async fn there_are_never_more_sockets_than_places() {
        let seats = seats(2);
        let first = seats.admit().await;
        let second = seats.admit().await;
        let mut third = Box::pin(seats.admit());
        let waits = poll_fn(|context| std::task::Poll::Ready(third.as_mut().poll(context))).await;
        assert!(waits.is_pending());
        assert_eq!(leaves(&first), Some(Leave::AtOnce));
        drop(first);
        let third = third.await;
        drop((second, third));
        assert_eq!(seats.places.available_permits(), 2);
        assert_eq!(seats.leaving.load(Ordering::Relaxed), 0);
        assert!(seats.taken.lock().unwrap().seats.is_empty());
    }

    #[tokio::test]
    async fn who_takes_no_answers_leaves_and_others_stay() {
        let seats = seats(16);
        let (greedy, other) = (Arc::new(seats.admit().await), Arc::new(seats.admit().await));
        let _one = other.answers();
        let held: Vec<_> = (0..MAX_ANSWERS + 1000).map(|_| greedy.answers()).collect();
        assert_eq!(leaves(&greedy), Some(Leave::AtOnce));
        assert_eq!(leaves(&other), None);
        drop(held);
        assert_eq!(seats.answers.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn silence_is_measured_from_the_last_byte() {
        let seats = seats(16);
        let guest = seats.admit().await;
        guest.silence(Duration::from_millis(1)).await;
        guest.was_heard();
        let long = guest.silence(Duration::from_mins(1)).now_or_never();
        assert!(long.is_none());
    }
}
