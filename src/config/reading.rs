//! Reads a [`Config`] from text and reports every problem of form: wrong types, unknown keys, missing keys.
//!
//! serde stops at the first problem. So the wrong value is recorded and removed from the tree, and the tree is read
//! again. This repeats until no problem is left.

use std::path::Path;

use geowarden_yaml::{Document, KeyPath, Step};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::{
    Config, Environment, Origin, Problem, Problems,
    environment::Setting,
    fault::{explain, kind},
    opentelemetry, paths,
    sources::{Sources, get, shown_path},
};

/// Reads a value, or says which part of it has not the expected form, and what was expected there.
pub fn of_form<T: DeserializeOwned>(value: &Value) -> Result<T, (KeyPath, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = steps(error.path());
        let (message, _) = explain(&error.inner().to_string(), get(value, &path));
        (path, message)
    })
}

/// Reading stops after this many problems.
const MAX_PROBLEMS: usize = 50;

/// Reads a configuration from a text and the environment, with the problems of form that were found.
pub(super) fn read(
    name: &str,
    text: &str,
    folder: &Path,
    environment: &Environment,
) -> Result<(Config, Problems, Sources), Problems> {
    let document =
        Document::parse(text).map_err(|e| Problems::file(name, Some(e.line), e.message))?;
    let mut tree = match document.value.clone() {
        Value::Null => Value::Object(Map::new()),
        Value::Object(members) => Value::Object(members),
        other => {
            let found = kind(&other);
            return Err(Problems::file(
                name,
                Some(1),
                format!("expected a mapping of sections such as `server:`, found {found}"),
            ));
        }
    };
    let mut sources = Sources {
        file: name.to_owned(),
        document,
        from_environment: Vec::new(),
        texts: Vec::new(),
        whole: Value::Null,
    };
    let mut problems = Problems::default();
    for setting in environment.settings() {
        if set(&mut tree, &setting.path, setting.value.clone()) {
            let text = (setting.path.clone(), setting.text.clone());
            sources.texts.push(text);
            sources
                .from_environment
                .push((setting.path.clone(), setting.name.clone()));
        } else {
            problems.0.push(Problem {
                origin: Origin::Environment(setting.name.clone()),
                path: shown_path(&setting.path),
                message: "the key above it is no mapping or list, so this variable can set nothing in it: unset it, or change that key"
                    .to_owned(),
            });
        }
    }
    for setting in opentelemetry::settings(environment.others()) {
        let (last, section) = (
            setting.path.last(),
            setting.path.get(..2).unwrap_or_default(),
        );
        // Only an endpoint switches traces on.
        let is_on = get(&tree, section).is_some_and(Value::is_object)
            || last == Some(&Step::Key("endpoint".to_owned()));
        if is_on
            && get(&tree, &setting.path).is_none()
            && set(&mut tree, &setting.path, setting.value.clone())
        {
            let text = setting.value.as_str().unwrap_or_default().to_owned();
            sources.texts.push((setting.path.clone(), text));
            sources.from_environment.push((setting.path, setting.name));
        }
    }
    sources.whole.clone_from(&tree);
    let mut config = read_tree(tree, &sources, environment.settings(), &mut problems)?;
    paths::resolve(&mut config, folder, &sources);
    Ok((config, problems, sources))
}

fn read_tree(
    mut tree: Value,
    sources: &Sources,
    settings: &[Setting],
    problems: &mut Problems,
) -> Result<Config, Problems> {
    let mut removed_items = Vec::new();
    loop {
        let (path, message) = match serde_path_to_error::deserialize(&tree) {
            Ok(config) => return Ok(config),
            Err(error) => (steps(error.path()), error.inner().to_string()),
        };
        let written = as_written(&path, &removed_items);
        // The key expects a string, but YAML read the variable as another type: use the text as it was written.
        if let Some(setting) = settings.iter().find(|s| s.path == path)
            && !setting.value.is_string()
            && get(&tree, &path).is_some_and(|v| !v.is_string())
        {
            set(&mut tree, &path, Value::String(setting.text.clone()));
            continue;
        }
        if !is_reported(&message, &written, problems) {
            let (message, is_named) = explain(&message, get(&tree, &path));
            problems.0.push(if is_named {
                sources.problem(&written, message)
            } else {
                sources.problem_below(&written, message)
            });
        }
        if problems.0.len() >= MAX_PROBLEMS || !remove(&mut tree, &path) {
            return Err(std::mem::take(problems));
        }
        if let Some(Step::Index(_)) = path.last() {
            removed_items.push(written);
        }
    }
}

/// The path as in the file, before elements were removed from its lists.
fn as_written(path: &[Step], removed_items: &[KeyPath]) -> KeyPath {
    let mut written = KeyPath::new();
    for step in path {
        let mut step = step.clone();
        if let Step::Index(index) = &mut step {
            let mut removed: Vec<usize> = removed_items
                .iter()
                .filter_map(|item| match item.split_last() {
                    Some((Step::Index(i), above)) if *above == *written => Some(*i),
                    _ => None,
                })
                .collect();
            removed.sort_unstable();
            for earlier in removed {
                if earlier <= *index {
                    *index += 1;
                }
            }
        }
        written.push(step);
    }
    written
}

/// Whether a key is missing only because its wrong value was reported and removed.
fn is_reported(message: &str, path: &[Step], problems: &Problems) -> bool {
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split_once('`'));
    missing.is_some_and(|(key, _)| {
        let path = format!("{}.{key}", shown_path(path));
        problems.0.iter().any(|p| p.path == path)
    })
}

fn steps(path: &serde_path_to_error::Path) -> KeyPath {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// Sets the value at `path`, and creates the mappings and lists on the way. False if another value is in the way.
fn set(tree: &mut Value, path: &[Step], value: Value) -> bool {
    let mut place = tree;
    for step in path {
        if place.is_null() {
            *place = match step {
                Step::Key(_) => Value::Object(Map::new()),
                Step::Index(_) => Value::Array(Vec::new()),
            };
        }
        place = match (place, step) {
            (Value::Object(members), Step::Key(key)) => {
                members.entry(key.clone()).or_insert(Value::Null)
            }
            (Value::Array(items), Step::Index(index)) if *index <= items.len() => {
                if *index == items.len() {
                    items.push(Value::Null);
                }
                match items.get_mut(*index) {
                    Some(item) => item,
                    None => return false,
                }
            }
            _ => return false,
        };
    }
    *place = value;
    true
}

/// Removes the value at `path`. An empty path removes nothing.
fn remove(tree: &mut Value, path: &[Step]) -> bool {
    let Some((last, above)) = path.split_last() else {
        return false;
    };
    let place = above.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    });
    match (place, last) {
        (Some(Value::Object(members)), Step::Key(key)) => members.remove(key).is_some(),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}
