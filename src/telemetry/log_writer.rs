//! Writes an output, such as standard error, on a thread of its own. So no decision waits for the reader of the log.
//!
//! A single line is written at once. Lines that arrive close together are collected, so that the thread wakes up less
//! often. If too many bytes wait, further lines are dropped and counted.

use std::{
    borrow::Cow,
    io::{self, Write},
    mem::replace,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

/// The most bytes that may wait. The line of a decision has about 500.
const MAX_WAITING: usize = 4 << 20;
/// How long lines are collected after a write.
const GATHER_TIME: Duration = Duration::from_millis(5);
/// How long the end of the process waits for the last lines to be read.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// Accepts lines. Clones share the waiting lines.
#[derive(Clone)]
pub(super) struct LogWriter(Arc<Shared>, Escape);

/// Escapes characters that a terminal does not show, or that it obeys.
pub(super) type Escape = for<'a> fn(&'a str) -> Cow<'a, str>;

/// When dropped, waits until the remaining lines are written.
#[must_use]
pub struct Flush {
    shared: Arc<Shared>,
    ended: Receiver<()>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    lost: AtomicU64,
    restarts: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    text: Vec<u8>,
    is_over: bool,
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Lines are appended as a whole, so a panic leaves only whole lines behind.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next lines; `None` once the writer is stopped and no line waits.
    fn next(&self, spare: Vec<u8>) -> Option<Vec<u8>> {
        let waiting = self.waiting();
        let mut waiting = self
            .changed
            .wait_while(waiting, |waiting| {
                waiting.text.is_empty() && !waiting.is_over
            })
            .unwrap_or_else(PoisonError::into_inner);
        (!waiting.text.is_empty()).then(|| replace(&mut waiting.text, spare))
    }

    /// Waits a moment for more lines, unless the writer is stopped.
    fn gather(&self) {
        let waiting = self.waiting();
        let waited = self
            .changed
            .wait_timeout_while(waiting, GATHER_TIME, |waiting| !waiting.is_over);
        drop(waited);
    }

    fn lose(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Starts the thread, which writes to `output`.
pub(super) fn start(
    mut output: impl Write + Send + 'static,
    escape: Escape,
) -> io::Result<(LogWriter, Flush)> {
    let shared = Arc::new(Shared::default());
    let (end, ended) = mpsc::channel();
    let of_thread = Arc::clone(&shared);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || {
            // A panic loses the lines of this write. The thread goes on with the next ones.
            while catch_unwind(AssertUnwindSafe(|| write_all(&of_thread, &mut output))).is_err() {
                of_thread.restarts.fetch_add(1, Ordering::Relaxed);
                of_thread.gather();
            }
            drop(end);
        })?;
    let writer = LogWriter(Arc::clone(&shared), escape);
    Ok((writer, Flush { shared, ended }))
}

/// Writes lines until the writer is stopped.
fn write_all(shared: &Shared, output: &mut impl Write) {
    let mut spare = Vec::new();
    while let Some(mut text) = shared.next(spare) {
        shared.lose(write(output, &text));
        text.clear();
        spare = text;
        shared.gather();
    }
}

/// Writes lines and returns how many were lost. Losses can only be counted, since the log itself cannot be written.
fn write(output: &mut impl Write, mut text: &[u8]) -> u64 {
    while !text.is_empty() {
        match output.write(text) {
            Ok(0) => break,
            Ok(written) => text = text.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Another process made the pipe non-blocking.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(GATHER_TIME),
            Err(_) => break,
        }
    }
    let left = text.split(|byte| *byte == b'\n').skip(1).count();
    // If flushing fails, the next write fails too and is counted.
    let _ = output.flush();
    u64::try_from(left).unwrap_or(u64::MAX)
}

impl LogWriter {
    /// Whether both use the same thread.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How often writing panicked and was restarted.
    pub(super) fn restarts(&self) -> u64 {
        self.0.restarts.load(Ordering::Relaxed)
    }

    /// How many lines have been lost.
    pub(super) fn lost(&self) -> u64 {
        self.0.lost.load(Ordering::Relaxed)
    }
}

impl Write for LogWriter {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        let text = if written.is_ascii() {
            None
        } else {
            std::str::from_utf8(written).ok().map(self.1)
        };
        let line = text.as_deref().map_or(written, str::as_bytes);
        let mut waiting = self.0.waiting();
        if waiting.text.len() + line.len() > MAX_WAITING {
            self.0.lose(1);
            return Ok(written.len());
        }
        let is_first = waiting.text.is_empty();
        waiting.text.extend_from_slice(line);
        drop(waiting);
        if is_first {
            self.0.changed.notify_one();
        }
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        self.shared.waiting().is_over = true;
        self.shared.changed.notify_all();
        // The thread drops its side when it ends. The time limit keeps a blocked reader from delaying the end.
        let _ = self.ended.recv_timeout(FLUSH_LIMIT);
    }
}

#[cfg(test)]
mod tests;
