//! What is wrong with a policy, where, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A stable name for a kind of fault.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The text is not Rego.
    #[default]
    Syntax,
    /// A keyword is used without what it needs, or needed and not there.
    Keyword,
    /// An import that does not exist, or whose name is taken.
    Import,
    /// A variable that is declared twice, too late or under a name that is taken.
    Variable,
    /// A variable that nothing gives a value.
    Unsafe,
    /// A variable that is declared and not used.
    Unused,
    /// A function that does not exist, or takes another number of arguments.
    Function,
    /// A `with` that cannot be.
    With,
    /// Rules that cannot stand beside each other, or whose names are taken.
    Rule,
    /// Rego that has no exact meaning in the engine underneath.
    Unsupported,
    /// Deeper nested, or more ambiguous, than what is read.
    TooDeep,
    /// A value that can differ from OPA's.
    Different,
}

impl Code {
    /// The name as it is shown.
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

/// What a diagnostic does to its policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The policy does not load.
    #[default]
    Error,
    /// The policy loads.
    Warning,
}

/// What is wrong with a part of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// Which kind it is.
    pub code: Code,
    /// What it does to the policy.
    pub severity: Severity,
    /// The file, as it is reported.
    pub file: String,
    /// The part of the text that is at fault.
    pub span: Span,
    /// What was expected and what was found.
    pub message: String,
    /// What to write instead.
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

/// The name that is most like another one, if any is like it: at most a third of its letters differ.
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
