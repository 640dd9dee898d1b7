//! All stages at once: from the author's texts to those that the engine is given.

use std::collections::BTreeMap;

use crate::{
    core,
    diagnostic::{Code, Diagnostic},
    lower::lower,
    parse::{
        parse,
        tree::{Module, Rule},
    },
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

/// The rules of all files of which `is_one` holds, each with its file, and with that of the first of its path.
fn of_a_path(
    modules: &[(String, Module)],
    is_one: fn(&Rule) -> bool,
) -> impl Iterator<Item = (&str, &Rule, (&str, &Rule))> {
    let mut first = BTreeMap::new();
    let rules = modules.iter().flat_map(|(file, module)| {
        let package: Vec<&str> = module
            .package
            .iter()
            .map(|name| name.text.as_str())
            .collect();
        let rules = module.rules.iter();
        rules.map(move |rule| (file.as_str(), package.clone(), rule))
    });
    rules
        .filter(move |(_, _, rule)| is_one(rule))
        .map(move |(file, package, rule)| {
            let path: Vec<_> = rule.head.path.iter().map(|part| &part.kind).collect();
            let key = (package, rule.head.name.text.as_str(), format!("{path:?}"));
            (file, rule, *first.entry(key).or_insert((file, rule)))
        })
}

/// Finds rules with two defaults.
fn two_defaults(modules: &[(String, Module)], diagnostics: &mut Vec<Diagnostic>) {
    for (file, rule, (other, first)) in of_a_path(modules, |rule| rule.is_default) {
        if !std::ptr::eq(rule, first) {
            let (name, place) = (&rule.head.name.text, first.span);
            diagnostics.push(Diagnostic {
                code: Code::Rule,
                file: file.to_owned(),
                span: rule.span,
                message: format!("`{name}` has another default at {other}:{place}"),
                cure: Some("keep one".to_owned()),
            });
        }
    }
}

/// Finds functions that are defined in two files, of which the engine would mix up the arguments.
fn functions_in_two_files(modules: &[(String, Module)], diagnostics: &mut Vec<Diagnostic>) {
    for (file, rule, (other, _)) in of_a_path(modules, |rule| rule.head.arguments.is_some()) {
        if file != other {
            let name = &rule.head.name.text;
            diagnostics.push(Diagnostic {
                code: Code::Unsupported,
                file: file.to_owned(),
                span: rule.head.span,
                message: format!("the function `{name}` is defined in {other} too"),
                cure: Some("write all its definitions in one file".to_owned()),
            });
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
