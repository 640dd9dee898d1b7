//! All stages at once: from the author's texts to those that the engine is given.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    arrange::arrange,
    check::check,
    core,
    diagnostic::{Code, Diagnostic},
    lower::lower,
    parse::{parse, tree::Module},
    resolve::{Builtins, resolve},
    source::{Span, Version},
};

/// A policy as its author wrote it.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    /// Its texts, by the names of their files.
    pub texts: &'a BTreeMap<String, String>,
    /// The Rego of files that do not say which they are written in.
    pub version: Version,
    /// Its data.
    pub data: &'a Map<String, Value>,
    /// The names on the way to the document that is asked for, without `data`; empty for none.
    pub entry: &'a [String],
}

/// A policy in forms that mean the same to OPA and to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its texts, by the names of their files.
    pub texts: BTreeMap<String, String>,
    /// Where the engine finds the document that is asked for: `data.p.allow`.
    pub entry: Option<String>,
    /// What can differ from OPA all the same.
    pub warnings: Vec<Diagnostic>,
}

/// A policy in forms that mean the same to OPA and to the engine.
///
/// `builtins` can be a function that tells how many arguments a built-in takes, and nothing for one that there is not.
pub fn translate(written: Written<'_>, builtins: &dyn Builtins) -> Result<Given, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut modules = Vec::new();
    for (name, text) in written.texts {
        match parse(name, text, written.version) {
            Ok(module) => modules.push((name.clone(), module)),
            Err(faults) => diagnostics.extend(faults),
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    two_defaults(&modules, &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let resolved = resolve(&modules, builtins)?;
    let warnings = check(&resolved, written.data)?;
    let prefix = prefix(written, &modules);
    let members = |path: &[String]| members(written.data, path);
    let (arranged, places) = arrange(resolved, &prefix, &members, builtins)?;
    let entry = (!written.entry.is_empty()).then(|| {
        let names = written.entry.iter().cloned();
        std::iter::once("data".to_owned()).chain(names).collect()
    });
    let lowered = lower(&arranged, &places, entry)?;
    let printed = lowered
        .modules
        .iter()
        .map(|module| (module.name.clone(), core::print(module, &prefix)));
    Ok(Given {
        texts: printed.collect(),
        entry: lowered.entry.map(|path| core::path(&path)),
        warnings,
    })
}

/// The names of the data's values at a path, `data` first.
fn members(data: &Map<String, Value>, path: &[String]) -> Vec<String> {
    let mut members = data;
    for name in path.iter().skip(1) {
        match members.get(name) {
            Some(Value::Object(inner)) => members = inner,
            _ => return Vec::new(),
        }
    }
    members.keys().cloned().collect()
}

/// Finds rules with two defaults.
fn two_defaults(modules: &[(String, Module)], diagnostics: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<_, (&str, Span)> = BTreeMap::new();
    for (file, module) in modules {
        let package: Vec<&str> = module
            .package
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        for rule in module.rules.iter().filter(|rule| rule.is_default) {
            let name = &rule.head.name.text;
            let path: Vec<_> = rule.head.path.iter().map(|part| &part.kind).collect();
            let key = (package.clone(), name, format!("{path:?}"));
            let Some((other, place)) = first.get(&key) else {
                first.insert(key, (file, rule.span));
                continue;
            };
            diagnostics.push(Diagnostic {
                code: Code::Rule,
                file: file.clone(),
                span: rule.span,
                message: format!("`{name}` has another default at {other}:{place}"),
                cure: Some("keep one".to_owned()),
                ..Diagnostic::default()
            });
        }
    }
}

/// What no name of the policy or of its data begins with, where rules may be added: the author's texts do not contain it, so that
/// no reference can reach what is added.
fn prefix(written: Written<'_>, modules: &[(String, Module)]) -> String {
    let mut places: Vec<Vec<String>> = vec![vec!["data".to_owned()]];
    for (_, module) in modules {
        let names = module.package.iter().map(|name| name.text.clone());
        places.push(std::iter::once("data".to_owned()).chain(names).collect());
    }
    places.sort_unstable();
    places.dedup();
    let keys: Vec<String> = places
        .iter()
        .flat_map(|place| members(written.data, place))
        .filter(|key| key.starts_with("__"))
        .collect();
    let mut prefix = "__".to_owned();
    let is_taken = |prefix: &str| {
        written.texts.values().any(|text| text.contains(prefix))
            || keys.iter().any(|key| key.starts_with(prefix))
    };
    while is_taken(&prefix) {
        prefix.push('_');
    }
    prefix
}
