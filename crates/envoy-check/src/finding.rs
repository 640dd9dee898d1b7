//! What is found, with its place and cure.

use geowarden_yaml::display_path;

use crate::view::Node;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Requests pass that nobody judged, or other ones than those that were judged.
    Error,
    /// The guard holds, and something else is lost: a reason, an address, a secret in a log.
    Warning,
}

impl Severity {
    /// Its name in the output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One setting that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The name of the finding, which stays the same in later versions.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Line of the setting, from 1; of what should hold it where it is missing.
    pub line: usize,
    /// Character in that line, from 1.
    pub column: usize,
    /// The way to it, such as `static_resources.listeners[0]`.
    pub path: String,
    /// What was expected and found, and what that undoes.
    pub message: String,
    /// What to do.
    pub cure: String,
}

/// Everything that was found in one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order of the file.
    pub findings: Vec<Finding>,
    /// What the file only names, and a check of it cannot see.
    pub unseen: Vec<String>,
}

impl Report {
    /// Whether a finding is an error.
    pub fn has_errors(&self) -> bool {
        let mut all = self.findings.iter();
        all.any(|finding| finding.severity == Severity::Error)
    }
}

/// The findings so far.
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

    /// Sorted by place. What two managers share, such as a set of routes, is told once.
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
