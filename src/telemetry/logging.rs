//! Sets up logging: text for people, JSON for programs.

use std::{
    io::{self, IsTerminal, stderr, stdout},
    sync::OnceLock,
};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;

use super::log_writer::{self, Flush, LogWriter};
use crate::{
    config::{DecisionLog, LogFormat, LogLevel, LogOutput, Telemetry},
    glyphs::{shown, shown_json},
};

static WRITER: OnceLock<LogWriter> = OnceLock::new();
static DECISIONS: OnceLock<DecisionLines> = OnceLock::new();

/// Where the lines of decisions are written.
#[derive(Clone)]
pub(super) enum DecisionLines {
    /// As JSON.
    Json(LogWriter),
    /// As text.
    Text(LogWriter),
    /// Through tracing, with the other lines.
    Tracing,
}

/// Starts logging. It runs until the returned value is dropped. Further calls have no effect.
pub fn start(settings: &Telemetry, decisions: &DecisionLog) -> io::Result<Vec<Flush>> {
    let level = match settings.level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
    };
    let terminal = stderr().is_terminal();
    let text = is_text(settings.format, terminal);
    let (writer, flush) = log_writer::start(stderr(), if text { shown } else { shown_json })?;
    WRITER.get_or_init(|| writer.clone());
    let mut flushes = vec![flush];
    let lines = match decisions.output {
        LogOutput::Stderr if text || level < LevelFilter::INFO => DecisionLines::Tracing,
        LogOutput::Stderr => DecisionLines::Json(writer.clone()),
        LogOutput::Stdout => {
            let text = is_text(settings.format, stdout().is_terminal());
            let escape = if text { shown } else { shown_json };
            let (writer, flush) = log_writer::start(stdout(), escape)?;
            flushes.push(flush);
            if text {
                DecisionLines::Text(writer)
            } else {
                DecisionLines::Json(writer)
            }
        }
    };
    DECISIONS.get_or_init(|| lines);
    let builder = fmt()
        .with_max_level(level)
        .with_writer(move || writer.clone());
    // An error means that logging was started before.
    let _ = if text {
        builder.with_ansi(terminal).try_init()
    } else {
        builder.json().flatten_event(true).try_init()
    };
    Ok(flushes)
}

fn is_text(format: LogFormat, is_terminal: bool) -> bool {
    match format {
        LogFormat::Text => true,
        LogFormat::Json => false,
        LogFormat::Auto => is_terminal,
    }
}

/// Where the lines of decisions are written.
pub(super) fn decision_lines() -> DecisionLines {
    DECISIONS.get().cloned().unwrap_or(DecisionLines::Tracing)
}

/// The writers for standard error and, if decisions have their own output, for standard output.
fn writers() -> impl Iterator<Item = &'static LogWriter> {
    let of_decisions = match DECISIONS.get() {
        Some(DecisionLines::Json(writer) | DecisionLines::Text(writer)) => Some(writer),
        Some(DecisionLines::Tracing) | None => None,
    };
    let main = WRITER.get();
    let other = of_decisions.filter(|writer| main.is_none_or(|main| !main.is_same(writer)));
    main.into_iter().chain(other)
}

/// How many lines have been lost since the start.
pub fn lost_lines() -> u64 {
    writers().map(LogWriter::lost).sum()
}

/// How often the threads that write lines were started again.
pub fn restarts() -> u64 {
    writers().map(LogWriter::restarts).sum()
}
