//! The stops of a request on its way to a decision, with their times.

use std::time::Instant;

/// A stop at which a decision can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// Envoy's message is read into a request, its tenant and its resource.
    #[default]
    Read,
    /// The credential is checked and the caller is known.
    Authenticate,
    /// The policy decides.
    Policy,
}

impl Stop {
    /// The name in logs, metrics, traces and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Authenticate => "authenticate",
            Self::Policy => "policy",
        }
    }
}

/// The progress of a request. A request that is cancelled or panics leaves no further stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stops {
    are_timed: bool,
    current: Stop,
    read: Option<Instant>,
    authenticated: Option<Instant>,
}

impl Stops {
    /// At the first stop. If the stops are not timed, the clock is not read.
    pub(super) fn new(are_timed: bool) -> Self {
        Self {
            are_timed,
            ..Self::default()
        }
    }

    /// The stop that the request is at, or where its decision ended.
    pub fn current(&self) -> Stop {
        self.current
    }

    /// The resource is known.
    pub fn leave_read(&mut self) {
        self.current = Stop::Authenticate;
        self.read = self.are_timed.then(Instant::now);
    }

    /// The caller is known.
    pub fn leave_authenticate(&mut self) {
        self.current = Stop::Policy;
        self.authenticated = self.are_timed.then(Instant::now);
    }

    /// The stops that were reached, each with the time when it was left; `None` for the last one.
    pub fn reached(&self) -> impl Iterator<Item = (Stop, Option<Instant>)> {
        let last = self.current;
        let left = [
            (Stop::Read, self.read),
            (Stop::Authenticate, self.authenticated),
        ];
        left.into_iter()
            .take_while(move |(stop, _)| *stop != last)
            .chain([(last, None)])
    }
}
