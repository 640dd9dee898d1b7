//! What an explanation says: rules, the conditions in them, and the values that these saw.

use serde::Serialize;
use serde_json::Value;

/// Why the document that was asked for has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The document, from `data` on.
    pub entrypoint: String,
    /// Its value; `None` if it is undefined, or the evaluation failed.
    pub value: Option<Value>,
    /// Why the evaluation failed, if it did.
    pub fault: Option<String>,
    /// The rules that it could have its value from: first what gave it, then the nearest miss.
    pub definitions: Vec<Definition>,
    /// The default that gave the value, if no other rule did.
    pub default: Option<Place>,
}

/// One definition of a rule, or one of its `else`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// The rule, from `data` on.
    pub rule: String,
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it holds.
    pub outcome: Outcome,
    /// The value that it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Seen>,
    /// The arguments of a function.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<Seen>,
    /// How many of its conditions hold.
    pub passed: usize,
    /// How many conditions it has.
    pub of: usize,
    /// The first condition that does not hold; of a definition that holds, all of them.
    pub conditions: Vec<Condition>,
    /// Whether its conditions are told at another place of this explanation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_told_above: bool,
}

/// A place in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// What the author wrote there, on one line.
    pub source: String,
}

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not.
    Missed,
    /// The evaluation failed in it.
    Failed,
}

/// A statement of the author's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// Where it stands.
    #[serde(flatten)]
    pub place: Place,
    /// Whether it holds.
    pub outcome: Outcome,
    /// Whether it is a negation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_negated: bool,
    /// Of what elements it was tried, innermost last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// The values that it saw.
    pub values: Vec<Seen>,
    /// What would make it hold, if one value does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
    /// The rules that it looks at: those that made it what it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Definition>,
    /// The conditions inside of it, of `every` and comprehensions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Condition>,
    /// What else is to be known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Elements of a collection, of which at least one led to no value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// The collection, as the author could write it.
    pub over: String,
    /// How many elements were looked at.
    pub count: usize,
    /// Whether some of them led to a value all the same, as for a test of which one case fails.
    pub some_hold: bool,
}

/// A value, by its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// What it is the value of, as the author could write it.
    pub name: String,
    /// The path of a part of `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Value>>,
    /// The value as JSON, in which sets are arrays; `None` if it is undefined, or too large.
    pub value: Option<Value>,
    /// The value as Rego writes it, cut if it is long; `None` if it is undefined.
    pub text: Option<String>,
    /// Of what is undefined: where it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// Where the way to a value ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The last part that is there.
    pub at: String,
    /// What it does not have.
    pub key: String,
    /// What it has that is written like it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What would make a condition hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// What would have to have another value.
    pub name: String,
    /// Its path, if it is a part of `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Value>>,
    /// Which values would do.
    #[serde(flatten)]
    pub to: WantedValue,
}

/// Which values would make a condition hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedValue {
    /// One of these.
    OneOf(Vec<Value>),
    /// A collection that holds this.
    Containing(Value),
    /// Anything.
    Defined,
    /// Anything but `false`.
    Truth,
    /// Undefined or `false`.
    NoTruth,
}
