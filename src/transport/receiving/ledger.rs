//! Records the memory of each incomplete message.

use std::collections::{BTreeSet, HashMap};

use tokio::sync::oneshot;

/// The messages that were not complete when they were first polled.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    /// The limit of one connection.
    share: usize,
    next: u64,
    bytes: usize,
    connections: HashMap<u64, usize>,
    messages: HashMap<u64, Message>,
    /// The incomplete messages, the oldest first: of all connections, and of each one.
    incomplete: BTreeSet<u64>,
    incomplete_of: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Message {
    connection: u64,
    bytes: usize,
    /// Tells the receiver of the message, by being dropped.
    keep: oneshot::Sender<()>,
}

impl Ledger {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            share: limit / 3 * 2,
            next: 1,
            bytes: 0,
            connections: HashMap::new(),
            messages: HashMap::new(),
            incomplete: BTreeSet::new(),
            incomplete_of: BTreeSet::new(),
        }
    }

    /// Enters an incomplete message, and returns its number.
    pub(super) fn enter(
        &mut self,
        connection: u64,
        bytes: usize,
        keep: oneshot::Sender<()>,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        let message = Message {
            connection,
            bytes: 0,
            keep,
        };
        self.messages.insert(number, message);
        self.incomplete.insert(number);
        self.incomplete_of.insert((connection, number));
        self.grow(number, bytes);
        number
    }

    /// Adds memory to a message, and drops the oldest ones until all are within the limits. Returns whether the message
    /// is still there.
    pub(super) fn grow(&mut self, number: u64, bytes: usize) -> bool {
        let Some(message) = self.messages.get_mut(&number) else {
            return false;
        };
        let connection = message.connection;
        message.bytes += bytes;
        self.bytes += bytes;
        let held = self.connections.entry(connection).or_default();
        *held += bytes;
        while self.held_by(connection) > self.share {
            let mut of_it = self.incomplete_of.range((connection, 0)..);
            match of_it.next() {
                Some((owner, oldest)) if *owner == connection => {
                    let oldest = *oldest;
                    self.leave(oldest);
                }
                _ => break,
            }
        }
        while self.bytes > self.limit {
            let Some(oldest) = self.incomplete.first().copied() else {
                break;
            };
            self.leave(oldest);
        }
        self.messages.contains_key(&number)
    }

    fn held_by(&self, connection: u64) -> usize {
        self.connections
            .get(&connection)
            .copied()
            .unwrap_or_default()
    }

    /// Marks a message as complete. It is not dropped any more.
    pub(super) fn keep(&mut self, number: u64) {
        if let Some(message) = self.messages.get(&number) {
            self.incomplete.remove(&number);
            self.incomplete_of.remove(&(message.connection, number));
        }
    }

    /// Removes a message.
    pub(super) fn leave(&mut self, number: u64) {
        let Some(message) = self.messages.remove(&number) else {
            return;
        };
        let connection = message.connection;
        self.incomplete.remove(&number);
        self.incomplete_of.remove(&(connection, number));
        self.bytes -= message.bytes;
        if let Some(held) = self.connections.get_mut(&connection) {
            *held -= message.bytes;
            if *held == 0 {
                self.connections.remove(&connection);
            }
        }
        drop(message.keep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Enters messages, and returns which of them are still there.
    struct Messages(Ledger, Vec<(u64, oneshot::Receiver<()>)>);

    impl Messages {
        fn of(limit: usize) -> Self {
            Self(Ledger::new(limit), Vec::new())
        }

        fn enter(&mut self, connection: u64, bytes: usize) -> u64 {
            let (keep, kept) = oneshot::channel();
            let number = self.0.enter(connection, bytes, keep);
            self.1.push((number, kept));
            number
        }

        fn kept(&mut self) -> Vec<u64> {
            let is_kept = |kept: &mut oneshot::Receiver<()>| {
                kept.try_recv() == Err(oneshot::error::TryRecvError::Empty)
            };
            let kept = self
                .1
                .iter_mut()
                .filter_map(|(n, kept)| is_kept(kept).then_some(*n));
            kept.collect()
        }
    }

    #[test]
    fn a_connection_over_its_share_drops_its_own_oldest() {
        let mut all = Messages::of(75);
        let other = all.enter(1, 20);
        let first = all.enter(2, 20);
        let second = all.enter(2, 20);
        assert_eq!(all.kept(), [other, first, second]);
        all.0.grow(second, 15);
        assert_eq!(all.kept(), [other, second]);
        let third = all.enter(2, 51);
        assert_eq!(all.kept(), [other], "{third} is more than the share");
        assert_eq!(all.0.bytes, 20);
    }

    #[test]
    fn where_all_is_used_up_the_oldest_of_all_is_dropped() {
        let mut all = Messages::of(100);
        let numbers: Vec<u64> = (0..10)
            .map(|connection| all.enter(connection, 10))
            .collect();
        assert_eq!(all.kept(), numbers);
        let newest = all.enter(10, 15);
        assert_eq!(all.kept(), [&numbers[2..], &[newest]].concat());
    }

    #[test]
    fn what_is_whole_is_held_and_not_dropped() {
        let mut all = Messages::of(75);
        let whole = all.enter(1, 50);
        all.0.keep(whole);
        let more = all.enter(1, 10);
        assert_eq!(all.kept(), [whole], "{more} has no room");
        all.0.leave(whole);
        let later = all.enter(1, 10);
        assert_eq!(all.kept(), [later]);
        all.0.leave(later);
        assert_eq!(all.0.bytes, 0);
        assert!(all.0.connections.is_empty() && all.0.messages.is_empty());
        assert!(all.0.incomplete.is_empty() && all.0.incomplete_of.is_empty());
    }
}
