//! The stops of a request on its way to a decision, and when it left them.

use std::time::Instant;

/// A stop at which a decision can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// Envoy's message becomes a request of a tenant, and the request a resource.
    #[default]
    Read,
    /// The credential becomes a caller.
    Authenticate,
    /// The policy judges.
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

/// How far a request has come. One that breaks off leaves no further stop.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stops {
    are_timed: bool,
    current: Stop,
    read: Option<Instant>,
    authenticated: Option<Instant>,
}

impl Stops {
    /// At the first stop. Only timed stops ask the clock.
    pub(super) fn new(are_timed: bool) -> Self {
        Self {
            are_timed,
            ..Self::default()
        }
    }

    /// The stop where the request is, or where its decision ended.
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

    /// The stops that were reached, each with the moment when it was left; `None` for the last one.
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
