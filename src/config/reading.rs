//! From text to a [`Config`] with every fault of form: wrong types, unknown keys, missing keys.
//!
//! serde stops at the first fault. So the faulty value is noted, taken out of the tree, and the tree read again,
//! until it is read whole: every round finds one more fault.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use super::{Config, Environment, Origin, Problem, Problems, Tls, environment::Setting};
use crate::yaml::{Document, KeyPath, Step, display_path};

/// More faults than this are not looked for.
const MAX_PROBLEMS: usize = 50;

/// Where each value came from.
pub(super) struct Sources {
    file: String,
    document: Document,
    from_environment: Vec<(KeyPath, String)>,
}

impl Sources {
    /// The origin of the value at `path`.
    pub(super) fn origin(&self, path: &[Step]) -> Origin {
        match self.variable(path) {
            Some(name) => Origin::Environment(name.to_owned()),
            None => Origin::File {
                file: self.file.clone(),
                line: self.document.line(path),
            },
        }
    }

    fn variable(&self, path: &[Step]) -> Option<&str> {
        self.from_environment
            .iter()
            .find(|(key, _)| path.starts_with(key))
            .map(|(_, name)| name.as_str())
    }

    /// A problem of the value at `path`.
    pub(super) fn problem(&self, path: &[Step], message: impl Into<String>) -> Problem {
        Problem {
            origin: self.origin(path),
            path: display_path(path),
            message: message.into(),
        }
    }
}

/// What is left to read of a text, and what was wrong with it.
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
    };
    let mut problems = Problems::default();
    for setting in environment.settings() {
        if set(&mut tree, &setting.path, setting.value.clone()) {
            sources
                .from_environment
                .push((setting.path.clone(), setting.name.clone()));
        } else {
            problems.0.push(Problem {
                origin: Origin::Environment(setting.name.clone()),
                path: display_path(&setting.path),
                message: "the key above it is no mapping or list, so nothing can be set in it"
                    .to_owned(),
            });
        }
    }
    let mut config = read_tree(tree, &sources, environment.settings(), &mut problems)?;
    resolve_paths(&mut config, folder, &sources);
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
        // A key that wants a string got a number or the like from the environment: take the text as it was written.
        if let Some(setting) = settings.iter().find(|s| s.path == path)
            && !setting.value.is_string()
            && get(&tree, &path).is_some_and(|v| !v.is_string())
        {
            set(&mut tree, &path, Value::String(setting.text.clone()));
            continue;
        }
        if !is_told(&message, &written, problems) {
            problems
                .0
                .push(sources.problem(&written, explain(&message)));
        }
        if problems.0.len() >= MAX_PROBLEMS || !remove(&mut tree, &path) {
            return Err(std::mem::take(problems));
        }
        if let Some(Step::Index(_)) = path.last() {
            removed_items.push(written);
        }
    }
}

/// The path as it was in the file, before elements were taken out of its lists.
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

/// Whether a key is missing only because its faulty value was told and taken out.
fn is_told(message: &str, path: &[Step], problems: &Problems) -> bool {
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split_once('`'));
    missing.is_some_and(|(key, _)| {
        let path = format!("{}.{key}", display_path(path));
        problems.0.iter().any(|p| p.path == path)
    })
}

/// serde's words, with a suggestion where a key is unknown.
fn explain(message: &str) -> String {
    let Some(rest) = message.strip_prefix("unknown field `") else {
        return message.to_owned();
    };
    let Some((found, expected)) = rest.split_once('`') else {
        return message.to_owned();
    };
    let known: Vec<&str> = expected
        .split('`')
        .enumerate()
        .filter_map(|(index, word)| (index % 2 == 1).then_some(word))
        .collect();
    let closest = known
        .iter()
        .map(|word| (strsim::damerau_levenshtein(found, word), word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| *distance <= 1.max(word.len() / 3))
        .map(|(_, word)| *word);
    match closest {
        Some(word) => format!("unknown key; did you mean `{word}`?"),
        None => format!("unknown key; expected one of: {}", known.join(", ")),
    }
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

fn get<'a>(tree: &'a Value, path: &[Step]) -> Option<&'a Value> {
    path.iter().try_fold(tree, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

/// Puts a value at `path`, making the mappings and list elements on the way; false where something else stands in it.
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

/// Takes the value at `path` out; of the whole tree nothing can be taken.
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

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Makes paths of the file count from the file's folder.
fn resolve_paths(config: &mut Config, folder: &Path, sources: &Sources) {
    let resolve = |path: &mut PathBuf, key: &[Step]| {
        if path.is_relative() && sources.variable(key).is_none() {
            *path = folder.join(&*path);
        }
    };
    let key = |keys: &[&str]| -> KeyPath {
        keys.iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect()
    };
    if let Some(path) = &mut config.policy.path {
        resolve(path, &key(&["policy", "path"]));
    }
    if let Some(path) = &mut config.pygeoapi.config {
        resolve(path, &key(&["pygeoapi", "config"]));
    }
    let resolve_tls = |tls: &mut Tls, above: &[&str]| {
        resolve(&mut tls.cert, &key(&[above, &["cert"]].concat()));
        resolve(&mut tls.key, &key(&[above, &["key"]].concat()));
        if let Some(path) = &mut tls.client_ca {
            resolve(path, &key(&[above, &["client_ca"]].concat()));
        }
    };
    if let Some(tls) = &mut config.server.tls {
        resolve_tls(tls, &["server", "tls"]);
    }
    let admin = config.server.admin_grpc.as_mut();
    if let Some(tls) = admin.and_then(|admin| admin.tls.as_mut()) {
        resolve_tls(tls, &["server", "admin_grpc", "tls"]);
    }
    if let Some(keys) = &mut config.authn.api_keys {
        if let Some(path) = &mut keys.file {
            resolve(path, &key(&["authn", "api_keys", "file"]));
        }
        if let Some(path) = &mut keys.dir {
            resolve(path, &key(&["authn", "api_keys", "dir"]));
        }
    }
    for (index, issuer) in config.authn.jwt.iter_mut().enumerate() {
        let of = |name: &str| {
            let mut path = key(&["authn", "jwt"]);
            path.push(Step::Index(index));
            path.push(Step::Key(name.to_owned()));
            path
        };
        if let Some(path) = &mut issuer.jwks_file {
            resolve(path, &of("jwks_file"));
        }
        if let Some(path) = &mut issuer.ca_file {
            resolve(path, &of("ca_file"));
        }
        let opaque = issuer.opaque_tokens.as_mut();
        if let Some(path) = opaque.and_then(|opaque| opaque.client_secret_file.as_mut()) {
            let mut key = of("opaque_tokens");
            key.push(Step::Key("client_secret_file".to_owned()));
            resolve(path, &key);
        }
    }
}
