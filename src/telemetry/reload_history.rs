//! The history of reloads: since when the rules are in force, and why reloads failed.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// The largest number of remembered failures.
const MAX_FAILURES: usize = 8;
/// The largest number of remembered problems for each failure.
const MAX_PROBLEMS: usize = 50;
/// The largest length of a remembered problem, in bytes.
const MAX_TEXT: usize = 2048;

/// The reloads since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloads {
    /// When the process started.
    pub started: SystemTime,
    /// When the rules in force were put in force.
    pub loaded: SystemTime,
    /// The number of successful reloads, not counting the start.
    pub successes: u64,
    /// The number of failed reloads.
    pub failures: u64,
    /// The tenants whose files cannot be used now.
    pub failing: Vec<Failing>,
    /// What a restart would change, if the configuration file has changed since the start.
    pub restart: Option<String>,
    /// The last failures, the latest first.
    pub last_failures: VecDeque<ReloadFailure>,
}

/// A failed reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReloadFailure {
    /// The time of the failure.
    pub time: SystemTime,
    /// The problems.
    pub problems: Vec<String>,
}

/// A tenant whose files cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The tenant; `None` if no tenants are configured.
    pub tenant: Option<Arc<str>>,
    /// The time of the first failure.
    pub since: SystemTime,
}

/// Records the outcome of each reload.
#[derive(Debug)]
pub struct ReloadHistory(Mutex<Reloads>);

impl Default for ReloadHistory {
    fn default() -> Self {
        let now = SystemTime::now();
        Self(Mutex::new(Reloads {
            started: now,
            loaded: now,
            successes: 0,
            failures: 0,
            failing: Vec::new(),
            restart: None,
            last_failures: VecDeque::new(),
        }))
    }
}

impl ReloadHistory {
    /// Records a successful reload.
    pub fn succeeded(&self) {
        let mut seen = self.lock();
        seen.loaded = SystemTime::now();
        seen.successes += 1;
    }

    /// Records which tenants' files cannot be used now.
    pub fn are_failing(&self, tenants: Vec<Option<Arc<str>>>) {
        let mut seen = self.lock();
        let before = std::mem::take(&mut seen.failing);
        let of = |tenant| {
            let known = before.iter().find(|one| one.tenant == tenant);
            let since = known.map_or_else(SystemTime::now, |one| one.since);
            Failing { tenant, since }
        };
        seen.failing = tenants.into_iter().map(of).collect();
    }

    /// Records what a restart would change. Returns whether that is new.
    pub fn needs_restart(&self, what: Option<String>) -> bool {
        let mut seen = self.lock();
        let is_new = seen.restart != what;
        seen.restart = what;
        is_new
    }

    /// Records a reload that changed nothing, or only a part.
    pub fn failed(&self, problems: impl IntoIterator<Item = String>) {
        let failure = ReloadFailure {
            time: SystemTime::now(),
            problems: problems
                .into_iter()
                .take(MAX_PROBLEMS)
                .map(shortened)
                .collect(),
        };
        let mut seen = self.lock();
        seen.failures += 1;
        seen.last_failures.push_front(failure);
        seen.last_failures.truncate(MAX_FAILURES);
    }

    /// The reloads up to now.
    pub fn seen(&self) -> Reloads {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Reloads> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push_str("..");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_failures_come_first_and_are_bounded() {
        let history = ReloadHistory::default();
        for number in 0..MAX_FAILURES + 3 {
            history.failed((0..100).map(|_| format!("{number}{}", "é".repeat(3000))));
        }
        let seen = history.seen();
        assert_eq!(
            (seen.failures, seen.last_failures.len()),
            (11, MAX_FAILURES)
        );
        assert!(seen.last_failures.iter().all(|failure| {
            failure.problems.len() == MAX_PROBLEMS
                && failure.problems.iter().all(|p| p.len() <= MAX_TEXT + 2)
        }));
        assert!(
            seen.last_failures
                .front()
                .is_some_and(|failure| failure.problems.iter().all(|p| p.starts_with("10")))
        );
        history.succeeded();
        let seen = history.seen();
        assert!(seen.successes == 1 && seen.last_failures.len() == MAX_FAILURES);
        history.are_failing(vec![Some("a".into())]);
        let first = history.seen().failing;
        history.are_failing(vec![Some("a".into()), None]);
        assert_eq!(first.first(), history.seen().failing.first());
        history.are_failing(Vec::new());
        assert!(history.seen().failing.is_empty());
    }
}
