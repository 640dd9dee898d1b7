//! Environment variables that set configuration keys: the only place that reads the environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use geowarden_yaml::{Document, KeyPath, Step};
use serde_json::Value;

use super::{Origin, Problem, Problems};

/// The prefix of geowarden's variables.
pub const PREFIX: &str = "GEOWARDEN_";
/// The prefixes of all variables that this program reads, besides fastgeoapi's.
pub(super) const PREFIXES: [&str; 3] = [PREFIX, "OTEL_", "GUNICORN_CMD_ARGS"];

/// The variables that name a configuration key, such as `GEOWARDEN_SERVER__GRPC`.
///
/// A name without `__` is ignored: Kubernetes sets `GEOWARDEN_PORT` and the like for a Service named geowarden.
#[derive(Clone, Default)]
pub struct Environment {
    settings: Vec<Setting>,
    /// gunicorn's own variable, which a pygeoapi in the same container reads too.
    pub(super) gunicorn_arguments: Option<String>,
    /// `GEOWARDEN_ENV_FILE`.
    pub(super) env_file: Option<PathBuf>,
    /// The program of this process.
    pub(super) program: Option<PathBuf>,
    /// All other variables. An `.env` of fastgeoapi decides which of them count.
    others: BTreeMap<String, String>,
    /// The names of variables that are not UTF-8.
    unreadable: Vec<String>,
}

/// One variable.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// Its name.
    pub(super) name: String,
    /// The key it sets.
    pub(super) path: KeyPath,
    /// Its text as YAML reads it, so that lists and numbers can be set.
    pub(super) value: Value,
    /// Its text, for keys that expect a string.
    pub(super) text: String,
}

impl fmt::Debug for Environment {
    /// Without the variables of other programs, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        // By this name it is the same program even after its file has been replaced.
        let same = Path::new("/proc/self/exe");
        Self {
            // If this program cannot be started later, no policy can be tried, so none is loaded and the reason is reported.
            program: Some(if same.exists() {
                same.to_path_buf()
            } else {
                std::env::current_exe().unwrap_or_else(|_| same.to_path_buf())
            }),
            ..Self::from_variables(std::env::vars_os())
        }
    }

    /// The settings among `variables`. A variable that is not UTF-8 becomes a problem when a configuration is read.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut gunicorn_arguments = None;
        let mut env_file = None;
        let mut others = BTreeMap::new();
        let mut settings = Vec::new();
        let mut unreadable = Vec::new();
        for (name, value) in variables {
            let (name, value) = match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => (name, value),
                (Ok(name), Err(_)) => {
                    unreadable.push(name);
                    continue;
                }
                (Err(name), _) => {
                    unreadable.push(name.to_string_lossy().into_owned());
                    continue;
                }
            };
            match name.as_str() {
                "GUNICORN_CMD_ARGS" => gunicorn_arguments = Some(value),
                "GEOWARDEN_ENV_FILE" => env_file = Some(value.into()),
                _ if name.starts_with(PREFIX) => settings.extend(setting(name, value)),
                _ => {
                    others.insert(name, value);
                }
            }
        }
        // Elements of a list must be set in order, whatever the order of the process's variables is.
        settings.sort_by(|a, b| a.name.len().cmp(&b.name.len()).then(a.name.cmp(&b.name)));
        Self {
            settings,
            gunicorn_arguments,
            env_file,
            program: None,
            others,
            unreadable,
        }
    }

    /// A problem for each variable of these prefixes that is not UTF-8. To ignore it could let another policy decide.
    pub(super) fn unreadable(&self, prefixes: &[&str]) -> Problems {
        let is_of = |name: &&String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let problem = |name: &String| Problem {
            origin: Origin::Environment(name.clone()),
            path: String::new(),
            message: "expected UTF-8, found other bytes: set it again, or unset it".to_owned(),
        };
        Problems(self.unreadable.iter().filter(is_of).map(problem).collect())
    }

    /// The variables of others, such as fastgeoapi's and OpenTelemetry's, by their full names.
    pub(super) fn others(&self) -> &BTreeMap<String, String> {
        &self.others
    }

    pub(super) fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

fn setting(name: String, text: String) -> Option<Setting> {
    let key = name.strip_prefix(PREFIX)?;
    if !key.contains("__") {
        return None;
    }
    let path = key
        .split("__")
        .map(|step| match step.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Key(step.to_ascii_lowercase()),
        })
        .collect();
    let value = Document::parse(&text).map_or_else(|_| Value::String(text.clone()), |d| d.value);
    Some(Setting {
        name,
        path,
        value,
        text,
    })
}
