//! The wall clock. It is injected, so that tests of expiry need not wait.

use std::time::{SystemTime, UNIX_EPOCH};

/// A source of the wall clock time.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// `time` as a `NumericDate` (RFC 7519, section 2): seconds since 1970, fractions kept.
pub(super) fn numeric_date(time: SystemTime) -> f64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}
