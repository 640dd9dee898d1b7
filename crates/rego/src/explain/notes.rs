//! What the numbers in notes mean.

use std::collections::BTreeMap;

use crate::{
    core::{Statement, Step, Term},
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
    /// Rules. Those that are not defaults have a body.
    pub rules: Vec<RuleNote>,
}

/// A statement.
#[derive(Debug)]
pub(super) struct StepNote {
    /// The query that contains it.
    pub block: usize,
    /// Its position in the query.
    pub order: usize,
    /// The author's statement.
    pub span: Span,
    /// What it does.
    pub step: Step,
    /// The variables whose values its notes report.
    pub locals: Vec<Local>,
    /// The references whose values its notes report, in the order in which they are evaluated.
    pub operands: Vec<Term>,
    /// Whether it has a `with`.
    pub is_replacing: bool,
}

/// A query.
#[derive(Debug)]
pub(super) struct BlockNote {
    /// The rule that contains it.
    pub rule: usize,
    /// Its place. For the body of a rule, the head is included.
    pub span: Span,
    /// The kind of query.
    pub of: BlockOf,
    /// The variables whose values are reported when it is entered.
    pub arguments: Vec<Local>,
    /// What it gives, in the order in which its end is reported.
    pub gives: Vec<Term>,
    /// The author's statements, in the order in which they are evaluated, without those that only print.
    pub literals: Vec<Span>,
}

/// The kind of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockOf {
    /// A body of a rule. With `else`, a rule has several.
    Body,
    /// The body of an `every`.
    Every,
    /// The query of a comprehension.
    Comprehension,
}

/// A rule.
#[derive(Debug)]
pub(super) struct RuleNote {
    /// The file that contains it.
    pub file: String,
    /// The path under which the engine finds it. It begins with `data`.
    pub place: Vec<String>,
    /// How many names of this path belong to the package.
    pub package: usize,
    /// Whether it is a `default`.
    pub is_default: bool,
    /// Its place in the file.
    pub span: Span,
    /// The names of its variables. A variable that the author did not write has an empty name.
    pub names: Vec<String>,
    /// The meaning of each variable that the author did not write.
    pub meanings: BTreeMap<Local, Meaning>,
    /// Whether it is a function.
    pub is_function: bool,
    /// Whether each of its values is a member of a set.
    pub is_set: bool,
}

/// The meaning of a variable that the author did not write.
#[derive(Debug, Clone)]
pub(super) enum Meaning {
    /// The value of this term.
    Value(Term),
    /// An element of this collection.
    Element(Option<Local>, Term),
    /// A key of this collection.
    Key(Term),
}

/// The author's statements that can fail, in their order. A statement that only prints always holds.
pub(super) fn literals(statements: &[Statement]) -> Vec<Span> {
    let prints: Vec<Span> = statements
        .iter()
        .filter(|one| matches!(&one.step, Step::Test(Term::Call(function, _)) if **function == Term::builtin("internal.print")))
        .map(|one| one.span)
        .collect();
    let mut literals: Vec<Span> = Vec::new();
    for statement in statements {
        if !literals.contains(&statement.span) && !prints.contains(&statement.span) {
            literals.push(statement.span);
        }
    }
    literals
}
