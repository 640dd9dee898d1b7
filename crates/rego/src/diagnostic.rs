//! A problem of a policy: what is wrong, where, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A stable name for a kind of problem.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The text is not Rego.
    #[default]
    Syntax,
    /// A keyword lacks something that it needs, or is missing itself.
    Keyword,
    /// An import does not exist, or its name is taken.
    Import,
    /// A variable is declared twice, too late or with a name that is taken.
    Variable,
    /// A variable that never gets a value.
    Unsafe,
    /// A variable that is declared and not used.
    Unused,
    /// A function does not exist, or takes another number of arguments.
    Function,
    /// A `with` that is not valid.
    With,
    /// Rules that contradict each other, or whose names are taken.
    Rule,
    /// Rego that cannot be expressed exactly in the engine.
    Unsupported,
    /// The text is nested deeper, or more ambiguous, than allowed.
    TooDeep,
    /// A value that can differ from OPA's.
    Different,
}

impl Code {
    /// The name for users.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::Keyword => "keyword",
            Self::Import => "import",
            Self::Variable => "variable",
            Self::Unsafe => "unsafe",
            Self::Unused => "unused",
            Self::Function => "function",
            Self::With => "with",
            Self::Rule => "rule",
            Self::Unsupported => "unsupported",
            Self::TooDeep => "too-deep",
            Self::Different => "different",
        }
    }
}

/// The effect of a diagnostic on its policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The policy does not load.
    #[default]
    Error,
    /// The policy loads.
    Warning,
}

/// A problem in a part of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The kind of problem.
    pub code: Code,
    /// The effect on the policy.
    pub severity: Severity,
    /// The file, by the name for reports.
    pub file: String,
    /// The part of the text with the problem.
    pub span: Span,
    /// What was expected and what was found.
    pub message: String,
    /// The text to write instead.
    pub cure: Option<String>,
    /// The name that the author may have meant.
    pub suggestion: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.span, self.message)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, ": did you mean `{suggestion}`?")?;
        } else if let Some(cure) = &self.cure {
            write!(f, ": {cure}")?;
        }
        Ok(())
    }
}

/// The most similar name, if one is similar: at most a third of its letters differ.
pub(crate) fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let most = name.chars().count() / 3;
    names
        .into_iter()
        .filter(|other| *other != name)
        .map(|other| (strsim::osa_distance(name, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other.to_owned())
}
