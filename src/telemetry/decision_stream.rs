//! Decisions as they are made, for whoever watches: nobody is waited for, and nothing is built while nobody watches.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{
    pipeline::{Decided, decision::Decision},
    request::ogc::Resource,
};

/// How far a reader may fall behind before it loses decisions.
const KEPT: usize = 1024;
/// Readers at once.
const MAX_READERS: usize = 16;
/// Bytes of a method, which the client chose, that are kept.
const MAX_METHOD: usize = 32;

/// What is told of a decision: no credential, no query, no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionEvent {
    /// The decision's id.
    pub id: String,
    /// When it was made.
    pub time: SystemTime,
    /// Whether the request may pass.
    pub is_allowed: bool,
    /// The HTTP status of a refusal; 200 stands for passing on.
    pub status: u16,
    /// The policy's own reason, or a name of ours.
    pub reason: String,
    /// The method of the request, at most 32 bytes of it: the longest that is registered has 17.
    pub method: String,
    /// The canonical path without its query, and what was asked for by it; `None` for what could not be read.
    pub target: Option<Target>,
    /// Who asked, once known.
    pub caller: Option<Caller>,
    /// How long it took.
    pub duration: Duration,
    /// The tenant whose rules judged.
    pub tenant: Option<Arc<str>>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The canonical path without its query.
    pub path: String,
    /// The part of pygeoapi.
    pub api: &'static str,
    /// What of it.
    pub operation: &'static str,
    /// The collection's id.
    pub collection: Option<String>,
}

/// Who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// How the caller proved who it is.
    pub method: &'static str,
    /// The subject of a token, or the id of an API key.
    pub subject: Option<Arc<str>>,
    /// The issuer of a token.
    pub issuer: Option<Arc<str>>,
    /// The id of an API key.
    pub key_id: Option<Arc<str>>,
}

impl DecisionEvent {
    fn of(decided: &Decided, method: &str, duration: Duration) -> Self {
        Self {
            id: decided.id.clone(),
            time: SystemTime::now(),
            is_allowed: matches!(decided.decision, Decision::Allow(_)),
            status: decided.decision.status(),
            reason: decided.reason.clone(),
            method: start(method).to_owned(),
            target: decided.resource.as_ref().map(Target::of),
            caller: decided.principal.as_ref().map(|principal| Caller {
                method: principal.method.as_str(),
                subject: principal.subject.clone(),
                issuer: principal.issuer.clone(),
                key_id: principal.key_id.clone(),
            }),
            duration,
            tenant: decided.tenant.clone(),
        }
    }
}

fn start(method: &str) -> &str {
    let end = method.floor_char_boundary(MAX_METHOD);
    method.get(..end).unwrap_or_default()
}

impl Target {
    fn of(resource: &Resource) -> Self {
        // A query can hold anything, somebody's token among it.
        let path = resource.canonical_path().split('?').next();
        Self {
            path: path.unwrap_or_default().to_owned(),
            api: resource.api(),
            operation: resource.operation(),
            collection: resource.collection().map(str::to_owned),
        }
    }
}

/// Where decisions are told to those who watch.
#[derive(Debug)]
pub struct DecisionStream {
    sender: broadcast::Sender<Arc<DecisionEvent>>,
    /// Counted here, since to ask the channel takes its lock.
    readers: Arc<AtomicUsize>,
}

impl Default for DecisionStream {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(KEPT),
            readers: Arc::default(),
        }
    }
}

impl DecisionStream {
    /// Tells `decided` to those who watch; without any it costs one look.
    pub fn publish(&self, decided: &Decided, method: &str, duration: Duration) {
        if self.readers.load(Ordering::Relaxed) == 0 {
            return;
        }
        // The last reader may have left just now.
        let _ = self
            .sender
            .send(Arc::new(DecisionEvent::of(decided, method, duration)));
    }

    /// A reader of the decisions from now on; `None` when there are as many as are allowed.
    pub fn subscribe(&self) -> Option<Reader> {
        self.readers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |readers| {
                (readers < MAX_READERS).then_some(readers + 1)
            })
            .ok()?;
        let place = Place(Arc::clone(&self.readers));
        Some(Reader {
            receiver: self.sender.subscribe(),
            _place: place,
        })
    }
}

/// What a reader finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A decision.
    Decision(Arc<DecisionEvent>),
    /// So many decisions were lost, since the reader fell behind.
    Lost(u64),
}

/// One who watches, until dropped.
#[derive(Debug)]
pub struct Reader {
    receiver: broadcast::Receiver<Arc<DecisionEvent>>,
    _place: Place,
}

impl Reader {
    /// The next decision, or how many were lost; `None` when there will be no more. It may be given up and asked again.
    pub async fn next(&mut self) -> Option<Told> {
        match self.receiver.recv().await {
            Ok(event) => Some(Told::Decision(event)),
            Err(RecvError::Lagged(lost)) => Some(Told::Lost(lost)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// One of the places for readers.
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

    use super::*;
    use crate::pipeline::{self, decision::Denial};

    fn publish(stream: &DecisionStream) {
        let refused = pipeline::refuse(Denial::default());
        stream.publish(&refused, "GET", Duration::ZERO);
    }

    #[tokio::test]
    async fn a_reader_that_falls_behind_is_told_how_many_it_lost() {
        let stream = DecisionStream::default();
        let mut slow = stream.subscribe().unwrap();
        for _ in 0..KEPT + 7 {
            publish(&stream);
        }
        assert_eq!(slow.next().await, Some(Told::Lost(7)));
        assert!(matches!(slow.next().await, Some(Told::Decision(_))));
    }

    #[tokio::test]
    async fn a_long_method_is_cut_off() {
        let stream = DecisionStream::default();
        let mut reader = stream.subscribe().unwrap();
        let refused = pipeline::refuse(Denial::default());
        for (method, kept) in [
            (
                "UPDATEREDIRECTREF".to_owned(),
                "UPDATEREDIRECTREF".to_owned(),
            ),
            ("M".repeat(10_000), "M".repeat(32)),
            (format!("{}\u{e9}", "M".repeat(31)), "M".repeat(31)),
        ] {
            stream.publish(&refused, &method, Duration::ZERO);
            let Some(Told::Decision(event)) = reader.next().await else {
                panic!("nothing was told")
            };
            assert_eq!(event.method, kept);
        }
    }

    #[tokio::test]
    async fn what_nobody_watches_is_not_built() {
        let stream = DecisionStream::default();
        publish(&stream);
        drop(stream.subscribe());
        publish(&stream);
        assert!(stream.sender.is_empty());
        let _reader = stream.subscribe();
        publish(&stream);
        assert_eq!(stream.sender.len(), 1);
    }

    #[tokio::test]
    async fn places_are_few_and_given_back() {
        let stream = DecisionStream::default();
        let mut readers: Vec<_> = (0..MAX_READERS).map(|_| stream.subscribe()).collect();
        assert!(readers.iter().all(Option::is_some) && stream.subscribe().is_none());
        readers.pop();
        assert!(stream.subscribe().is_some());
    }
}
