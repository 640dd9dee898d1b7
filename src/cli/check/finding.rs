//! One thing that a check found, as all formats show it.

use std::{fmt::Write as _, sync::Arc};

use geowarden_rego::{
    diagnostic::{Code, Diagnostic, Severity},
    source::Span,
};
use serde::Serialize;

use super::paint;
use crate::config::{Origin, Problem};

/// The code of errors in configuration and keys.
const CONFIGURATION: &str = "configuration";

/// The code of notes about parts of Envoy's configuration that a file only names.
const UNSEEN: &str = "not-seen";

/// A longer line is shown in part, in characters.
const MAX_LINE: usize = 200;
/// What stands for the rest of it.
const LEFT_OUT: &str = "..";

/// What a finding does to the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Error,
    Warning,
    Note,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    #[serde(rename = "severity")]
    pub(super) level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    /// From 1, as the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_line: Option<u32>,
    /// The column behind the last character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_column: Option<u32>,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cure: Option<String>,
    /// The name that the author may have meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) suggestion: Option<String>,
    /// The line of the source, of a long one the part around the column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    /// Where the column is in `source`, from 0.
    #[serde(skip)]
    mark: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<Arc<str>>,
}

impl Finding {
    pub(super) fn of_diagnostic(
        found: &Diagnostic,
        text: Option<&String>,
        tenant: Option<&Arc<str>>,
    ) -> Self {
        let text = text.map_or("", String::as_str);
        let end = end(text, found.span);
        let line = line_at(text, found.span.line);
        let line = line.map(|line| clipped(line, found.span.column.saturating_sub(1) as usize));
        let (source, mark) = line.unzip();
        Self {
            code: found.code.as_str(),
            level: match found.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Note => Level::Note,
            },
            file: Some(found.file.clone()),
            line: Some(found.span.line),
            column: Some(found.span.column),
            end_line: end.map(|(line, _)| line),
            end_column: end.map(|(_, column)| column),
            message: found.message.clone(),
            cure: found.cure.clone(),
            suggestion: found.suggestion.clone(),
            source,
            mark: mark.unwrap_or_default(),
            tenant: tenant.cloned(),
        }
    }

    pub(super) fn of_problem(problem: &Problem) -> Self {
        Self::at(Level::Error, &problem.origin, problem.to_string())
    }

    /// A role of an API key that gives nothing.
    pub(super) fn of_role(
        origin: &Origin,
        message: String,
        cure: &str,
        suggestion: Option<String>,
        tenant: Option<&Arc<str>>,
    ) -> Self {
        Self {
            code: Code::UnknownId.as_str(),
            cure: Some(cure.to_owned()),
            suggestion,
            tenant: tenant.cloned(),
            ..Self::at(Level::Warning, origin, message)
        }
    }

    /// What is found at a line; the message begins with the place.
    fn at(level: Level, origin: &Origin, message: String) -> Self {
        let (file, line) = match origin {
            Origin::File { file, line } => (Some(file.clone()), *line),
            Origin::Environment(_) => (None, None),
        };
        Self {
            file,
            line: line.and_then(|line| line.try_into().ok()),
            ..Self::plain(level, message)
        }
    }

    /// What is found in Envoy's configuration.
    pub(super) fn of_envoy(file: &str, found: geowarden_envoy_check::Finding) -> Self {
        let level = match found.severity {
            geowarden_envoy_check::Severity::Error => Level::Error,
            geowarden_envoy_check::Severity::Warning => Level::Warning,
        };
        Self {
            code: found.code,
            file: Some(file.to_owned()),
            line: found.line.try_into().ok(),
            column: found.column.try_into().ok(),
            cure: Some(found.cure),
            ..Self::plain(level, found.message)
        }
    }

    /// What Envoy's configuration only names.
    pub(super) fn of_unseen(file: &str, told: &str) -> Self {
        Self {
            code: UNSEEN,
            file: Some(file.to_owned()),
            ..Self::plain(Level::Note, format!("{file}: {told}"))
        }
    }

    pub(super) fn of_warning(warning: &str) -> Self {
        Self::plain(Level::Warning, warning.to_owned())
    }

    fn plain(level: Level, message: String) -> Self {
        Self {
            code: CONFIGURATION,
            level,
            file: None,
            line: None,
            column: None,
            end_line: None,
            end_column: None,
            message,
            cure: None,
            suggestion: None,
            source: None,
            mark: 0,
            tenant: None,
        }
    }

    /// The message with its cure, as one sentence.
    pub(super) fn told(&self) -> String {
        match (&self.suggestion, &self.cure) {
            (Some(suggestion), _) => format!("{}: did you mean `{suggestion}`?", self.message),
            (None, Some(cure)) => format!("{}: {cure}", self.message),
            (None, None) => self.message.clone(),
        }
    }

    /// Place, tenant, message and cure in one line.
    pub(super) fn line_of_text(&self) -> String {
        let mut text = String::new();
        // Only messages about policies need the place; others begin with it.
        if let (Some(file), Some(line), Some(column)) = (&self.file, self.line, self.column) {
            let _ = write!(text, "{file}:{line}:{column}: ");
        }
        if let Some(tenant) = &self.tenant {
            let _ = write!(text, "tenant `{tenant}`: ");
        }
        text + &self.told()
    }

    /// All of it for people: with the line of the source, and what is meant of it.
    pub(super) fn text(&self) -> String {
        let level = match self.level {
            Level::Error => paint::bad("error"),
            Level::Warning => paint::warning("warning"),
            Level::Note => paint::good("note"),
        };
        let told = self.line_of_text();
        let mut text = format!("{level}: {}", paint::lines(&told));
        if self.code != CONFIGURATION {
            let _ = write!(text, " [{}]", self.code);
        }
        text.push('\n');
        if let (Some(source), Some(column)) = (&self.source, self.column) {
            let shown = source.replace('\t', " ");
            let _ = writeln!(text, "    {}", paint::plain(shown.trim_end()));
            if self.end_column.is_some() {
                let begin = self.mark;
                let is_one_line = self.end_line == self.line;
                let end = self.end_column.filter(|_| is_one_line).unwrap_or_default();
                let rest = source.trim_end().chars().count().saturating_sub(begin);
                let width = match end.checked_sub(column) {
                    Some(width) if is_one_line => rest.min(width as usize),
                    _ => rest,
                };
                let _ = writeln!(
                    text,
                    "    {}{}",
                    " ".repeat(begin),
                    "^".repeat(width.max(1))
                );
            }
        }
        text
    }
}

/// The line and column behind a part of a text.
fn end(text: &str, span: Span) -> Option<(u32, u32)> {
    let part = text
        .get(span.start..span.end)
        .filter(|part| !part.is_empty())?;
    let breaks = part.matches('\n').count();
    let last = part.rsplit('\n').next()?.chars().count();
    let (breaks, last) = (u32::try_from(breaks).ok()?, u32::try_from(last).ok()?);
    Some(if breaks == 0 {
        (span.line, span.column.saturating_add(last))
    } else {
        (span.line.saturating_add(breaks), last.saturating_add(1))
    })
}

fn line_at(text: &str, line: u32) -> Option<&str> {
    text.lines().nth((line as usize).checked_sub(1)?)
}

/// A line, of a long one the part around a character. With it, the place of that character in the result.
fn clipped(line: &str, at: usize) -> (String, usize) {
    let length = line.chars().count();
    if length <= MAX_LINE {
        return (line.to_owned(), at);
    }
    let begin = at.saturating_sub(MAX_LINE / 4).min(length - MAX_LINE);
    let part: String = line.chars().skip(begin).take(MAX_LINE).collect();
    let before = if begin > 0 { LEFT_OUT } else { "" };
    let behind = if begin + MAX_LINE < length {
        LEFT_OUT
    } else {
        ""
    };
    (
        format!("{before}{part}{behind}"),
        before.len() + at.saturating_sub(begin),
    )
}
