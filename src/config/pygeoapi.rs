//! `pygeoapi`: the service behind Envoy. Its web frameworks read paths differently.

use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{PygeoapiVersion, VersionMismatch};
use crate::request::ogc::Backend;

/// The pygeoapi that geowarden guards.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pygeoapi {
    /// The prefix of pygeoapi's paths, such as `/geoapi`; empty for none.
    pub base_path: String,
    /// The web framework of pygeoapi.
    #[schemars(schema_with = "backends")]
    pub backend: Backend,
    /// pygeoapi's own configuration file. geowarden checks the ids of its resources and risky settings at start.
    pub config: Option<PathBuf>,
    /// The version of pygeoapi. The default is the version that geowarden was measured with.
    pub version: PygeoapiVersion,
    /// The effect if another version runs: a warning, or an error.
    pub version_mismatch: VersionMismatch,
    /// The address at which geowarden reaches pygeoapi itself, without its base path, such as `http://127.0.0.1:5000`.
    /// geowarden then compares its version at start, and `check --online` does too.
    pub url: Option<String>,
    /// gunicorn's options in the environment, if geowarden runs in the same environment.
    #[serde(skip)]
    pub gunicorn_arguments: Option<String>,
}

impl Pygeoapi {
    /// Whether gunicorn runs with its default `--forwarder-headers`. With it, a client can change the root path.
    pub fn gunicorn_trusts_headers(&self) -> bool {
        self.gunicorn_arguments
            .as_ref()
            .is_some_and(|arguments| !arguments.contains("--forwarder-headers"))
    }
}

/// The values of [`Backend`] for the schema. The crate that defines them does not describe them.
fn backends(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"oneOf": [
        {"type": "string", "const": "flask", "description": "`pygeoapi.flask_app`, pygeoapi's default."},
        {"type": "string", "const": "starlette", "description": "`pygeoapi.starlette_app`."},
    ]})
}
