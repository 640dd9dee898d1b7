//! Limits the logging of a frequent event to once a second, with a count.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

const MIN_PAUSE: Duration = Duration::from_secs(1);

/// When a kind of event was last logged, and how often it has happened since.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<History>);

#[derive(Debug, Default)]
struct History {
    last: Option<Instant>,
    since: u64,
}

impl LogThrottle {
    /// Counts one event. If a line is due, returns how many events there were since the last line, including this one.
    pub fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut history = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        history.since += 1;
        let is_early = history
            .last
            .is_some_and(|last| now.saturating_duration_since(last) < MIN_PAUSE);
        if is_early {
            return None;
        }
        history.last = Some(now);
        Some(std::mem::take(&mut history.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_once_a_second_with_its_number() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let kind = LogThrottle::default();
        assert_eq!(kind.due_at(at(0)), Some(1));
        for millis in 1..1000 {
            assert_eq!(kind.due_at(at(millis)), None, "{millis}");
        }
        assert_eq!(kind.due_at(at(1000)), Some(1000));
        assert_eq!(kind.due_at(at(5000)), Some(1));
    }
}
