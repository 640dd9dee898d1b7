//! All stages at once: from the author's texts to those that the engine is given.

use std::collections::BTreeMap;

use crate::{
    core,
    diagnostic::{Code, Diagnostic},
    lower::lower,
    parse::{parse, tree::Module},
    resolve::{Arity, resolve},
    source::Version,
};

/// The texts of a policy, by the names of their files, in forms that mean the same to OPA and to the engine.
///
/// `builtin` tells how many arguments a built-in function takes, and nothing for one that there is not.
pub fn translate(
    texts: &BTreeMap<String, String>,
    version: Version,
    builtin: Arity<'_>,
) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let mut diagnostics = Vec::new();
    let mut modules = Vec::new();
    for (name, text) in texts {
        match parse(name, text, version) {
            Ok(module) => modules.push((name.clone(), module)),
            Err(faults) => diagnostics.extend(faults),
        }
    }
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    two_defaults(&modules, &mut diagnostics);
    functions_in_two_files(&modules, &mut diagnostics);
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    let lowered = lower(&resolve(&modules, builtin)?)?;
    let prefix = prefix(&modules);
    let printed = lowered
        .iter()
        .map(|module| (module.name.clone(), core::print(module, &prefix)));
    Ok(printed.collect())
}

/// Finds rules with two defaults.
fn two_defaults(modules: &[(String, Module)], diagnostics: &mut Vec<Diagnostic>) {
    let mut first = BTreeMap::new();
    for (file, module) in modules {
        let package: Vec<&str> = module
            .package
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        for rule in module.rules.iter().filter(|rule| rule.is_default) {
            let path: Vec<_> = rule.head.path.iter().map(|part| &part.kind).collect();
            let name = &rule.head.name.text;
            let key = (package.clone(), name.as_str(), format!("{path:?}"));
            let place = format!("{file}:{}", rule.span);
            if let Some(other) = first.insert(key, place) {
                diagnostics.push(Diagnostic {
                    code: Code::Rule,
                    file: file.clone(),
                    span: rule.span,
                    message: format!("`{name}` has another default at {other}"),
                    cure: Some("keep one".to_owned()),
                });
            }
        }
    }
}

/// Finds functions that are defined in two files, of which the engine would mix up the arguments.
fn functions_in_two_files(modules: &[(String, Module)], diagnostics: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<_, &str> = BTreeMap::new();
    for (file, module) in modules {
        let package: Vec<&str> = module
            .package
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        for rule in module
            .rules
            .iter()
            .filter(|rule| rule.head.arguments.is_some())
        {
            let path: Vec<_> = rule.head.path.iter().map(|part| &part.kind).collect();
            let name = &rule.head.name.text;
            let key = (package.clone(), name.as_str(), format!("{path:?}"));
            let other = *first.entry(key).or_insert(file);
            if other != file {
                diagnostics.push(Diagnostic {
                    code: Code::Unsupported,
                    file: file.clone(),
                    span: rule.head.span,
                    message: format!("the function `{name}` is defined in {other} too"),
                    cure: Some("write all its definitions in one file".to_owned()),
                });
            }
        }
    }
}

/// What no name of the policy begins with.
fn prefix(modules: &[(String, Module)]) -> String {
    let mut prefix = "__".to_owned();
    let is_taken = |prefix: &str| {
        modules.iter().any(|(_, module)| {
            let rules = module.rules.iter().map(|rule| &rule.head.name);
            rules.into_iter().any(|name| name.text.starts_with(prefix))
        })
    };
    while is_taken(&prefix) {
        prefix.push('_');
    }
    prefix
}
