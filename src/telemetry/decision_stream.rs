//! Sends decisions to `geowarden tail` as they are made. A decision never waits for a reader, and costs nothing if
//! there is none.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::record::{DecisionRecord, Fact, FactValue, RecordedInput};

/// How many decisions a reader may fall behind before it loses some.
const CAPACITY: usize = 1024;
/// The largest number of readers at once.
const MAX_READERS: usize = 16;

/// A decision for readers. It contains no credential, and a query or a body only in its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionEvent {
    /// When it was made.
    pub time: SystemTime,
    /// How long it took.
    pub duration: Duration,
    /// Whether the request is allowed.
    pub is_allowed: bool,
    /// The HTTP status of a denial; 200 for an allowed request.
    pub status: u16,
    /// The facts of the record, with the names of the log.
    pub facts: Vec<(&'static str, OwnedValue)>,
    /// What the policy was given, if a reader wants to know why it refused.
    pub input: Option<RecordedInput>,
}

/// The value of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnedValue {
    /// A word or a text.
    Text(String),
    /// A number.
    Number(u64),
    /// A boolean.
    Flag(bool),
}

impl DecisionEvent {
    pub(crate) fn of(record: &DecisionRecord<'_>, with_input: bool) -> Self {
        let facts = record.facts(Fact::in_tail);
        Self {
            time: SystemTime::now(),
            duration: record.duration,
            is_allowed: record.is_allowed(),
            status: record.status(),
            facts: facts.map(|(name, value)| (name, value.into())).collect(),
            input: record.input.clone().filter(|_| with_input),
        }
    }

    /// The text of a fact, if it has one.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.facts.iter().find_map(|(known, value)| match value {
            OwnedValue::Text(text) if *known == name => Some(text.as_str()),
            _ => None,
        })
    }
}

impl From<FactValue<'_>> for OwnedValue {
    fn from(value: FactValue<'_>) -> Self {
        match value {
            FactValue::Word(text) | FactValue::Text(text) => Self::Text(text.to_owned()),
            FactValue::Number(number) => Self::Number(number),
            FactValue::Flag(flag) => Self::Flag(flag),
            FactValue::Json(value) => Self::Text(value.to_string()),
        }
    }
}

/// Sends decisions to the readers.
#[derive(Debug)]
pub struct DecisionStream {
    sender: broadcast::Sender<Arc<DecisionEvent>>,
    /// The number of readers. It is counted here because asking the channel takes its lock.
    readers: Arc<AtomicUsize>,
    /// The number of those that want to know why a policy refuses.
    explaining: Arc<AtomicUsize>,
}

impl Default for DecisionStream {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(CAPACITY),
            readers: Arc::default(),
            explaining: Arc::default(),
        }
    }
}

impl DecisionStream {
    /// Sends the decision to the readers. Without any, it costs one comparison.
    pub fn publish(&self, record: &DecisionRecord<'_>) {
        if self.readers.load(Ordering::Relaxed) == 0 {
            return;
        }
        // The last reader may have just left.
        let event = DecisionEvent::of(record, self.wants_input_of(record));
        let _ = self.sender.send(Arc::new(event));
    }

    /// Whether a reader wants to know what the policy was given. Without any, it costs one comparison.
    pub fn wants_input_of(&self, record: &DecisionRecord<'_>) -> bool {
        self.explaining.load(Ordering::Relaxed) > 0
            && record.verdict_source.is_some()
            && record
                .verdict
                .as_ref()
                .is_none_or(|verdict| !verdict.allowed)
    }

    /// A reader of the decisions from now on; `None` if the largest number of readers is reached. With `is_explaining`, it gets
    /// what the policy was given, where that refused.
    pub fn subscribe(&self, is_explaining: bool) -> Option<DecisionReader> {
        self.readers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |readers| {
                (readers < MAX_READERS).then_some(readers + 1)
            })
            .ok()?;
        let explaining = is_explaining.then(|| {
            self.explaining.fetch_add(1, Ordering::Relaxed);
            Place(Arc::clone(&self.explaining))
        });
        let place = Place(Arc::clone(&self.readers));
        Some(DecisionReader {
            receiver: self.sender.subscribe(),
            _places: (place, explaining),
        })
    }
}

/// An item for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// A decision.
    Decision(Arc<DecisionEvent>),
    /// This many decisions were lost, because the reader fell behind.
    Lost(u64),
}

/// Reads decisions until it is dropped.
#[derive(Debug)]
pub struct DecisionReader {
    receiver: broadcast::Receiver<Arc<DecisionEvent>>,
    _places: (Place, Option<Place>),
}

impl DecisionReader {
    /// The next decision, or how many were lost; `None` at the end. Safe to cancel.
    pub async fn next(&mut self) -> Option<StreamItem> {
        match self.receiver.recv().await {
            Ok(event) => Some(StreamItem::Decision(event)),
            Err(RecvError::Lagged(lost)) => Some(StreamItem::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// The place of one reader, in one of the numbers.
#[derive(Debug)]
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use super::*;
    use crate::request::CheckInput;

    fn publish(stream: &DecisionStream) {
        stream.publish(&DecisionRecord::new(Instant::now(), false));
    }

    #[tokio::test]
    async fn a_reader_that_falls_behind_is_told_how_many_it_lost() {
        let stream = DecisionStream::default();
        let mut slow = stream.subscribe(false).unwrap();
        for _ in 0..CAPACITY + 7 {
            publish(&stream);
        }
        assert_eq!(slow.next().await, Some(StreamItem::Lost(7)));
        assert!(matches!(slow.next().await, Some(StreamItem::Decision(_))));
    }

    #[tokio::test]
    async fn a_long_method_is_cut_off() {
        let stream = DecisionStream::default();
        let mut reader = stream.subscribe(false).unwrap();
        for (method, kept) in [
            (
                "UPDATEREDIRECTREF".to_owned(),
                "UPDATEREDIRECTREF".to_owned(),
            ),
            ("M".repeat(10_000), "M".repeat(32)),
            (format!("{}\u{e9}", "M".repeat(31)), "M".repeat(31)),
        ] {
            let check = CheckInput {
                method,
                ..CheckInput::default()
            };
            stream.publish(&DecisionRecord::of(&check));
            let Some(StreamItem::Decision(event)) = reader.next().await else {
                panic!("nothing was told")
            };
            assert_eq!(event.text("method"), Some(kept.as_str()));
        }
    }

    #[tokio::test]
    async fn what_nobody_watches_is_not_built() {
        let stream = DecisionStream::default();
        publish(&stream);
        drop(stream.subscribe(false));
        publish(&stream);
        assert!(stream.sender.is_empty());
        let _reader = stream.subscribe(false);
        publish(&stream);
        assert_eq!(stream.sender.len(), 1);
    }

    #[tokio::test]
    async fn places_are_few_and_given_back() {
        let stream = DecisionStream::default();
        let mut readers: Vec<_> = (0..MAX_READERS).map(|_| stream.subscribe(false)).collect();
        assert!(readers.iter().all(Option::is_some) && stream.subscribe(false).is_none());
        readers.pop();
        assert!(stream.subscribe(false).is_some());
    }
}
