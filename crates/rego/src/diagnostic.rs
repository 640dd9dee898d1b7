//! A problem of a policy: what is wrong, where, and what to do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A stable name for a kind of diagnostic.
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
    /// A variable is declared twice, too late or with a name that is taken, or something else is assigned to.
    Variable,
    /// A variable that never gets a value.
    Unsafe,
    /// A variable that is declared and not used.
    Unused,
    /// A function does not exist, or takes another number of arguments.
    Function,
    /// A value has a type that a function or a comparison never accepts.
    Type,
    /// The path that a `with` replaces is not constant, or is inside of what a rule makes.
    With,
    /// Rules contradict each other, or a rule's path is taken.
    Rule,
    /// A rule uses itself.
    Recursion,
    /// The text is nested deeper, or more ambiguous, than allowed.
    TooDeep,
    /// An operator whose function has the name of a rule, an import or a variable.
    Operator,
    /// A key of a rule's name that OPA compares as it is written.
    Key,
    /// A `with` of a function that is not called as a function.
    WithOperator,
    /// A `with` that replaces a group of rules that is used as a whole.
    WithGroup,
    /// A default of a part of an object whose rules have keys that are not constant.
    DefaultPart,
    /// An object whose rules are in two packages.
    TwoPackages,
    /// No rule and no data is at the entrypoint.
    Entrypoint,
    /// A value that can differ from OPA's.
    Different,
    /// A part of `input` that there is not.
    Input,
    /// A comparison with a value that is never there.
    Value,
    /// Data that no file has.
    Data,
    /// An id of something that there is not.
    UnknownId,
    /// A condition that always holds, or never.
    Condition,
    /// An allowance for more than its author may think.
    Open,
    /// A value of the entrypoint that is no verdict.
    Verdict,
    /// What hardly two requests have alike, so that verdicts are not remembered.
    EveryRequest,
    /// What takes long for one request.
    Cost,
    /// What only the slower engine evaluates.
    Interpreter,
}

impl Code {
    /// All that loading a policy tells; [`lint::CODES`](crate::lint::CODES) has the others.
    pub const ALL: [Self; 20] = [
        Self::Syntax,
        Self::Keyword,
        Self::Import,
        Self::Variable,
        Self::Unsafe,
        Self::Unused,
        Self::Function,
        Self::Type,
        Self::With,
        Self::Rule,
        Self::Recursion,
        Self::TooDeep,
        Self::Operator,
        Self::Key,
        Self::WithOperator,
        Self::WithGroup,
        Self::DefaultPart,
        Self::TwoPackages,
        Self::Entrypoint,
        Self::Different,
    ];

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
            Self::Type => "type",
            Self::With => "with",
            Self::Rule => "rule",
            Self::Recursion => "recursion",
            Self::TooDeep => "too-deep",
            Self::Operator => "operator",
            Self::Key => "key",
            Self::WithOperator => "with-operator",
            Self::WithGroup => "with-group",
            Self::DefaultPart => "default-part",
            Self::TwoPackages => "two-packages",
            Self::Entrypoint => "entrypoint",
            Self::Different => "different",
            Self::Input => "input",
            Self::Value => "value",
            Self::Data => "data",
            Self::UnknownId => "unknown-id",
            Self::Condition => "condition",
            Self::Open => "open",
            Self::Verdict => "verdict",
            Self::EveryRequest => "every-request",
            Self::Cost => "cost",
            Self::Interpreter => "interpreter",
        }
    }

    /// Whether it is about the time that a decision takes, and not about its value.
    pub(crate) fn is_of_speed(self) -> bool {
        matches!(self, Self::EveryRequest | Self::Cost | Self::Interpreter)
    }

    /// Whether OPA rejects the policy too.
    pub fn is_opa(self) -> bool {
        !matches!(
            self,
            Self::TooDeep
                | Self::Operator
                | Self::Key
                | Self::WithOperator
                | Self::WithGroup
                | Self::DefaultPart
                | Self::TwoPackages
                | Self::Entrypoint
                | Self::Different
        )
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
    /// The policy loads, and does what its author most likely means.
    Note,
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
pub fn nearest<'n>(name: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let most = name.chars().count() / 3;
    names
        .into_iter()
        .filter(|other| *other != name)
        .map(|other| (strsim::osa_distance(name, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other.to_owned())
}
