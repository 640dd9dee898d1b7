//! What is wrong with a policy, where, and what to do.

use std::fmt;

use crate::source::Span;

/// A stable name for a kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not Rego.
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
        }
    }
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which kind it is.
    pub code: Code,
    /// The file, as it is reported.
    pub file: String,
    /// The part of the text that is at fault.
    pub span: Span,
    /// What was expected and what was found.
    pub message: String,
    /// What to write instead.
    pub cure: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.span, self.message)?;
        match &self.cure {
            Some(cure) => write!(f, ": {cure}"),
            None => Ok(()),
        }
    }
}
