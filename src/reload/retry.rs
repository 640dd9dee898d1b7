//! Decides when a failed reload is tried again. Some failures are temporary, such as a trial of policies that ran out
//! of time on a busy machine. Without another try the files would not be read until they change, and a revoked key
//! would stay valid.

use std::time::Duration;

use tokio::time::Instant;

/// The pause after the first failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two tries, so that a lasting fault costs little.
const MAX_PAUSE: Duration = Duration::from_mins(5);

/// A failed reload that will be tried again.
#[derive(Debug)]
pub(super) struct Retry {
    problems: Vec<String>,
    pause: Duration,
    /// The time of the next try.
    pub(super) at: Instant,
}

impl Retry {
    /// The next try after a failure with these problems: soon if they are new, later each time if they stay.
    pub(super) fn after(earlier: Option<Self>, problems: Vec<String>) -> Self {
        let pause = match earlier {
            Some(earlier) if earlier.problems == problems => (earlier.pause * 2).min(MAX_PAUSE),
            _ => FIRST_PAUSE,
        };
        Self {
            problems,
            pause,
            at: Instant::now() + pause,
        }
    }

    /// Tries again at once, since something else has changed.
    pub(super) fn soon(&mut self) {
        self.at = Instant::now();
    }

    /// Whether this failure is new.
    pub(super) fn is_first(&self) -> bool {
        self.pause == FIRST_PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_failure_is_tried_less_and_less_and_another_one_soon() {
        let problems = |text: &str| vec![text.to_owned()];
        let mut retry = Retry::after(None, problems("a"));
        let mut pauses = vec![retry.pause.as_secs()];
        for _ in 0..10 {
            retry = Retry::after(Some(retry), problems("a"));
            pauses.push(retry.pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert!(!retry.is_first());
        assert!(Retry::after(Some(retry), problems("b")).is_first());
    }
}
