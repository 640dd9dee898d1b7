//! How a policy is loaded and evaluated.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{run::BuiltinErrors, source::Version};

/// How a policy is loaded and evaluated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The path of the rule that is asked for, without `data`: `example/authz/allow`.
    pub entrypoint: String,
    /// The Rego of files that do not say which they are written in.
    pub version: Version,
    /// How long one evaluation may take.
    pub timeout: Duration,
    /// What an error of a built-in function does.
    pub builtin_errors: BuiltinErrors,
}
