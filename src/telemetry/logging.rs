//! Log lines: text for people, JSON for machines.
//!
//! They are written by a thread of their own, so that no decision waits for whoever reads them. Where that thread falls too
//! far behind, lines are lost and counted.

use std::{
    io::{BufWriter, IsTerminal, stderr},
    sync::OnceLock,
};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt;

use crate::config::{LogFormat, LogLevel, Telemetry};

/// Lines that wait to be written; a decision's has some 500 bytes.
const WAITING_LINES: usize = 8192;

static LOST: OnceLock<ErrorCounter> = OnceLock::new();

/// Writes what is still waiting when it is dropped.
#[must_use]
pub struct Logging(#[expect(dead_code, reason = "it is there to be dropped")] WorkerGuard);

/// Starts logging to standard error; of two calls the first one counts.
pub fn start(settings: &Telemetry) -> Logging {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let terminal = stderr().is_terminal();
    let text = match settings.format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => terminal,
    };
    // The thread writes out what it has whenever nothing more is waiting.
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(BufWriter::new(stderr()));
    LOST.get_or_init(|| writer.error_counter());
    let builder = fmt().with_max_level(level).with_writer(writer);
    // The second of two starts is an error that means: logging runs already.
    let _ = if text {
        builder.with_ansi(terminal).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    Logging(guard)
}

/// How many lines have been lost since the start.
pub fn lost_lines() -> u64 {
    LOST.get().map_or(0, |lost| {
        u64::try_from(lost.dropped_lines()).unwrap_or(u64::MAX)
    })
}
