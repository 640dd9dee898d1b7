//! Records where each value of a configuration was set, so that problems can name the place.

use geowarden_yaml::{Document, KeyPath, Step, display_path};
use serde_json::Value;

use super::{Origin, Problem, tenant::is_name};

/// Where each value was set.
pub(super) struct Sources {
    pub(super) file: String,
    pub(super) document: Document,
    pub(super) from_environment: Vec<(KeyPath, String)>,
    /// The texts of the variables.
    pub(super) texts: Vec<(KeyPath, String)>,
    /// The values of the file and the variables together.
    pub(super) whole: Value,
}

impl Sources {
    /// The origin of the value at `path`.
    pub(super) fn origin(&self, path: &[Step]) -> Origin {
        match self.variable(path) {
            Some(name) => Origin::Environment(name.to_owned()),
            // A value that is not in a file exists because a variable sets something below it.
            None if get(&self.document.value, path).is_none()
                && let Some(name) = self.variable_below(path) =>
            {
                Origin::Environment(name.to_owned())
            }
            None => Origin::File {
                file: self.file.clone(),
                line: self.document.line(path),
            },
        }
    }

    /// The text at `path` as it was written, if it is a string.
    pub(super) fn text(&self, path: &[Step]) -> Option<&str> {
        let by_variable = self.texts.iter().find(|(key, _)| key == path);
        match by_variable {
            Some((_, text)) => Some(text),
            None => get(&self.whole, path).and_then(Value::as_str),
        }
    }

    /// Where something at or below `path` was set, if anywhere.
    pub(super) fn set_by(&self, path: &[Step]) -> Option<Origin> {
        let mut variables = self.from_environment.iter();
        match variables.find(|(key, _)| key.starts_with(path)) {
            Some((_, name)) => Some(Origin::Environment(name.clone())),
            None => get(&self.document.value, path).map(|_| self.origin(path)),
        }
    }

    fn variable_below(&self, path: &[Step]) -> Option<&str> {
        let mut variables = self.from_environment.iter();
        let found = variables.find(|(key, _)| key.starts_with(path));
        found.map(|(_, name)| name.as_str())
    }

    pub(super) fn variable(&self, path: &[Step]) -> Option<&str> {
        self.from_environment
            .iter()
            .find(|(key, _)| path.starts_with(key))
            .map(|(_, name)| name.as_str())
    }

    /// A problem of the value at `path`.
    pub(super) fn problem(&self, path: &[Step], message: impl Into<String>) -> Problem {
        Problem {
            origin: self.origin(path),
            path: shown_path(path),
            message: message.into(),
        }
    }

    /// A problem of the value at `path`; the message omits the last name of the path.
    pub(super) fn problem_below(&self, path: &[Step], message: impl Into<String>) -> Problem {
        let above = path.split_last().map_or(path, |(_, above)| above);
        Problem {
            path: shown_path(above),
            ..self.problem(path, message)
        }
    }
}

/// A path without names that the operator chose: attribute names, and tenant names that are not valid. Such a name may
/// be a secret in the wrong place.
pub(super) fn shown_path(path: &[Step]) -> String {
    let key = |index: usize| match path.get(index) {
        Some(Step::Key(key)) => key.as_str(),
        _ => "",
    };
    let is_free = |index: usize, step: &Step| match (index, step) {
        (1, Step::Key(name)) => key(0) == "tenants" && !is_name(name),
        (3, Step::Key(_)) => [key(0), key(1), key(2)] == ["telemetry", "traces", "resource"],
        _ => false,
    };
    let steps = path.iter().enumerate().map(|(index, step)| {
        if is_free(index, step) {
            Step::Key("NAME".to_owned())
        } else {
            step.clone()
        }
    });
    display_path(&steps.collect::<KeyPath>())
}

pub(super) fn get<'a>(tree: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}
