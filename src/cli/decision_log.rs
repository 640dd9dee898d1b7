//! A decision log, as `explain` and `test --record` read it: finds a decision in JSON lines.

use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{CommandError, paint};
use crate::record::{InputScope, Stop};

/// A decision log.
pub(super) struct Log {
    /// `None` is standard input.
    path: Option<PathBuf>,
}

/// What a line of the log says of a decision.
#[derive(Debug, Deserialize)]
pub(super) struct LoggedDecision {
    decision_id: String,
    pub(super) timestamp: Option<DateTime<Utc>>,
    pub(super) outcome: String,
    pub(super) status: Option<u16>,
    pub(super) reason: Option<String>,
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) operation: Option<String>,
    /// How the caller authenticated.
    pub(super) principal: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) issuer: Option<String>,
    stop: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) policy_revision: Option<String>,
    pub(super) input_scope: Option<InputScope>,
    input: Option<Value>,
    input_too_long: Option<u64>,
    #[serde(default)]
    pub(super) erased: Vec<String>,
}

impl Log {
    pub(super) fn of(path: &Path) -> Self {
        Self {
            path: (path != Path::new("-")).then(|| path.to_owned()),
        }
    }

    fn name(&self) -> String {
        let path = self.path.as_ref();
        path.map_or("standard input".to_owned(), |path| {
            path.display().to_string()
        })
    }

    fn open(&self) -> Result<Box<dyn BufRead>, CommandError> {
        let Some(path) = &self.path else {
            return Ok(Box::new(io::stdin().lock()));
        };
        let file = File::open(path)
            .map_err(|e| CommandError::Usage(format!("--log: {}: {e}", self.name())))?;
        Ok(Box::new(BufReader::new(file)))
    }

    /// The decision with this id, or with this URN of it (RFC 9562, section 4), as a problem document has it.
    pub(super) fn find(&self, id: &str) -> Result<LoggedDecision, CommandError> {
        let id = id.strip_prefix("urn:uuid:").unwrap_or(id);
        let mut log = self.open()?;
        let mut line = Vec::new();
        let mut unread = None;
        for number in 1_u64.. {
            line.clear();
            let read = log.read_until(b'\n', &mut line);
            if read.map_err(|e| CommandError::Failed(format!("{}: {e}", self.name())))? == 0 {
                break;
            }
            // Most lines are of other decisions, and need not be parsed.
            if !has(&line, id.as_bytes()) {
                continue;
            }
            match decision(&line) {
                Some(decision) if decision.decision_id == id => return Ok(decision),
                Some(_) => {}
                None => unread = unread.or(Some(number)),
            }
        }
        let id = paint::plain(id).into_owned();
        let name = self.name();
        Err(CommandError::Failed(match unread {
            Some(number) => format!(
                "{name}:{number}: the line has the id {id}, and is no line of a decision in JSON: set `telemetry.format: json`"
            ),
            None => format!(
                "{name}: expected a line with the decision_id {id}, found none: is it the log of the geowarden that decided, with all its decisions (`decision_log.decisions`)?"
            ),
        }))
    }
}

fn has(line: &[u8], id: &[u8]) -> bool {
    !id.is_empty() && line.windows(id.len()).any(|part| part == id)
}

/// The decision of a line. What is before the JSON is skipped: journalctl and others write the time and the host there.
fn decision(line: &[u8]) -> Option<LoggedDecision> {
    let start = line.iter().position(|byte| *byte == b'{')?;
    serde_json::from_slice(line.get(start..)?).ok()
}

impl LoggedDecision {
    /// Whether the request was refused before a policy was asked.
    pub(super) fn is_before_the_policy(&self) -> bool {
        let before = [Stop::Read, Stop::Authenticate].map(Stop::as_str);
        let stop = self.stop.as_deref();
        stop.is_some_and(|stop| before.contains(&stop)) && self.input.is_none()
    }

    /// What the policy was given.
    pub(super) fn input(&self) -> Result<&Value, CommandError> {
        let id = paint::plain(&self.decision_id);
        self.input.as_ref().ok_or_else(|| {
            CommandError::Failed(match self.input_too_long {
                Some(length) => format!(
                    "the decision {id} has no input: it had {length} bytes, and the log has inputs up to 64 KiB; try `decision_log.input: reads`, or ask with `geowarden eval`"
                ),
                None => format!(
                    "the decision {id} has no input: set `decision_log.input: reads` (what the policy reads) or `full`, which apply to decisions from then on"
                ),
            })
        })
    }

    /// The moment of the decision, in nanoseconds since 1970.
    pub(super) fn nanoseconds(&self) -> Option<i64> {
        self.timestamp?.timestamp_nanos_opt()
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "decision_id": self.decision_id,
            "timestamp": self.timestamp,
            "outcome": self.outcome,
            "status": self.status,
            "reason": self.reason,
            "method": self.method,
            "path": self.path,
            "stop": self.stop,
            "tenant": self.tenant,
            "policy_revision": self.policy_revision,
            "input_scope": self.input_scope,
        })
    }

    /// For people: one line.
    pub(super) fn text(&self) -> String {
        let outcome = paint::plain(&self.outcome);
        let outcome = if outcome == "allow" {
            paint::good(&outcome)
        } else {
            paint::bad(&outcome)
        };
        let mut text = format!("then: {outcome}");
        let status = self.status.map(|status| status.to_string());
        let why: Vec<String> = [status, self.reason.clone()]
            .into_iter()
            .flatten()
            .collect();
        if !why.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, " ({})", paint::plain(&why.join(", ")));
        }
        for part in [&self.method, &self.path].into_iter().flatten() {
            text.push(' ');
            text.push_str(&paint::plain(part));
        }
        if let Some(time) = self.timestamp {
            let _ = write!(text, " at {}", time.to_rfc3339());
        }
        text.push('\n');
        text
    }
}
