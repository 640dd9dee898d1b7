//! Log lines: text for people, JSON for machines.

use std::{
    io::{self, IsTerminal, stderr},
    sync::OnceLock,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

use super::log_writer::{self, Flush, LogWriter};
use crate::{
    config::{LogFormat, LogLevel, Telemetry},
    glyphs::{shown, shown_json},
};

static WRITER: OnceLock<LogWriter> = OnceLock::new();
static JSON_LINES: OnceLock<Option<LogWriter>> = OnceLock::new();

/// Starts logging to standard error; of two calls the first one counts.
pub fn start(settings: &Telemetry) -> io::Result<Flush> {
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
    let (writer, flush) = log_writer::start(stderr(), if text { shown } else { shown_json })?;
    WRITER.get_or_init(|| writer.clone());
    JSON_LINES.get_or_init(|| (!text && level >= LevelFilter::INFO).then(|| writer.clone()));
    let builder = fmt()
        .with_max_level(level)
        .with_writer(move || writer.clone());
    // The second of two starts is an error that means: logging runs already.
    let _ = if text {
        builder.with_ansi(terminal).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    Ok(flush)
}

/// Where lines of JSON go that nothing else has to look at; `None` where lines are text, or no information.
pub(super) fn json_lines() -> Option<LogWriter> {
    JSON_LINES.get().cloned().flatten()
}

/// How many lines have been lost since the start.
pub fn lost_lines() -> u64 {
    WRITER.get().map_or(0, LogWriter::lost)
}

/// How often the thread that writes lines was started again.
pub fn restarts() -> u64 {
    WRITER.get().map_or(0, LogWriter::restarts)
}
