//! Writes one line for each decision.

use std::{
    fmt,
    io::{self, Write},
};

use chrono::{SecondsFormat, Utc};
use serde::{Serialize, Serializer, ser::SerializeMap};
use tracing::info;

use crate::{
    config::LoggedDecisions,
    record::{DecisionRecord, FactValue},
    telemetry::logging::{self, DecisionLines},
};

const TARGET: &str = "geowarden::decision";
const MESSAGE: &str = "decision";

/// Whether decisions of the kind of `record` are logged.
pub fn is_logged(wanted: LoggedDecisions, record: &DecisionRecord<'_>) -> bool {
    match wanted {
        LoggedDecisions::All => true,
        LoggedDecisions::Denied => !record.is_allowed(),
        LoggedDecisions::None => false,
    }
}

/// Logs `record`, if decisions of its kind are logged.
pub fn write(wanted: LoggedDecisions, record: &DecisionRecord<'_>) {
    if !is_logged(wanted, record) {
        return;
    }
    // The writers count the lines that they lose.
    match logging::decision_lines() {
        // Writing the line here takes half of the time that it takes through tracing.
        DecisionLines::Json(mut writer) => {
            if let Ok(line) = json_line(record) {
                let _ = writer.write_all(&line);
            }
        }
        DecisionLines::Text(mut writer) => {
            let line = format!("{} {MESSAGE}{}\n", now(), TextFacts(record));
            let _ = writer.write_all(line.as_bytes());
        }
        DecisionLines::Tracing => info!(target: TARGET, "{MESSAGE}{}", TextFacts(record)),
    }
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A line of JSON with the members of tracing's own lines and the facts.
pub(crate) fn json_line(record: &DecisionRecord<'_>) -> io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(1024);
    serde_json::to_writer(&mut text, &JsonLine(record))?;
    text.push(b'\n');
    Ok(text)
}

struct JsonLine<'a>(&'a DecisionRecord<'a>);

impl Serialize for JsonLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("timestamp", &now())?;
        line.serialize_entry("level", "INFO")?;
        line.serialize_entry("message", MESSAGE)?;
        for (name, value) in self.0.facts(|fact| fact.log) {
            match value {
                FactValue::Word(text) | FactValue::Text(text) => line.serialize_entry(name, text),
                FactValue::Number(number) => line.serialize_entry(name, &number),
                FactValue::Flag(flag) => line.serialize_entry(name, &flag),
                FactValue::Json(value) => line.serialize_entry(name, value),
            }?;
        }
        line.serialize_entry("target", TARGET)?;
        line.end()
    }
}

/// The facts, formatted as tracing formats fields in text.
struct TextFacts<'a>(&'a DecisionRecord<'a>);

impl fmt::Display for TextFacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.0.facts(|fact| fact.log) {
            match value {
                FactValue::Word(text) | FactValue::Text(text) => write!(f, " {name}={text:?}"),
                FactValue::Number(number) => write!(f, " {name}={number}"),
                FactValue::Flag(flag) => write!(f, " {name}={flag}"),
                FactValue::Json(value) => write!(f, " {name}={:?}", value.to_string()),
            }?;
        }
        Ok(())
    }
}
