//! Arranges functions in forms that the engine supports.
//!
//! If a function is defined in two files, the engine confuses its arguments. So the definitions of each file become a
//! separate function, and one function calls them all. If a function's name has several parts, the engine ignores its
//! default. So it gets a name of one part.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{Path, Places};
use crate::resolve::{
    File,
    tree::{Body, Function, Kind, Rule, Value, Variable},
};

/// Merges functions that are defined in several files into one.
pub(super) fn join(files: &mut [File], places: &mut Places) {
    let mut homes: BTreeMap<Path, BTreeSet<usize>> = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        for rule in file.rules.iter().filter(|rule| rule.arguments.is_some()) {
            homes.entry(file.path(rule)).or_default().insert(number);
        }
    }
    homes.retain(|_, files| files.len() > 1);
    let mut made: BTreeMap<usize, Vec<Rule>> = BTreeMap::new();
    for (function, (path, homes)) in homes.iter().enumerate() {
        let mut joined = Vec::new();
        for number in homes {
            let Some(file) = files.get_mut(*number) else {
                continue;
            };
            let package = file.path_of_package();
            let part = format!("{}part{function}_{number}", places.prefix);
            let mut rules = Vec::new();
            let mut is_called = false;
            for mut rule in std::mem::take(&mut file.rules) {
                if rule.arguments.is_none()
                    || [package.as_slice(), rule.path.as_slice()].concat() != *path
                {
                    rules.push(rule);
                    continue;
                }
                if rule.is_default {
                    joined.push(rule);
                    continue;
                }
                if !is_called {
                    is_called = true;
                    let mut place = package.clone();
                    place.push(part.clone());
                    joined.push(calling(&rule, place));
                }
                rule.path = vec![part.clone()];
                let place = [package.as_slice(), rule.path.as_slice()].concat();
                places.parts.insert(place, path.clone());
                rules.push(rule);
            }
            file.rules = rules;
        }
        if let Some(first) = homes.first() {
            made.entry(*first).or_default().extend(joined);
        }
    }
    for (number, rules) in made {
        if let Some(file) = files.get_mut(number) {
            file.rules.extend(rules);
        }
    }
}

/// The rule `f(a, b) := part(a, b)`.
fn calling(rule: &Rule, part: Path) -> Rule {
    let arity = rule.arguments.as_ref().map_or(0, Vec::len);
    let arguments: Vec<Value> = (0..arity).map(Value::Local).collect();
    let locals = (0..arity).map(|_| Variable {
        name: String::new(),
        depth: 0,
    });
    let function = Function::Rule { path: part, arity };
    Rule {
        is_default: false,
        path: rule.path.clone(),
        keys: Vec::new(),
        arguments: Some(arguments.clone()),
        kind: Kind::Value,
        body: Body {
            query: None,
            value: Some(Value::Call(function, arguments)),
            span: rule.span,
        },
        elses: Vec::new(),
        replaced: Vec::new(),
        locals: locals.collect(),
        span: rule.span,
    }
}

/// Sets the places of the functions of all files.
pub(super) fn flatten(files: &mut [File], places: &mut Places) {
    let mut names: BTreeMap<Path, String> = BTreeMap::new();
    for file in files {
        let package = file.path_of_package();
        let functions = file.rules.iter_mut();
        for rule in functions.filter(|rule| rule.arguments.is_some() && rule.path.len() > 1) {
            let path = [package.as_slice(), rule.path.as_slice()].concat();
            let number = names.len();
            let name = names
                .entry(path.clone())
                .or_insert_with(|| format!("{}function{number}", places.prefix));
            rule.path = vec![name.clone()];
            let place = [package.as_slice(), rule.path.as_slice()].concat();
            places.others.insert(path, place);
        }
    }
}
