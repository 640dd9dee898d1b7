//! The few forms that the engine is given. They mean the same in OPA and in the engine.
//!
//! | form | why it means the same |
//! |---|---|
//! | `v := value`, each variable once, never of another variable alone, nor of an array or object with variables in it | the engine evaluates statements whose variables are known in the order in which they stand; `v := w` or `v := [w]` would let it choose |
//! | a condition, `a == b` | of values that are known or undefined, and what is undefined fails |
//! | `some k, v in c`, where `c` is a collection or empty | what is no collection is an error in the engine, and has no members in OPA |
//! | `not`, of one call, comparison or reference | what OPA evaluates before a negation stands before it |
//! | `every` over a collection | over a value that is not a collection, `every` of the engine would be true |
//! | comprehensions of such statements | their variables have names that nothing else has |
//! | documents by their full path | no name can be taken for another |

mod print;

use serde::{Deserialize, Serialize};

use crate::{
    parse::tree::Operator,
    resolve::tree::{Collection, Kind, Local, Scalar},
    source::Span,
};

pub(crate) use self::print::{RESERVED, is_name};
pub use self::print::{path, print};

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// The name under which it is reported.
    pub name: String,
    /// The package's path, without `data`.
    pub package: Vec<String>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// One definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it is a `default`.
    pub is_default: bool,
    /// The constant names below the package.
    pub path: Vec<String>,
    /// A last key that is not constant.
    pub key: Option<Term>,
    /// The arguments of a function: variables and constants; `None` for an ignored argument.
    pub arguments: Option<Vec<Option<Term>>>,
    /// The kind of definition.
    pub kind: Kind,
    /// The bodies. The first that holds determines the value.
    pub bodies: Vec<Body>,
    /// The names of its variables.
    pub locals: Vec<String>,
    /// Where it stands.
    pub span: Span,
}

/// A body and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// A variable or a constant.
    pub value: Term,
    /// The statements of the body.
    pub statements: Vec<Statement>,
    /// Where it stands.
    pub span: Span,
}

/// A statement. Statements are in the order of evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The kind of statement.
    pub step: Step,
    /// Replacements by `with`: a path or the name of a function, and a variable, a constant or a function.
    pub with: Vec<(Term, Term)>,
    /// The author's statement that it is made of.
    pub span: Span,
}

/// The kinds of statements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// `v := value`.
    Bind(Local, Term),
    /// A value that is defined and not false.
    Test(Term),
    /// `a == b`.
    Same(Term, Term),
    /// `v in c`.
    Member(Term, Term),
    /// `some k, v in c`.
    Each(Option<Local>, Option<Local>, Term),
    /// The negation of a [`Step::Test`] or a [`Step::Same`].
    Not(Box<Step>),
    /// `every k, v in c { .. }`.
    Every(Option<Local>, Option<Local>, Term, Vec<Statement>),
}

/// A value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Term {
    /// A constant.
    Scalar(Scalar),
    /// A variable.
    Local(Local),
    /// A part of `input` or `data`, or a function, by its full path and the keys that follow.
    Document(Vec<String>, Vec<Term>),
    /// A part of a variable's value.
    Inside(Local, Vec<Term>),
    /// A call.
    Call(Box<Term>, Vec<Term>),
    /// An operator between two values without operators.
    Infix(Operator, Box<(Term, Term)>),
    /// `[a, b]`.
    Array(Vec<Term>),
    /// `{a, b}`.
    Set(Vec<Term>),
    /// `{k: v}`.
    Object(Vec<(Term, Term)>),
    /// A comprehension; of an object, the first value is the key.
    Comprehension(Collection, Box<Term>, Option<Box<Term>>, Vec<Statement>),
}

impl Term {
    /// The name of a built-in.
    pub(crate) fn builtin(name: &str) -> Self {
        Self::Document(name.split('.').map(str::to_owned).collect(), Vec::new())
    }

    /// An operator between two values.
    pub(crate) fn infix(operator: Operator, left: Self, right: Self) -> Self {
        Self::Infix(operator, Box::new((left, right)))
    }

    /// A call of a built-in.
    pub(crate) fn call(name: &str, arguments: Vec<Self>) -> Self {
        Self::Call(Box::new(Self::builtin(name)), arguments)
    }
}
