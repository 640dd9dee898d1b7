//! A policy in which every name is resolved.

use serde::{Deserialize, Serialize};

use crate::{parse::tree::Operator, source::Span};

/// The number of a variable within its rule.
pub type Local = usize;

/// One definition of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Whether it is a `default` rule.
    pub is_default: bool,
    /// The constant names of the rule, below its package.
    pub path: Vec<String>,
    /// The keys after the constant names. The first key is not constant.
    pub keys: Vec<Value>,
    /// The patterns of the arguments, if it is a function.
    pub arguments: Option<Vec<Value>>,
    /// Whether it defines a value or a member of a set.
    pub kind: Kind,
    /// The first body, with the value that it gives.
    pub body: Body,
    /// The bodies of `else`.
    pub elses: Vec<Body>,
    /// The documents that `with` replaces in this rule.
    pub replaced: Vec<Vec<String>>,
    /// The variables of the rule.
    pub locals: Vec<Variable>,
    /// The place of the rule.
    pub span: Span,
}

/// A variable of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name that the author gave it.
    pub name: String,
    /// How many functions and queries surround the query of this variable: 0 for an argument, 1 for the body of a rule.
    /// Only that query can give the variable a value.
    pub depth: usize,
}

/// What a rule defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One value.
    Value,
    /// A member of a set.
    Member,
}

/// A body, and the value that it gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// The conditions. `None` if there are none.
    pub query: Option<Query>,
    /// The value or member; `None` stands for `true`.
    pub value: Option<Value>,
    /// The place of the body.
    pub span: Span,
}

/// Statements that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The statements, in the order in which they are written.
    pub literals: Vec<Literal>,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// The kind of statement, with its parts.
    pub kind: LiteralKind,
    /// Whether it is written with `:=`: only its left side gets a value.
    pub is_assignment: bool,
    /// The documents and functions that `with` replaces for this statement.
    pub with: Vec<With>,
    /// The place of the statement.
    pub span: Span,
}

/// A kind of statement, with its parts.
#[derive(Debug, Clone, PartialEq)]
pub enum LiteralKind {
    /// A condition.
    Condition(Condition),
    /// `not` and a condition.
    Not(Condition),
    /// `not { .. }`: the query has no solution.
    NotQuery(Query),
    /// `some k, v in c`.
    SomeIn {
        /// The pattern for the key.
        key: Option<Value>,
        /// The pattern for the value.
        value: Value,
        /// The collection.
        collection: Value,
    },
    /// `every k, v in c { .. }`.
    Every {
        /// The variable for the key.
        key: Option<Local>,
        /// The variable for the value.
        value: Option<Local>,
        /// The collection.
        domain: Value,
        /// The query that must hold for each element.
        body: Query,
    },
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Holds if the value is defined and not false.
    Value(Value),
    /// Holds if both values are equal.
    Unify(Value, Value),
}

/// `with target as value`.
#[derive(Debug, Clone, PartialEq)]
pub struct With {
    /// What is replaced.
    pub target: Target,
    /// The replacement.
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

/// What `with` puts in the place of its target.
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
    /// A function of the policy.
    Rule {
        /// The full path, which begins with `data`.
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
    /// A document or a part of it.
    Document {
        /// The constant names at the start. The first is `input` or `data`.
        path: Vec<String>,
        /// The keys after these names.
        way: Vec<Value>,
    },
    /// A part of another value: the value, and the keys that lead to the part.
    Inside(Box<Value>, Vec<Value>),
    /// The result of a function.
    Call(Function, Vec<Value>),
    /// `[a, b]`.
    Array(Vec<Value>),
    /// `{a, b}`.
    Set(Vec<Value>),
    /// `{k: v}`.
    Object(Vec<(Value, Value)>),
    /// A comprehension, such as `[term | query]`.
    Comprehension(Collection, Box<Value>, Option<Box<Value>>, Box<Query>),
    /// An operator with two operands, such as `a + b`.
    Infix(Operator, Box<(Value, Value)>),
    /// `k, v in c`.
    In {
        /// The key.
        key: Option<Box<Value>>,
        /// The value and the collection.
        operands: Box<(Value, Value)>,
    },
}

/// What a comprehension makes. For an object, its first value is the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Collection {
    Array,
    Set,
    Object,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Scalar {
    Null,
    Bool(bool),
    /// A number, with the digits that the author wrote.
    Number(String),
    String(String),
}

/// A part of a template string.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Part {
    Text(String),
    /// An expression in the string, with its `with` and its place.
    Value(Box<Value>, Vec<With>, Span),
}
