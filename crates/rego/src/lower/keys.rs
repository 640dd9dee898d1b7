//! Sets and objects whose members rules give one by one, and objects of which one rule gives a constant key, and another one any key.
//!
//! The engine takes `o.a := 1` for a rule of its own, and does not look at `o[key] := 2 if ..` where `o.a` is asked for, so
//! that a conflict between the two goes unnoticed. The constant key becomes one as any other.

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Kind, Rule, Scalar, Value},
    },
};

/// The full paths of objects with keys that are not constant.
pub(super) fn objects(files: &[File]) -> BTreeSet<Vec<String>> {
    files
        .iter()
        .flat_map(|file| {
            let keyed = file.rules.iter().filter(|rule| rule.key.is_some());
            keyed.map(|rule| path(rule, file))
        })
        .collect()
}

/// The full paths of sets and objects that are such whatever the rules give, since nothing is put in their place.
pub(super) fn collections(files: &[File]) -> BTreeSet<Vec<String>> {
    let rules = files
        .iter()
        .flat_map(|file| file.rules.iter().map(move |rule| (file, rule)));
    let replaced: Vec<&Vec<String>> = rules.clone().flat_map(|(_, rule)| &rule.replaced).collect();
    rules
        .filter(|(_, rule)| rule.kind == Kind::Member || rule.key.is_some())
        .map(|(file, rule)| path(rule, file))
        .filter(|path| {
            !replaced
                .iter()
                .any(|other| path.starts_with(other) || other.starts_with(path))
        })
        .collect()
}

/// The rule, with its last name as a key where others give any key of that object.
pub(super) fn with_key<'r>(
    rule: &'r Rule,
    file: &File,
    objects: &BTreeSet<Vec<String>>,
) -> Result<Cow<'r, Rule>, Box<Diagnostic>> {
    let whole = path(rule, file);
    let above = (1..whole.len()).filter_map(|end| whole.get(..end));
    let Some(object) = above.into_iter().find(|path| objects.contains(*path)) else {
        return Ok(Cow::Borrowed(rule));
    };
    let is_plain = rule.kind == Kind::Value
        && rule.key.is_none()
        && rule.arguments.is_none()
        && rule.elses.is_empty()
        && !rule.is_default
        && object.len() + 1 == whole.len();
    let mut keyed = rule.clone();
    match keyed.path.pop() {
        Some(name) if is_plain => {
            keyed.key = Some(Value::Scalar(Scalar::String(name)));
            Ok(Cow::Owned(keyed))
        }
        _ => Err(Box::new(Diagnostic {
            code: Code::Unsupported,
            file: file.name.clone(),
            span: rule.span,
            message: format!(
                "this rule gives a part of `{}`, of which another rule gives any key",
                object.join(".")
            ),
            cure: Some(
                "give the whole object by rules of one form, such as `o[key] := value if ..`"
                    .to_owned(),
            ),
        })),
    }
}

fn path(rule: &Rule, file: &File) -> Vec<String> {
    let package = file.package.iter().chain(&rule.path).cloned();
    std::iter::once("data".to_owned()).chain(package).collect()
}
