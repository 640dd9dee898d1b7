//! What all rules of a document have in common: they give the members of a set or an object one by one, or the same value.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    arrange::Places,
    resolve::{
        File,
        tree::{Body, Kind, Scalar, Value},
    },
};

/// The full paths of rules that are always sets or objects, since `with` does not replace them.
pub(super) fn collections(files: &[File]) -> BTreeSet<Vec<String>> {
    let rules = files
        .iter()
        .flat_map(|file| file.rules.iter().map(move |rule| (file, rule)));
    let replaced: Vec<&Vec<String>> = rules.clone().flat_map(|(_, rule)| &rule.replaced).collect();
    rules
        .filter(|(_, rule)| rule.kind == Kind::Member || !rule.keys.is_empty())
        .map(|(file, rule)| file.path(rule))
        .filter(|path| {
            !replaced
                .iter()
                .any(|other| path.starts_with(other) || other.starts_with(path))
        })
        .collect()
}

/// The author's paths of documents whose bodies all have the same constant value.
pub(super) fn agreeing(files: &[File], places: &Places) -> BTreeSet<Vec<String>> {
    let mut values: BTreeMap<Vec<String>, Vec<Option<&Value>>> = BTreeMap::new();
    for file in files {
        for rule in file.rules.iter().filter(|rule| !rule.is_default) {
            let bodies = std::iter::once(&rule.body).chain(&rule.elses);
            let is_value = rule.kind == Kind::Value && rule.keys.is_empty();
            // A function of several files is one of several functions here.
            let path = places.author_of(&file.path(rule));
            let all = values.entry(path).or_default();
            all.extend(bodies.map(|body| constant(body).filter(|_| is_value)));
        }
    }
    let agree = |all: &[Option<&Value>]| {
        let first = all.first().copied().flatten();
        first.is_some() && all.iter().all(|value| *value == first)
    };
    values.retain(|_, all| agree(all));
    values.into_keys().collect()
}

/// The value of a body, if it is constant.
fn constant(body: &Body) -> Option<&Value> {
    const TRUE: Value = Value::Scalar(Scalar::Bool(true));
    match &body.value {
        None => Some(&TRUE),
        Some(value) => is_constant(value).then_some(value),
    }
}

fn is_constant(value: &Value) -> bool {
    match value {
        Value::Scalar(_) => true,
        Value::Array(items) | Value::Set(items) => items.iter().all(is_constant),
        Value::Object(pairs) => pairs
            .iter()
            .all(|(key, value)| is_constant(key) && is_constant(value)),
        _ => false,
    }
}
