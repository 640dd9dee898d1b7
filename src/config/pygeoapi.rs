//! `pygeoapi`: what stands behind Envoy, since its frameworks read paths differently.

use std::path::PathBuf;

use clap::ValueEnum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PygeoapiVersion, VersionMismatch};

/// The pygeoapi that is guarded.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pygeoapi {
    /// The prefix under which pygeoapi stands, such as `/geoapi`; empty for none.
    pub base_path: String,
    /// The web framework that serves it.
    pub backend: Backend,
    /// pygeoapi's own configuration file: its resources' ids and risky settings are checked at start.
    pub config: Option<PathBuf>,
    /// The version that is guarded, by default the one that geowarden was measured with.
    pub version: PygeoapiVersion,
    /// What another version means: a warning, or an error.
    pub version_mismatch: VersionMismatch,
    /// Where geowarden reaches pygeoapi itself, without its base path, such as `http://127.0.0.1:5000`: its version is then
    /// compared at start and by `check --online`.
    pub url: Option<String>,
    /// What the environment gives gunicorn, where geowarden shares it.
    #[serde(skip)]
    pub gunicorn_arguments: Option<String>,
}

impl Pygeoapi {
    /// Whether gunicorn is seen to run with its default `--forwarder-headers`, which let a client move the root.
    pub fn gunicorn_trusts_headers(&self) -> bool {
        self.gunicorn_arguments
            .as_ref()
            .is_some_and(|arguments| !arguments.contains("--forwarder-headers"))
    }
}

/// pygeoapi's web framework.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// `pygeoapi.flask_app`, pygeoapi's default.
    #[default]
    Flask,
    /// `pygeoapi.starlette_app`.
    Starlette,
}
