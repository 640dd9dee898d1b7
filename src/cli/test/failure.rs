//! Why a row of a table failed, in words.

use std::fmt::Write as _;

use geowarden_rego::explain::text::Paint;
use serde::Serialize;
use serde_json::Value;

use super::super::{
    explanation::{Explained, SHORT},
    table::Difference,
};

/// Why a row failed.
#[derive(Debug, Serialize)]
pub(super) struct RowFailure {
    pub(super) file: String,
    /// The line of the row.
    pub(super) line: usize,
    /// What is otherwise than expected.
    pub(super) differences: Vec<PlacedDifference>,
    /// The decision in words.
    pub(super) detail: String,
    /// Why the policy decided so; `null` if it was not asked.
    pub(super) explanation: Value,
    #[serde(skip)]
    pub(super) explained: Option<Explained>,
    /// What the policy printed, one text for each line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) printed: Vec<String>,
}

/// An expectation that was not met, with its place.
#[derive(Debug, Serialize)]
pub(super) struct PlacedDifference {
    /// The line of the expectation.
    pub(super) line: usize,
    #[serde(flatten)]
    pub(super) difference: Difference,
}

impl PlacedDifference {
    fn text(&self) -> String {
        let Difference {
            key,
            expected,
            found,
        } = &self.difference;
        format!(
            "{key}: expected {}, found {}",
            shown(expected),
            shown(found)
        )
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        value => value.to_string(),
    }
}

impl RowFailure {
    /// What is otherwise, in one line.
    pub(super) fn summary(&self) -> String {
        let all: Vec<String> = self
            .differences
            .iter()
            .map(PlacedDifference::text)
            .collect();
        all.join("; ")
    }

    /// What is otherwise, each with its place, and why.
    pub(super) fn text(&self, paint: &dyn Paint) -> String {
        let mut text = String::new();
        for one in &self.differences {
            let place = format!("{}:{}", self.file, one.line);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {}", paint.faint(&place), paint.plain(&one.text()));
        }
        for line in self.detail.lines() {
            let _ = writeln!(text, "{}", paint.plain(line));
        }
        if let Some(explained) = &self.explained {
            text.push_str(&explained.text(paint, SHORT));
        }
        for line in &self.printed {
            let _ = writeln!(text, "print: {}", paint.plain(line));
        }
        text
    }
}
