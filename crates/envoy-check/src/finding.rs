//! Findings: what is wrong, where, and what to do.

use geowarden_yaml::display_path;

use crate::view::Node;

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Some requests reach pygeoapi without a decision, or differ from the request that was decided on.
    Error,
    /// All requests are decided on, but something else is lost or exposed: a reason, an address, a secret in a log.
    Warning,
}

impl Severity {
    /// The name of the severity in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A setting with a wrong value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The code of the finding. It stays the same in later versions.
    pub code: &'static str,
    /// How serious the finding is.
    pub severity: Severity,
    /// The line of the setting, from 1. If the setting is missing, the line of the part that should have it.
    pub line: usize,
    /// The character in that line, from 1.
    pub column: usize,
    /// The path of the setting, such as `static_resources.listeners[0]`.
    pub path: String,
    /// What was expected and found, and what goes wrong because of it.
    pub message: String,
    /// What to do.
    pub cure: String,
}

/// All findings of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The findings, in the order of the file.
    pub findings: Vec<Finding>,
    /// Parts that the file names but does not contain, so that they were not checked.
    pub unseen: Vec<String>,
}

impl Report {
    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        let mut all = self.findings.iter();
        all.any(|finding| finding.severity == Severity::Error)
    }
}

/// Collects findings.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        at: &Node<'_>,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.add(Severity::Error, code, at, message.into(), cure.into());
    }

    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        at: &Node<'_>,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, at, message.into(), cure.into());
    }

    pub(crate) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: &Node<'_>,
        message: String,
        cure: String,
    ) {
        let mark = at.mark();
        self.0.push(Finding {
            code,
            severity,
            line: mark.line,
            column: mark.column,
            path: display_path(at.path()),
            message,
            cure,
        });
    }

    /// The findings, sorted by place. A finding in a part that several managers share, such as a set of routes, is
    /// reported once.
    pub(crate) fn report(mut self, unseen: Vec<String>) -> Report {
        self.0.sort_by(|a, b| {
            let place = |f: &Finding| (f.line, f.column, f.code);
            place(a).cmp(&place(b)).then(a.path.cmp(&b.path))
        });
        self.0.dedup();
        Report {
            findings: self.0,
            unseen,
        }
    }
}
