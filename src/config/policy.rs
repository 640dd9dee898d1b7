//! `policy`: the Rego policy that decides.

use std::path::PathBuf;

use geowarden_rego::{BuiltinErrors, EngineChoice, source::Version};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::ConfigDuration;

/// The policies, their data and how they are evaluated.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// A folder or a file: `.rego`, `data.json`, `data.yaml`. Without it an embedded policy decides.
    pub path: Option<PathBuf>,
    /// Which embedded policy decides if there is no `path`.
    pub embedded: Embedded,
    /// The rule that decides: the path of its package and its name, joined by `/`.
    pub entrypoint: String,
    /// The dialect of files without `import rego.v1`.
    #[schemars(schema_with = "versions")]
    pub rego: Version,
    /// The effect of an error of a built-in function.
    #[schemars(schema_with = "builtin_errors")]
    pub builtin_errors: BuiltinErrors,
    /// What evaluates the policy. Both give the same answers.
    #[schemars(schema_with = "engines")]
    pub engine: EngineChoice,
    /// The shape of `input`.
    pub input: InputShape,
    /// Whether fastgeoapi's `request_path` begins with the base path.
    pub path_prefix: PathPrefix,
    /// Whether files are watched. SIGHUP reloads them in any case.
    pub reload: bool,
    /// The longest time of one evaluation. After it the request is refused.
    pub timeout: ConfigDuration,
    /// How many verdicts are remembered; 0 evaluates for every request. A policy that reads the time is always
    /// evaluated.
    #[schemars(range(max = 1_000_000))]
    pub remembered_decisions: usize,
    /// The longest time to load and try policies, in a process of their own.
    pub load_timeout: ConfigDuration,
    /// The memory limit of that process, in bytes.
    #[schemars(range(min = 268_435_456_u64, max = 68_719_476_736_u64))]
    pub load_memory_bytes: u64,
    /// Whether the log tells what the policy prints; then no verdict is remembered.
    pub print: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            path: None,
            embedded: Embedded::default(),
            entrypoint: "geowarden/authz/allow".to_owned(),
            rego: Version::default(),
            builtin_errors: BuiltinErrors::default(),
            engine: EngineChoice::default(),
            input: InputShape::default(),
            path_prefix: PathPrefix::default(),
            reload: true,
            timeout: ConfigDuration::millis(250),
            remembered_decisions: 16_384,
            load_timeout: ConfigDuration::secs(10),
            load_memory_bytes: 1 << 30,
            print: false,
        }
    }
}

/// The values of [`Version`] for the schema. The crate that defines them does not describe them.
fn versions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "v0", "description": "OPA before 1.0: `if` and `contains` are no keywords."},
        {"type": "string", "const": "v1", "description": "OPA 1.0 and later."},
    ]})
}

/// The values of [`BuiltinErrors`] for the schema.
fn builtin_errors(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "refuse", "description": "It rejects the request."},
        {"type": "string", "const": "undefined", "description": "The call is undefined, as in OPA, so a negation of it holds."},
    ]})
}

/// The values of [`EngineChoice`] for the schema.
fn engines(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "auto", "description": "The register VM, and the interpreter for policies that the VM cannot evaluate."},
        {"type": "string", "const": "interpreter", "description": "The interpreter, which is slower."},
    ]})
}

/// A policy that is compiled into the program.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Embedded {
    /// Public pages for everybody, the rest by role.
    #[default]
    Roles,
    /// Public pages for everybody; all others except /admin for every valid credential.
    Authenticated,
    /// The same, and OPTIONS for everybody, like fastgeoapi with OAuth2.
    Bearer,
}

/// A shape of `input`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputShape {
    /// `input.identity`, `input.ogc`, `input.request`, and OPA-Envoy's members.
    #[default]
    Native,
    /// fastgeoapi's shape: claims at the top level, `request_method`, `request_path`.
    Fastgeoapi,
}

/// Which part of the path fastgeoapi's policies see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PathPrefix {
    /// The whole path, as fastgeoapi sent it.
    #[default]
    Keep,
    /// The part below `pygeoapi.base_path`, as fastgeoapi's sample policy expects it.
    Strip,
}
