//! `policy`: the Rego that decides.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// Policies, their data and how they are evaluated.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A folder or a file: `.rego`, `data.json`, `data.yaml`. Without it the embedded default policy decides.
    pub path: Option<PathBuf>,
    /// The rule that decides, its package's path and its name joined by `/`.
    pub entrypoint: String,
    /// The dialect of files that do not say it by `import rego.v1`.
    pub rego: Rego,
    /// Whether files are watched; SIGHUP loads them anew in any case.
    pub reload: bool,
    /// How long one evaluation may take before the request is refused.
    pub timeout: Span,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            path: None,
            entrypoint: "geowarden/authz/allow".to_owned(),
            rego: Rego::default(),
            reload: true,
            timeout: Span::millis(250),
        }
    }
}

/// A version of the Rego language.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rego {
    /// OPA before 1.0: `if` and `contains` are no keywords.
    V0,
    /// OPA 1.0 and later.
    #[default]
    V1,
}
