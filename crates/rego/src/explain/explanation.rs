//! The parts of an explanation: rules, their conditions, and the values that the conditions saw.

use serde::Serialize;
use serde_json::Value;

/// Why a document has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The path of the document. It begins with `data`.
    pub entrypoint: String,
    /// Its value, or `None` if it is undefined or the evaluation failed.
    pub value: Option<Value>,
    /// Why the evaluation failed, if it did.
    pub fault: Option<String>,
    /// The rules that can give its value. The rule that gave it is first; then come those that were nearest to holding.
    pub definitions: Vec<Definition>,
    /// The `default` that gave the value, if no other rule did.
    pub default: Option<Location>,
}

/// One definition of a rule, or one of its `else` branches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Definition {
    /// The path of the rule. It begins with `data`.
    pub rule: String,
    /// The place of the definition.
    #[serde(flatten)]
    pub place: Location,
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
    /// All conditions, if the definition holds. Otherwise the first condition that does not hold.
    pub conditions: Vec<Condition>,
    /// How many more values it gave, which are not shown.
    #[serde(skip_serializing_if = "is_zero")]
    pub more: usize,
    /// Whether its conditions are shown elsewhere in this explanation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_shown_above: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A place in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// The text at this place, on one line.
    pub source: String,
}

/// Whether a rule or a condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It holds.
    Held,
    /// It does not hold.
    Missed,
    /// The evaluation failed here.
    Failed,
}

/// A statement that the author wrote.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Condition {
    /// The place of the statement.
    #[serde(flatten)]
    pub place: Location,
    /// Whether it holds.
    pub outcome: Outcome,
    /// Whether it is a negation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_negated: bool,
    /// The collections whose elements were tried, from the outermost to the innermost.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
    /// The values that it saw.
    pub values: Vec<Seen>,
    /// What would make it hold, if a single value can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Wanted>,
    /// The rules that decided its result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<Definition>,
    /// The `default`s that gave the values of rules in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defaults: Vec<Location>,
    /// The conditions inside an `every` or a comprehension.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside: Vec<Condition>,
    /// Further remarks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// The elements of a collection that were tried. At least one of them gave no value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tried {
    /// The collection, in the author's notation.
    pub over: String,
    /// How many elements were tried.
    pub count: usize,
    /// Whether some elements gave a value. For example, one case of a test failed and others passed.
    pub some_hold: bool,
}

/// A value with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    /// The name or expression of the value, in the author's notation.
    pub name: String,
    /// Its path, if it is a part of `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Value>>,
    /// Whether it is a part of the request or of the data that a `with` has given another value.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_replaced: bool,
    /// The value as JSON, in which sets are arrays. `None` if it is undefined or too large.
    pub value: Option<Value>,
    /// The value as Rego writes it, shortened if it is long. `None` if it is undefined.
    pub text: Option<String>,
    /// If the value is undefined: which part is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// The first part of a path that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The last part that exists.
    pub at: String,
    /// The key that this part does not have.
    pub key: String,
    /// A key of this part that is spelled similarly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

/// What would make a condition hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Wanted {
    /// The name or expression that would need another value.
    pub name: String,
    /// Its path, if it is a part of `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vec<Value>>,
    /// The values that it would need.
    #[serde(flatten)]
    pub to: WantedValue,
    /// These values as Rego writes them, shortened if they are long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub text: Vec<String>,
}

/// The values that would make a condition hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedValue {
    /// One of these values, as JSON, in which sets are arrays.
    OneOf(Vec<Value>),
    /// A collection that contains this value, as JSON.
    Containing(Value),
    /// A value that is less than this one. Values of different types are ordered by their types.
    Less(Value),
    /// A value that is at most this one.
    LessOrEqual(Value),
    /// A value that is greater than this one.
    Greater(Value),
    /// A value that is at least this one.
    GreaterOrEqual(Value),
    /// Any value.
    Defined,
    /// Any value except `false`.
    Truth,
    /// Undefined or `false`.
    NoTruth,
}
