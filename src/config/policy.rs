//! `policy`: the Rego that decides.

use std::path::PathBuf;

use geowarden_rego::{BuiltinErrors, source::Version};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::Span;

/// Policies, their data and how they are evaluated.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A folder or a file: `.rego`, `data.json`, `data.yaml`. Without it an embedded policy decides.
    pub path: Option<PathBuf>,
    /// Which embedded policy decides where there is no `path`.
    pub embedded: Embedded,
    /// The rule that decides, its package's path and its name joined by `/`.
    pub entrypoint: String,
    /// The dialect of files that do not say it by `import rego.v1`.
    #[schemars(schema_with = "versions")]
    pub rego: Version,
    /// What an error of a built-in function does.
    #[schemars(schema_with = "builtin_errors")]
    pub builtin_errors: BuiltinErrors,
    /// What the policy is given.
    pub input: Input,
    /// Whether fastgeoapi's `request_path` begins with the base path.
    pub path_prefix: PathPrefix,
    /// Whether files are watched; SIGHUP loads them anew in any case.
    pub reload: bool,
    /// How long one evaluation may take before the request is refused.
    pub timeout: Span,
    /// How many verdicts are remembered, 0 to evaluate for every request; a policy that asks for the time is always
    /// evaluated.
    #[schemars(range(max = 1_000_000))]
    pub remembered_decisions: usize,
    /// How long loading and trying policies may take, in a process of their own.
    pub load_timeout: Span,
    /// How much memory that process may have, in bytes.
    #[schemars(range(min = 268_435_456_u64, max = 68_719_476_736_u64))]
    pub load_memory_bytes: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            path: None,
            embedded: Embedded::default(),
            entrypoint: "geowarden/authz/allow".to_owned(),
            rego: Version::default(),
            builtin_errors: BuiltinErrors::default(),
            input: Input::default(),
            path_prefix: PathPrefix::default(),
            reload: true,
            timeout: Span::millis(250),
            remembered_decisions: 16_384,
            load_timeout: Span::secs(10),
            load_memory_bytes: 1 << 30,
        }
    }
}

/// The words of [`Version`], which the engine's crate reads but does not describe.
fn versions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "v0", "description": "OPA before 1.0: `if` and `contains` are no keywords."},
        {"type": "string", "const": "v1", "description": "OPA 1.0 and later."},
    ]})
}

/// The words of [`BuiltinErrors`].
fn builtin_errors(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "refuse", "description": "It rejects the request."},
        {"type": "string", "const": "undefined", "description": "The call is undefined, as in OPA, so a negation of it holds."},
    ]})
}

/// A policy that is part of the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Embedded {
    /// Public pages for everybody, the rest by role.
    #[default]
    Roles,
    /// Public pages for everybody, the rest, but for /admin, for every valid credential.
    Authenticated,
    /// The same, and OPTIONS for everybody, as fastgeoapi's OAuth2 has it.
    Bearer,
}

/// A shape of `input`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Input {
    /// `input.identity`, `input.ogc`, `input.request`, and OPA-Envoy's members.
    #[default]
    Native,
    /// fastgeoapi's: claims at the top, `request_method`, `request_path`.
    Fastgeoapi,
}

/// What of the path fastgeoapi's policies see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathPrefix {
    /// All of it, as fastgeoapi sent it.
    #[default]
    Keep,
    /// What is below `pygeoapi.base_path`, as its sample policy expects it.
    Strip,
}
