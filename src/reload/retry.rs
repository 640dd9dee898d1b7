//! When a reload that failed is tried again. Some faults pass by themselves, such as a trial of policies for which a busy
//! machine had no time; files that do not change would never tell of that, and a key that is revoked in them stayed good.

use std::time::Duration;

use tokio::time::Instant;

/// After the first failure.
const FIRST: Duration = Duration::from_secs(1);
/// The longest between two tries: what is wrong for good costs no more than a try so often.
const LONGEST: Duration = Duration::from_mins(5);

/// A failure that is to be tried again.
#[derive(Debug)]
pub(super) struct Retry {
    problems: Vec<String>,
    pause: Duration,
    /// When.
    pub(super) at: Instant,
}

impl Retry {
    /// After a failure with these problems: soon where they are new, later each time where they stay.
    pub(super) fn after(earlier: Option<Self>, problems: Vec<String>) -> Self {
        let pause = match earlier {
            Some(earlier) if earlier.problems == problems => (earlier.pause * 2).min(LONGEST),
            _ => FIRST,
        };
        Self {
            problems,
            pause,
            at: Instant::now() + pause,
        }
    }

    /// Try again at once: something else has changed.
    pub(super) fn soon(&mut self) {
        self.at = Instant::now();
    }

    /// Whether it has not failed like this before.
    pub(super) fn is_first(&self) -> bool {
        self.pause == FIRST
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
