//! A policy in which every name says what it stands for.

use crate::{parse::tree::Operator, source::Span};

/// A variable of a rule, by its number among them.
pub type Local = usize;

/// One definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Whether it is a `default`.
    pub is_default: bool,
    /// The constant names of what is defined, below its package.
    pub path: Vec<String>,
    /// What follows the constant names: keys, of which the first is not constant.
    pub keys: Vec<Value>,
    /// What a function takes apart.
    pub arguments: Option<Vec<Value>>,
    /// What is defined.
    pub kind: Kind,
    /// The first body, with the value that holds where it does.
    pub body: Body,
    /// The bodies of `else`.
    pub elses: Vec<Body>,
    /// The documents that its `with` put something in place of.
    pub replaced: Vec<Vec<String>>,
    /// Its variables.
    pub locals: Vec<Variable>,
    /// Where it stands.
    pub span: Span,
}

/// A variable of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The author's name for it.
    pub name: String,
    /// How many functions and queries are around the query that has it, which alone can give it a value: 0 for an argument,
    /// 1 for a rule's body.
    pub depth: usize,
}

/// What a rule defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One value.
    Value,
    /// A member of a set.
    Member,
}

/// A body, and what it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// What must hold.
    pub query: Option<Query>,
    /// The value or member; `None` stands for `true`.
    pub value: Option<Value>,
    /// Where it stands.
    pub span: Span,
}

/// Statements that hold together.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// In the order in which they are written.
    pub literals: Vec<Literal>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// What it says.
    pub kind: LiteralKind,
    /// What stands in place of something else.
    pub with: Vec<With>,
    /// Where it stands.
    pub span: Span,
}

/// What a statement says.
#[derive(Debug, Clone, PartialEq)]
pub enum LiteralKind {
    /// A condition.
    Condition(Condition),
    /// The negation of one.
    Not(Condition),
    /// `some k, v in c`.
    SomeIn {
        /// A pattern.
        key: Option<Value>,
        /// A pattern.
        value: Value,
        /// What is looked through.
        collection: Value,
    },
    /// `every k, v in c { .. }`.
    Every {
        /// The key.
        key: Option<Local>,
        /// The value.
        value: Option<Local>,
        /// What is looked through.
        domain: Value,
        /// What holds for each.
        body: Query,
    },
}

/// What holds or not.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// A value that is defined and not false.
    Value(Value),
    /// Two values that are the same.
    Unify(Value, Value),
}

/// `with target as value`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// What is replaced.
    pub target: Target,
    /// What stands in its place.
    pub value: Replacement,
}

/// What `with` replaces.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// A document, by its path.
    Document(Vec<String>),
    /// A function.
    Function(Function),
}

/// What stands in place of something else.
#[derive(Debug, Clone, PartialEq)]
pub enum Replacement {
    /// A value.
    Value(Value),
    /// A function.
    Function(Function),
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Function {
    /// One of the policy, by its full path, `data` first.
    Rule {
        /// The full path.
        path: Vec<String>,
        /// The number of arguments.
        arity: usize,
    },
    /// A built-in.
    Builtin {
        /// The name.
        name: String,
        /// The number of arguments.
        arity: usize,
    },
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A constant.
    Scalar(Scalar),
    /// `$"..{x}.."`.
    Template(Vec<Part>),
    /// A variable.
    Local(Local),
    /// `_`.
    Wildcard,
    /// A part of a document.
    Document {
        /// The constant names that it begins with, `input` or `data` first.
        path: Vec<String>,
        /// What follows.
        way: Vec<Value>,
    },
    /// A part of another value.
    Inside(Box<Value>, Vec<Value>),
    /// What a function gives.
    Call(Function, Vec<Value>),
    /// `[a, b]`.
    Array(Vec<Value>),
    /// `{a, b}`.
    Set(Vec<Value>),
    /// `{k: v}`.
    Object(Vec<(Value, Value)>),
    /// `[term | query]` and the like.
    Comprehension(Collection, Box<Value>, Option<Box<Value>>, Box<Query>),
    /// `a + b` and the like.
    Infix(Operator, Box<(Value, Value)>),
    /// `k, v in c`.
    In {
        /// The key.
        key: Option<Box<Value>>,
        /// The value, and what is looked through.
        operands: Box<(Value, Value)>,
    },
}

/// What a comprehension makes; of an object, the first value is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Collection {
    Array,
    Set,
    Object,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Scalar {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    String(String),
}

/// A part of a template string.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Part {
    Text(String),
    /// The value, evaluated with what stands in place of something else.
    Value(Box<Value>, Vec<With>, Span),
}
