//! The tree of a policy, as it is written.

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// A name and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// The path of the package, without `data`.
    pub package: Vec<Name>,
    /// The imports of documents. Imports of keywords are processed already.
    pub imports: Vec<Import>,
    /// The rules, in the order in which they are written.
    pub rules: Vec<Rule>,
    /// Whether undefined values inside a negation count as false there (`future.keywords.not`).
    pub negates_undefined: bool,
    /// Whether the rules of Rego v1 apply to the file.
    pub is_v1: bool,
}

/// An import of `input`, `data` or something below them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The path, `input` or `data` first.
    pub path: Vec<Name>,
    /// The name after `as`.
    pub alias: Option<Name>,
    /// The whole import.
    pub span: Span,
}

impl Import {
    /// The name that it gives to the document.
    pub fn name(&self) -> Option<&Name> {
        self.alias.as_ref().or_else(|| self.path.last())
    }
}

/// One definition of a rule or function.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Whether it is a `default`.
    pub is_default: bool,
    /// The head.
    pub head: Head,
    /// The body; without one it always holds.
    pub body: Option<Query>,
    /// Its `else` branches, in order.
    pub elses: Vec<Else>,
    /// The whole rule.
    pub span: Span,
}

/// The head of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// The first name.
    pub name: Name,
    /// The keys after the first name, without a member of a set.
    pub path: Vec<Expr>,
    /// The arguments of a function.
    pub arguments: Option<Vec<Expr>>,
    /// What the head defines.
    pub kind: HeadKind,
    /// The whole head.
    pub span: Span,
}

/// What a head defines.
#[derive(Debug, Clone, PartialEq)]
pub enum HeadKind {
    /// A value; `None` stands for `true`.
    Value(Option<Expr>),
    /// A member of a set.
    Member(Expr),
}

/// An `else`.
#[derive(Debug, Clone, PartialEq)]
pub struct Else {
    /// The value; `None` stands for `true`.
    pub value: Option<Expr>,
    /// The body; without one it always holds.
    pub body: Option<Query>,
    /// All of it.
    pub span: Span,
}

/// Statements that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// In the order in which they are written; there is at least one.
    pub literals: Vec<Literal>,
    /// All of them.
    pub span: Span,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The kind of statement.
    pub kind: LiteralKind,
    /// Replacements by `with`.
    pub with: Vec<With>,
    /// All of it.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Debug, Clone, PartialEq)]
pub enum LiteralKind {
    /// A condition.
    Condition(Condition),
    /// The negation of one.
    Not(Condition),
    /// `not { .. }`, which `import future.keywords.not` brings: the query never holds.
    NotQuery(Query),
    /// `some x, y`.
    Some(Vec<Name>),
    /// `some k, v in c`.
    SomeIn {
        /// A pattern.
        key: Option<Expr>,
        /// A pattern.
        value: Expr,
        /// The collection.
        collection: Expr,
    },
    /// `every k, v in c { .. }`.
    Every {
        /// A variable; `None` too where it is `_`.
        key: Option<Name>,
        /// A variable; `None` where it is `_`.
        value: Option<Name>,
        /// The collection.
        domain: Expr,
        /// The query for each element.
        body: Query,
    },
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A value that is defined and not false.
    Value(Expr),
    /// `left := right`.
    Assign(Expr, Expr),
    /// `left = right`.
    Unify(Expr, Expr),
}

/// `with target as value`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// A variable or a reference.
    pub target: Expr,
    /// The replacement.
    pub value: Expr,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// The kind of value.
    pub kind: ExprKind,
    /// Its place.
    pub span: Span,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As it is written, with its sign.
    Number(String),
    /// Without its escapes.
    String(String),
    /// `$"..{x}.."`.
    Template(Vec<Part>),
    /// A variable, or the name of a rule, an import, `input` or `data`.
    Var(String),
    /// `_`.
    Wildcard,
    /// A value and the keys that lead into it.
    Ref(Box<Expr>, Vec<Expr>),
    /// A function, which is a variable or a reference, and its arguments.
    Call(Box<Expr>, Vec<Expr>),
    /// `[a, b]`.
    Array(Vec<Expr>),
    /// `{a, b}`, `set()`.
    Set(Vec<Expr>),
    /// `{k: v}`.
    Object(Vec<(Expr, Expr)>),
    /// `[term | query]`.
    ArrayComprehension(Box<Expr>, Box<Query>),
    /// `{term | query}`.
    SetComprehension(Box<Expr>, Box<Query>),
    /// `{key: value | query}`.
    ObjectComprehension(Box<(Expr, Expr)>, Box<Query>),
    /// `a + b` and the like.
    Infix(Operator, Box<(Expr, Expr)>),
    /// `v in c`, `k, v in c`.
    In {
        /// The key before the comma.
        key: Option<Box<Expr>>,
        /// The value, and what is looked through.
        operands: Box<(Expr, Expr)>,
    },
}

/// A part of a template string.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An expression between braces, with its `with`.
    Value(Box<Literal>),
}

/// An infix operator but `in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Or,
    And,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

impl Operator {
    /// OPA's name of the function that the operator calls.
    pub fn function(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::NotEqual => "neq",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
            Self::Or => "or",
            Self::And => "and",
            Self::Plus => "plus",
            Self::Minus => "minus",
            Self::Times => "mul",
            Self::Divide => "div",
            Self::Remainder => "rem",
        }
    }

    /// The sign.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Or => "|",
            Self::And => "&",
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Times => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
