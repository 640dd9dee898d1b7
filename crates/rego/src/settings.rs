//! The settings of a policy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::source::Version;

/// The settings of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The path of the rule to evaluate, without `data`: `example/authz/allow`.
    pub entrypoint: String,
    /// The version of Rego for files without `import rego.v1`.
    pub version: Version,
    /// The longest time of one evaluation.
    pub timeout: Duration,
    /// The effect of an error of a built-in function.
    pub builtin_errors: BuiltinErrors,
    /// What evaluates the policy.
    #[serde(default)]
    pub engine: EngineChoice,
}

/// What evaluates a policy. Both give the same values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The register VM, where it can evaluate the policy, and the interpreter for the rest.
    #[default]
    Auto,
    /// The interpreter.
    Interpreter,
}

/// The effect of an error of a built-in function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuiltinErrors {
    /// It refuses the request.
    #[default]
    Refuse,
    /// The call is undefined, as in OPA: a negation of it holds.
    Undefined,
}
