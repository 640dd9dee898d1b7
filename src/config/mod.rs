//! Reads one YAML file and the environment into a [`Config`], or returns every problem at once.

mod address;
mod authn;
pub mod certificates;
mod decision_log;
mod duration;
mod environment;
pub mod fastgeoapi;
mod fault;
mod file_modes;
mod file_name;
mod host;
mod host_table;
mod key_entry;
pub mod key_file;
mod misspelt_variable;
mod opentelemetry;
mod paths;
mod policy;
mod problem;
mod pygeoapi;
mod pygeoapi_version;
mod reading;
mod rereading;
mod server;
mod socket_mode;
mod sources;
mod telemetry;
mod tenant;
mod traces;
mod validation;
mod web_address;

use std::{
    collections::BTreeMap,
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::environment::PREFIXES;
use crate::files::{Root, Unreadable, read_one};

pub use self::{
    address::ListenAddress,
    authn::{ApiKeys, Authn, InquiryMethod, Issuer, OpaqueTokens, TokenPlaces},
    decision_log::{DecisionLog, LogOutput, LoggedDecisions, LoggedInput},
    duration::ConfigDuration,
    environment::{Environment, PREFIX},
    host::{HostPattern, MAX_HOST_BYTES, is_label},
    host_table::{HostTable, host_name, tenant_of_host},
    policy::{Embedded, InputShape, PathPrefix, Policy},
    problem::{Origin, Problem, Problems},
    pygeoapi::Pygeoapi,
    pygeoapi_version::{PygeoapiVersion, VersionMismatch, VersionParseError},
    reading::of_form,
    rereading::Rereading,
    server::{AdminGrpc, DenialBodies, Server, Tls},
    socket_mode::SocketMode,
    telemetry::{LogFormat, LogLevel, Telemetry},
    tenant::{Part, Tenant},
    traces::{ExportHeaders, Protocol, Traces},
};

/// All settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where geowarden listens and how it behaves as a server.
    pub server: Server,
    /// The pygeoapi that geowarden guards.
    pub pygeoapi: Pygeoapi,
    /// Which credentials are accepted.
    pub authn: Authn,
    /// The Rego policy.
    pub policy: Policy,
    /// Which decisions are logged, and where.
    pub decision_log: DecisionLog,
    /// Logs, metrics and traces.
    pub telemetry: Telemetry,
    /// Rules for each host or route, by name. If there are none, the sections above apply to all requests.
    pub tenants: BTreeMap<String, Tenant>,
    /// Notes for the operator about how this configuration was read.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// Problems of certificate and key files that cannot be used now: see [`Config::with_usable_files`].
    #[serde(skip)]
    pub unusable: Problems,
    /// The running program, which starts a second process to try policies. `None` tries them in this process.
    #[serde(skip)]
    pub program: Option<PathBuf>,
    /// Where it was read from.
    #[serde(skip)]
    pub rereading: Option<Rereading>,
}

impl Config {
    /// Loads `file`, or fastgeoapi's `env_file`, which `GEOWARDEN_ENV_FILE` can name too. Other variables take
    /// precedence over both.
    pub fn load_either(
        file: Option<&Path>,
        env_file: Option<&Path>,
        environment: &Environment,
    ) -> Result<Self, Problems> {
        // One of these variables may be the one that names the file.
        environment.unreadable(&PREFIXES).into_result(())?;
        let by_variable = environment.env_file.as_deref().filter(|_| file.is_none());
        if let Some(file) = by_variable.filter(|_| env_file.is_none()) {
            named_by_variable(file)?;
        }
        let mut config = match env_file.or(by_variable) {
            Some(env_file) => {
                let settings = fastgeoapi::Settings::load(env_file, environment)?;
                let folder = env_file.parent().unwrap_or(Path::new(""));
                let mut config = settings.config(folder, environment)?;
                config.notes.extend(file_modes::warning(env_file));
                config
            }
            None => Self::load(file, environment)?,
        };
        config.rereading = Some(Rereading {
            read: serde_json::to_value(&config).unwrap_or_default(),
            file: file.map(Path::to_path_buf),
            env_file: env_file.map(Path::to_path_buf),
            environment: environment.clone(),
        });
        Ok(config)
    }

    /// Reads `file` and the environment, which takes precedence, and checks the result.
    ///
    /// Relative paths in the file are relative to its folder. Those in variables are relative to the working directory.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Problems> {
        let text = match file {
            Some(path) => read_text(path)?,
            None => String::new(),
        };
        let name = file.map(|path| path.display().to_string());
        let folder = file.and_then(Path::parent).map(Path::to_path_buf);
        Self::from_text(
            name.as_deref().unwrap_or("(no configuration file)"),
            &text,
            folder.as_deref().unwrap_or(Path::new("")),
            environment,
        )
    }

    /// Like [`Config::load`], from a text. `folder` is the base of relative paths.
    pub fn from_text(
        name: &str,
        text: &str,
        folder: &Path,
        environment: &Environment,
    ) -> Result<Self, Problems> {
        environment.unreadable(&PREFIXES).into_result(())?;
        let (mut config, mut problems, sources) = reading::read(name, text, folder, environment)?;
        config
            .pygeoapi
            .gunicorn_arguments
            .clone_from(&environment.gunicorn_arguments);
        config.program.clone_from(&environment.program);
        if let Some(traces) = &mut config.telemetry.traces {
            traces.headers = opentelemetry::headers(environment.others());
            config
                .notes
                .extend(opentelemetry::notes(environment.others()));
        }
        problems
            .0
            .extend(misspelt_variable::problems(&environment.without_sections).0);
        let (found, unusable) = validation::check(&config, &sources);
        if let Some(decisions) = config.telemetry.decisions.take() {
            config.decision_log.decisions = decisions;
        }
        problems.0.extend(found);
        config.unusable = Problems(unusable);
        config.notes.extend(validation::tenant_warnings(&config));
        config.notes.extend(validation::duration_warnings(&config));
        config.notes.extend(validation::server_warnings(&config));
        config.notes.extend(file_modes::warnings(&config));
        problems.into_result(config)
    }

    /// The configuration, or the problems of its certificate and key files. Only `check` and the start of `serve` call
    /// it: a running service keeps its last good files.
    pub fn with_usable_files(mut self) -> Result<Self, Problems> {
        std::mem::take(&mut self.unusable).into_result(self)
    }

    /// The files that a reload of these sections reads, besides policies and their data.
    pub fn roots(&self) -> Vec<Root> {
        let issuers = self.authn.jwt.iter();
        let of_issuers = issuers.flat_map(|issuer| {
            let opaque = issuer.opaque_tokens.as_ref();
            let secret = opaque.and_then(|opaque| opaque.client_secret_file.as_ref());
            [secret, issuer.ca_file.as_ref()]
        });
        let files = of_issuers.chain([self.pygeoapi.config.as_ref()]).flatten();
        files.map(Root::file).chain(self.key_roots()).collect()
    }

    /// The files with credentials: API keys and key sets.
    pub fn key_roots(&self) -> Vec<Root> {
        let keys = self.authn.api_keys.iter().flat_map(ApiKeys::roots);
        let sets = self.authn.jwt.iter().filter_map(|i| i.jwks_file.as_ref());
        keys.chain(sets.map(Root::file)).collect()
    }

    /// Whether no credentials are configured, so that every caller is anonymous.
    pub fn has_no_credentials(&self) -> bool {
        self.tenants.is_empty() && self.authn.api_keys.is_none() && self.authn.jwt.is_empty()
    }
}

/// The JSON Schema (draft 2020-12) of the configuration file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// Do not quote the variable: its text may be a secret in the wrong place.
fn named_by_variable(file: &Path) -> Result<(), Problems> {
    let is_like_one = file
        .to_str()
        .is_some_and(|text| file_name::is_like_one(text, file));
    let problem = Problem {
        origin: Origin::Environment("GEOWARDEN_ENV_FILE".to_owned()),
        path: String::new(),
        message: format!("no such file; {}", file_name::NOT_SHOWN),
    };
    if is_like_one || file.exists() {
        return Ok(());
    }
    Err(Problems(vec![problem]))
}

fn read_text(path: &Path) -> Result<String, Problems> {
    let fault = |message: String| Problems::file(path.display().to_string(), None, message);
    // The file may be a pipe: a shell passes the output of a command so (`<(command)`).
    let is_pipe = std::fs::metadata(path).is_ok_and(|meta| meta.file_type().is_fifo());
    let bytes = if is_pipe {
        std::fs::read(path).map_err(Unreadable::from)
    } else {
        read_one(path).map(|bytes| bytes.to_vec())
    };
    let bytes = bytes.map_err(|error| {
        fault(if error.is_missing() {
            "no such file".to_owned()
        } else {
            error.to_string()
        })
    })?;
    String::from_utf8(bytes).map_err(|_| fault("cannot be read: expected UTF-8".to_owned()))
}

#[cfg(test)]
mod tests;
