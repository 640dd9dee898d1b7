//! Reads files that may block, such as those of a stuck mount. Each tenant's files are read on a separate thread, and
//! never twice at once. A reading that takes too long is abandoned, and its thread ends when the system returns.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

/// The most threads for files that can be read. A blocked file keeps a thread of its own until it can be read.
const THREADS: usize = 8;

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ReadFailure {
    /// This reading takes too long, or an earlier one has not ended.
    Stalled,
    /// The reading panicked.
    Broken,
}

/// The threads that read the files of the tenants.
pub(super) struct Readers {
    busy: Vec<Arc<AtomicBool>>,
}

type Work<T> = Box<dyn FnOnce() -> T + Send>;

struct Job<T> {
    index: usize,
    busy: Arc<AtomicBool>,
    work: Work<T>,
}

impl Readers {
    pub(super) fn new(count: usize) -> Self {
        Self {
            busy: (0..count).map(|_| Arc::default()).collect(),
        }
    }

    /// Runs the work of each index at the same time, and passes each result to `each` as it arrives, until `limit` is
    /// over.
    pub(super) fn look<T: Send + 'static>(
        &self,
        works: impl IntoIterator<Item = (usize, Work<T>)>,
        limit: Duration,
        mut each: impl FnMut(usize, Result<T, ReadFailure>),
    ) {
        let mut open = Vec::new();
        let mut jobs = VecDeque::new();
        for (index, work) in works {
            let Some(busy) = self.busy.get(index) else {
                continue;
            };
            if busy.swap(true, Ordering::AcqRel) {
                each(index, Err(ReadFailure::Stalled));
                continue;
            }
            open.push(index);
            let busy = Arc::clone(busy);
            jobs.push_back(Job { index, busy, work });
        }
        let threads = THREADS.min(jobs.len());
        let jobs = Arc::new(Mutex::new(jobs));
        let (sender, ended) = mpsc::channel();
        for _ in 0..threads {
            let (jobs, sender) = (Arc::clone(&jobs), sender.clone());
            // If no thread can be started, the existing ones do the work. If there is none, nobody does.
            let _ = thread::Builder::new()
                .name("files".to_owned())
                .spawn(move || do_jobs(&jobs, &sender));
        }
        drop(sender);
        let until = Instant::now() + limit;
        while !open.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok((index, outcome)) = ended.recv_timeout(left) else {
                break;
            };
            open.retain(|waiting| *waiting != index);
            each(index, outcome.ok_or(ReadFailure::Broken));
        }
        // Work that no thread has begun can be taken again.
        for job in lock(&jobs).drain(..) {
            job.busy.store(false, Ordering::Release);
        }
        for index in open {
            each(index, Err(ReadFailure::Stalled));
        }
    }
}

fn do_jobs<T>(jobs: &Mutex<VecDeque<Job<T>>>, sender: &mpsc::Sender<(usize, Option<T>)>) {
    loop {
        let Some(Job { index, busy, work }) = lock(jobs).pop_front() else {
            return;
        };
        let outcome = catch_unwind(AssertUnwindSafe(work)).ok();
        busy.store(false, Ordering::Release);
        // If it took too long, nobody waits for the result.
        let _ = sender.send((index, outcome));
    }
}

fn lock<T>(jobs: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn one_that_does_not_answer_holds_up_no_other_and_has_one_thread() {
        let readers = Readers::new(20);
        let (answer, waiting) = mpsc::channel::<()>();
        let waiting = Arc::new(Mutex::new(waiting));
        let begun = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let work = |index: usize| -> (usize, Work<usize>) {
            let (waiting, begun) = (Arc::clone(&waiting), Arc::clone(&begun));
            let work = move || {
                if index == 0 {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let _ = lock(&waiting).recv();
                }
                if index == 7 {
                    // Without the panic hook: to print a backtrace can take longer than the limit below.
                    std::panic::resume_unwind(Box::new("a fault of this test"));
                }
                index
            };
            (index, Box::new(work))
        };
        for _ in 0..3 {
            let mut seen = vec![None; 20];
            readers.look(
                (0..20).map(work),
                Duration::from_millis(300),
                |index, outcome| {
                    seen[index] = Some(outcome);
                },
            );
            for (index, outcome) in seen.into_iter().enumerate() {
                let expected = match index {
                    0 => Err(ReadFailure::Stalled),
                    7 => Err(ReadFailure::Broken),
                    other => Ok(other),
                };
                assert_eq!(outcome, Some(expected));
            }
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        drop(answer);
        let mut is_free = false;
        while !is_free {
            readers.look([work(0)], Duration::from_millis(300), |_, outcome| {
                is_free = outcome == Ok(0);
            });
        }
    }
}
