//! Finds rules whose path has another meaning too: a package, a value of the data, or a name of the language.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::File,
};

/// Adds an error for each rule whose path has another meaning.
pub(super) fn check(files: &[File], data: &Map<String, Value>, diagnostics: &mut Vec<Diagnostic>) {
    let packages: BTreeSet<&[String]> = files.iter().map(|file| file.package.as_slice()).collect();
    let mut seen = BTreeSet::new();
    for file in files {
        for rule in &file.rules {
            let path = [file.package.as_slice(), rule.path.as_slice()].concat();
            if let Some((message, cure)) = taken(&path, &packages, data)
                && seen.insert(path)
            {
                diagnostics.push(Diagnostic {
                    code: Code::Rule,
                    file: file.name.clone(),
                    span: rule.span,
                    message,
                    cure: Some(cure.to_owned()),
                    ..Diagnostic::default()
                });
            }
        }
    }
}

/// The other meaning of a rule's path, and what to do.
fn taken(
    path: &[String],
    packages: &BTreeSet<&[String]>,
    data: &Map<String, Value>,
) -> Option<(String, &'static str)> {
    let name = format!("data.{}", path.join("."));
    let is_package = packages
        .range(path..)
        .next()
        .is_some_and(|package| package.starts_with(path));
    if is_package {
        let message = format!("`{name}` is the path of a package too");
        return Some((message, "give the rule or the package another name"));
    }
    let is_data = is_data(path, data);
    is_data.then(|| {
        let message = format!("`{name}` is data too");
        (message, "rename the rule or move the data")
    })
}

/// Whether the data has a value at the path, or a value above it that is not an object.
fn is_data(path: &[String], data: &Map<String, Value>) -> bool {
    let mut members = data;
    for name in path {
        match members.get(name) {
            None => return false,
            Some(Value::Object(inner)) => members = inner,
            Some(_) => return true,
        }
    }
    true
}
