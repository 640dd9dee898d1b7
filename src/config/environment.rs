//! Environment variables that set configuration keys. No other module reads the environment.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

use geowarden_yaml::{Document, KeyPath, Step};
use serde_json::Value;

use super::{Origin, Problem, Problems};

/// The prefix of the variables that set keys.
pub const PREFIX: &str = "GEOWARDEN_";
/// The prefixes of all variables that this program reads, except those of fastgeoapi.
pub(super) const PREFIXES: [&str; 3] = [PREFIX, "OTEL_", "GUNICORN_CMD_ARGS"];

/// The variables that set a configuration key, such as `GEOWARDEN_SERVER__GRPC`.
///
/// A name without `__` is ignored, because Kubernetes sets variables such as `GEOWARDEN_PORT` for a Service named
/// geowarden. A name that would set a key if each `_` between sections were `__` is an error.
#[derive(Clone, Default)]
pub struct Environment {
    settings: Vec<Setting>,
    /// gunicorn's own variable. It applies if pygeoapi runs in the same container.
    pub(super) gunicorn_arguments: Option<String>,
    /// The value of `GEOWARDEN_ENV_FILE`.
    pub(super) env_file: Option<PathBuf>,
    /// The path of the running program.
    pub(super) program: Option<PathBuf>,
    /// All other variables. If there is a fastgeoapi `.env`, it determines which of them are used.
    others: BTreeMap<String, String>,
    /// The names of variables with this prefix that set no key, because they have no `__`.
    pub(super) without_sections: Vec<String>,
    /// The names of the variables whose value is not UTF-8.
    unreadable: Vec<String>,
}

/// A variable that sets a key.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// The name of the variable.
    pub(super) name: String,
    /// The key it sets.
    pub(super) path: KeyPath,
    /// The value, parsed as YAML, so that lists and numbers can be set.
    pub(super) value: Value,
    /// The value as text, for keys that expect a string.
    pub(super) text: String,
}

impl fmt::Debug for Environment {
    /// Omits the variables of other programs, since they may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        // This path still leads to the same program after its file has been replaced.
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
        let (mut without_sections, mut unreadable) = (Vec::new(), Vec::new());
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
                _ if name.starts_with(PREFIX) && !name.contains("__") => {
                    without_sections.push(name);
                }
                _ if name.starts_with(PREFIX) => settings.extend(setting(name, value)),
                _ => {
                    others.insert(name, value);
                }
            }
        }
        // Elements of a list must be set in order. The order of the process's variables is random.
        settings.sort_by(|a, b| a.name.len().cmp(&b.name.len()).then(a.name.cmp(&b.name)));
        Self {
            settings,
            gunicorn_arguments,
            env_file,
            program: None,
            others,
            without_sections,
            unreadable,
        }
    }

    /// A problem for each variable of these prefixes that is not UTF-8. If it were ignored, another policy could
    /// decide.
    pub(super) fn unreadable(&self, prefixes: &[&str]) -> Problems {
        let is_of = |name: &&String| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let problem = |name: &String| Problem {
            origin: Origin::Environment(name.clone()),
            path: String::new(),
            message: "expected UTF-8, found other bytes: set it again, or unset it".to_owned(),
        };
        Problems(self.unreadable.iter().filter(is_of).map(problem).collect())
    }

    /// The variables of other programs, such as fastgeoapi and OpenTelemetry, by their full names.
    pub(super) fn others(&self) -> &BTreeMap<String, String> {
        &self.others
    }

    /// The folders in which programs are looked for, in their order.
    pub fn program_folders(&self) -> Vec<PathBuf> {
        let path = self.others.get("PATH").map(String::as_str);
        std::env::split_paths(path.unwrap_or_default()).collect()
    }

    pub(super) fn settings(&self) -> &[Setting] {
        &self.settings
    }
}

fn setting(name: String, text: String) -> Option<Setting> {
    let key = name.strip_prefix(PREFIX)?;
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
