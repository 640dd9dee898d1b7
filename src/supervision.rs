//! Keeps background tasks running. A task that ends or panics is counted and restarted, after a longer pause each time.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::time::sleep;
use tracing::{error, info};

use crate::telemetry::metrics::Metrics;

/// After this many ends, each soon after a start, a task counts as down.
const DOWN_AFTER: u64 = 3;

/// When tasks are restarted.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The pause after the first end. It doubles with each further end that follows soon.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// A task that has run for this long counts as healthy again.
    pub steady: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            longest: Duration::from_mins(1),
            steady: Duration::from_secs(30),
        }
    }
}

/// The state of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStatus {
    /// The name of the task.
    pub name: String,
    /// How often it was restarted.
    pub restarts: u64,
    /// Whether it is running.
    pub is_running: bool,
    /// Whether it keeps ending, so that its work is not done.
    pub is_down: bool,
}

#[derive(Debug, Default)]
struct State {
    restarts: u64,
    is_running: bool,
    ends_in_a_row: u64,
}

/// The background tasks of this process with their states.
pub struct Tasks {
    metrics: Arc<Metrics>,
    timing: Timing,
    states: Mutex<BTreeMap<String, State>>,
}

impl Tasks {
    /// No tasks yet.
    pub fn new(metrics: Arc<Metrics>, timing: Timing) -> Self {
        Self {
            metrics,
            timing,
            states: Mutex::default(),
        }
    }

    /// The state of every task, sorted by name.
    pub fn status(&self) -> Vec<TaskStatus> {
        let status = |(name, state): (&String, &State)| TaskStatus {
            name: name.clone(),
            restarts: state.restarts,
            is_running: state.is_running,
            is_down: state.ends_in_a_row >= DOWN_AFTER,
        };
        self.lock().iter().map(status).collect()
    }

    /// Runs the task that `start` creates, and restarts it if it ends or panics. Once `stopped` has completed, the task
    /// may end.
    ///
    /// `kind` is the label of the metric. `of` tells tasks of one kind apart.
    pub async fn supervise<Running: Future<Output = ()>>(
        &self,
        kind: &'static str,
        of: Option<&str>,
        mut start: impl FnMut() -> Running,
        stopped: impl Future<Output = ()>,
    ) {
        let stopped = stopped.shared();
        let name = of.map_or_else(|| kind.to_owned(), |of| format!("{kind} of {of}"));
        self.metrics.task_restarts(kind, 0);
        let mut pause = self.timing.first;
        loop {
            self.change(&name, |state| state.is_running = true);
            let mut running = std::pin::pin!(AssertUnwindSafe(start()).catch_unwind());
            let outcome = tokio::select! {
                outcome = &mut running => outcome,
                () = sleep(self.timing.steady) => {
                    if self.is_well(kind, &name) {
                        info!(task = name, "runs again");
                    }
                    pause = self.timing.first;
                    running.await
                }
            };
            self.change(&name, |state| state.is_running = false);
            if stopped.clone().now_or_never().is_some() {
                return;
            }
            let how = if outcome.is_err() {
                "panicked"
            } else {
                "ended"
            };
            error!(
                task = name,
                ?pause,
                "a background task {how}: restarting it"
            );
            self.has_ended(kind, &name);
            tokio::select! {
                () = stopped.clone() => return,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(self.timing.longest);
            self.metrics.task_restarts(kind, 1);
            self.change(&name, |state| state.restarts += 1);
        }
    }

    /// Records that a task is healthy. Returns whether it was down before.
    fn is_well(&self, kind: &'static str, name: &str) -> bool {
        let mut was_down = false;
        self.change(name, |state| {
            was_down = state.ends_in_a_row >= DOWN_AFTER;
            state.ends_in_a_row = 0;
        });
        if was_down {
            self.metrics.task_down(kind, -1);
        }
        was_down
    }

    fn has_ended(&self, kind: &'static str, name: &str) {
        let mut is_down_now = false;
        self.change(name, |state| {
            state.ends_in_a_row += 1;
            is_down_now = state.ends_in_a_row == DOWN_AFTER;
        });
        if is_down_now {
            self.metrics.task_down(kind, 1);
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut State)) {
        change(self.lock().entry(name.to_owned()).or_default());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, clippy::unwrap_used)]
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use tokio::sync::watch;

    use super::*;

    const QUICK: Timing = Timing {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(2),
        steady: Duration::from_millis(200),
    };

    #[tokio::test]
    async fn a_task_that_panics_or_ends_is_started_again_and_shown() {
        let metrics = Arc::new(Metrics::default());
        let tasks = Arc::new(Tasks::new(Arc::clone(&metrics), QUICK));
        let runs = Arc::new(AtomicUsize::new(0));
        let (stop, mut stopped) = watch::channel(false);
        let (seen_down, mut down) = watch::channel(false);
        let of = (Arc::clone(&tasks), Arc::clone(&runs));
        let kept = tokio::spawn(async move {
            let (tasks, runs) = of;
            let start = || {
                let number = runs.fetch_add(1, Ordering::SeqCst);
                let tasks = &tasks;
                let seen_down = &seen_down;
                async move {
                    match number {
                        0 | 2 => panic!("a fault of this test"),
                        1 => {}
                        _ => {
                            seen_down.send_replace(tasks.status()[0].is_down);
                            pending::<()>().await;
                        }
                    }
                }
            };
            let stopped = async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
            };
            tasks.supervise("reloads", Some("a"), start, stopped).await;
        });
        down.wait_for(|down| *down).await.unwrap();
        let text = metrics.text().unwrap();
        for line in [
            "geowarden_task_restarts_total{task=\"reloads\"} 3",
            "geowarden_task_down{task=\"reloads\"} 1",
        ] {
            assert!(text.contains(line), "{line} not in {text}");
        }
        while tasks.status()[0].is_down {
            tokio::task::yield_now().await;
        }
        let expected = TaskStatus {
            name: "reloads of a".to_owned(),
            restarts: 3,
            is_running: true,
            is_down: false,
        };
        assert_eq!(tasks.status(), [expected]);
        let text = metrics.text().unwrap();
        assert!(text.contains("geowarden_task_down{task=\"reloads\"} 0"));
        kept.abort();
        drop(stop);
    }

    #[tokio::test]
    async fn at_the_end_a_task_may_end() {
        let metrics = Arc::new(Metrics::default());
        let tasks = Tasks::new(metrics, QUICK);
        tasks
            .supervise("reloads", None, || async {}, async {})
            .await;
        assert_eq!(tasks.status()[0].restarts, 0);
    }
}
