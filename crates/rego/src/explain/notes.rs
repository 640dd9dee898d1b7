//! What the numbers in notes stand for.

use std::collections::BTreeMap;

use crate::{
    core::{Step, Term},
    resolve::tree::Local,
    source::Span,
};

/// Statements, queries and rules by their numbers.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Statements.
    pub steps: Vec<StepNote>,
    /// Queries.
    pub blocks: Vec<BlockNote>,
    /// Rules, of which those have a body that are no defaults.
    pub rules: Vec<RuleNote>,
}

/// A statement.
#[derive(Debug)]
pub(super) struct StepNote {
    /// The query that it stands in.
    pub block: usize,
    /// Its place there.
    pub order: usize,
    /// The author's statement.
    pub span: Span,
    /// What it says.
    pub step: Step,
    /// The variables that its values are told of.
    pub locals: Vec<Local>,
    /// The references whose values are told, in the order in which they are evaluated.
    pub operands: Vec<Term>,
    /// Whether something stands in place of something else.
    pub is_replacing: bool,
}

/// A query.
#[derive(Debug)]
pub(super) struct BlockNote {
    /// The rule that it stands in.
    pub rule: usize,
    /// Where it stands: of a body, with its head.
    pub span: Span,
    /// What it is.
    pub of: BlockOf,
    /// The variables that are told where it is entered.
    pub arguments: Vec<Local>,
    /// The author's statements, in the order in which they are evaluated.
    pub literals: Vec<Span>,
}

/// What a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockOf {
    /// A body of a rule, of which there can be several with `else`.
    Body,
    /// The body of an `every`.
    Every,
    /// The query of a comprehension.
    Comprehension,
}

/// A rule.
#[derive(Debug)]
pub(super) struct RuleNote {
    /// Its file.
    pub file: String,
    /// Where the engine finds it, `data` first.
    pub place: Vec<String>,
    /// How many names of that are its package's.
    pub package: usize,
    /// Whether it is a `default`.
    pub is_default: bool,
    /// Where it stands.
    pub span: Span,
    /// The names of its variables.
    pub names: Vec<String>,
    /// What each variable stands for that the author did not write.
    pub meanings: BTreeMap<Local, Meaning>,
    /// Whether it is a function.
    pub is_function: bool,
}

/// What a variable that the author did not write stands for.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// A value.
    Value(Term),
    /// An element of a collection.
    Element(Option<Local>, Term),
    /// A key of a collection.
    Key(Term),
}
