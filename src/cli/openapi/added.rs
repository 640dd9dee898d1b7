//! What geowarden adds to the value of an OpenAPI document, and finds there again.

use serde_json::{Map, Value};

use super::{Security, schemes::MARK};

/// The objects around the schemes, from the root.
pub(super) const PLACE: [&str; 2] = ["components", "securitySchemes"];
/// The member of the root with the requirements.
pub(super) const REQUIREMENTS: &str = "security";

/// What an earlier run has added to a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Added {
    /// The names of the schemes.
    pub(super) schemes: Vec<String>,
    /// Whether `security` only names these schemes.
    pub(super) requirements: bool,
    /// How many objects of [`PLACE`] were there before. The others go with the schemes, unless they have other members.
    pub(super) depth: usize,
}

impl Added {
    pub(super) fn find(document: &Value) -> Self {
        let schemes = at(document, &PLACE).and_then(Value::as_object);
        let marked: Vec<(&String, &Value)> = schemes
            .into_iter()
            .flatten()
            .filter_map(|(name, scheme)| Some((name, scheme.get(MARK)?)))
            .filter(|(_, mark)| **mark == Value::Bool(true) || mark.is_string())
            .collect();
        let names: Vec<String> = marked.iter().map(|(name, _)| (*name).clone()).collect();
        let outermost = marked.iter().find_map(|(_, mark)| mark.as_str());
        let depth = PLACE.iter().position(|name| Some(*name) == outermost);
        let is_added = |one: &Value| {
            one.as_object()
                .is_some_and(|one| !one.is_empty() && one.keys().all(|name| names.contains(name)))
        };
        let requirements = document.get(REQUIREMENTS).and_then(Value::as_array);
        Self {
            requirements: requirements
                .is_some_and(|all| !all.is_empty() && all.iter().all(is_added)),
            schemes: names,
            depth: depth.unwrap_or(PLACE.len()),
        }
    }

    /// The objects that go, as a path from the root: the outermost added one that has no other members. `None` if only
    /// schemes go.
    pub(super) fn outermost(&self, document: &Value) -> Option<&'static [&'static str]> {
        let others = at(document, &PLACE)?
            .as_object()?
            .keys()
            .filter(|name| !self.schemes.contains(name));
        if others.count() > 0 {
            return None;
        }
        let is_alone = |depth: usize| {
            let object = PLACE.get(..depth).and_then(|path| at(document, path));
            object
                .and_then(Value::as_object)
                .is_some_and(|object| object.len() == 1)
        };
        match self.depth {
            0 if is_alone(1) => PLACE.get(..1),
            0 | 1 => Some(&PLACE),
            _ => None,
        }
    }

    /// The document without what was added.
    pub(super) fn without(&self, document: &Value) -> Value {
        let mut rest = document.clone();
        if self.requirements {
            remove(&mut rest, &[], REQUIREMENTS);
        }
        for name in &self.schemes {
            remove(&mut rest, &PLACE, name);
        }
        if let Some((last, around)) = self.outermost(document).and_then(<[_]>::split_last) {
            remove(&mut rest, around, last);
        }
        rest
    }
}

/// The document with the schemes and requirements.
pub(super) fn with(document: &Value, security: &Security) -> Value {
    let mut all = normal(document);
    if security.schemes.is_empty() {
        return all;
    }
    let mut object = all.as_object_mut();
    if let Some(root) = object.as_mut() {
        root.insert(REQUIREMENTS.to_owned(), security.requirements());
    }
    for name in PLACE {
        object = object.and_then(|object| {
            let inner = object.entry(name).or_insert_with(|| Map::new().into());
            inner.as_object_mut()
        });
    }
    if let Some(schemes) = object {
        let depth = depth(document);
        schemes.extend(security.marked(depth));
    }
    all
}

/// How many objects of [`PLACE`] a document has.
pub(super) fn depth(document: &Value) -> usize {
    let is_there = |depth: &usize| {
        PLACE
            .get(..*depth)
            .is_some_and(|path| at(document, path).is_some())
    };
    (1..=PLACE.len()).take_while(is_there).count()
}

/// The same document, with an object for a key without a value.
pub(super) fn normal(document: &Value) -> Value {
    let mut normal = document.clone();
    let mut inner = Some(&mut normal);
    for name in PLACE {
        inner = inner.and_then(|value| value.get_mut(name));
        if let Some(value) = inner.as_mut().filter(|value| value.is_null()) {
            **value = Map::new().into();
        }
    }
    normal
}

/// The value at a path of keys.
pub(super) fn at<'a>(document: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter()
        .try_fold(document, |value, name| value.get(name))
}

fn remove(document: &mut Value, path: &[&str], name: &str) {
    let object = path
        .iter()
        .try_fold(document, |value, name| value.get_mut(name));
    if let Some(object) = object.and_then(Value::as_object_mut) {
        object.remove(name);
    }
}
