//! Finds arguments of the policy's functions that the parts of `input` with which the functions compare them never have.

use std::collections::BTreeMap;

use super::{
    Findings, Ids,
    schema::Schema,
    shape::{Locals, Part, Rules, Shape},
    values::{Compared, comparisons, findings_of},
};
use crate::resolve::{
    File,
    tree::{Function, Local, Rule, Scalar, Value},
    uses,
};

/// The parts with which all definitions of a function compare an argument, by the path of the function and the position.
pub(super) type Arguments<'a> = BTreeMap<(Vec<String>, usize), Vec<(Part<'a>, Compared)>>;

/// Finds out with what functions compare their arguments.
pub(super) fn compared<'a>(
    files: &'a [File],
    rules: &Rules<'a>,
    schema: Schema<'a>,
) -> Arguments<'a> {
    let mut all = Arguments::new();
    // Two rounds, because a function can hand on its arguments to another one.
    for _ in 0..2 {
        let mut found: BTreeMap<_, Option<Vec<(Part<'a>, Compared)>>> = BTreeMap::new();
        for file in files {
            for rule in file.rules.iter().filter(|rule| rule.arguments.is_some()) {
                let path = file.path(rule);
                for (at, parts) in of_rule(rule, rules, schema, &all) {
                    let entry = found.entry((path.clone(), at)).or_insert(Some(Vec::new()));
                    // A definition that compares it with nothing known can take any argument.
                    match entry {
                        Some(before) if !parts.is_empty() => before.extend(parts),
                        _ => *entry = None,
                    }
                }
            }
        }
        all = found
            .into_iter()
            .filter_map(|(key, parts)| Some((key, parts?)))
            .collect();
    }
    all
}

/// The parts with which one definition compares each of its arguments.
fn of_rule<'a>(
    rule: &Rule,
    rules: &Rules<'a>,
    schema: Schema<'a>,
    known: &Arguments<'a>,
) -> Vec<(usize, Vec<(Part<'a>, Compared)>)> {
    let locals = Locals::of(rule, rules, schema);
    // A default counts where no other definition takes the argument.
    let arguments = rule.arguments.iter().flatten().enumerate();
    arguments
        .filter(|_| !rule.is_default)
        .map(|(at, argument)| {
            let parts = match argument {
                Value::Local(local) => of_argument(*local, rule, (&locals, rules, schema), known),
                // Another pattern compares it with something else.
                _ => Vec::new(),
            };
            (at, parts)
        })
        .collect()
}

fn of_argument<'a>(
    local: Local,
    rule: &Rule,
    (locals, rules, schema): (&Locals<'a>, &Rules<'a>, Schema<'a>),
    known: &Arguments<'a>,
) -> Vec<(Part<'a>, Compared)> {
    let is_it = |value: &Value| *value == Value::Local(local);
    let mut parts = Vec::new();
    for (left, right, compared, _) in comparisons(rule) {
        let other = match compared {
            Compared::In if is_it(&left) => locals
                .elements(&right, rules, schema)
                .map(|shape| (shape, Compared::Equal)),
            _ if is_it(&left) => locals
                .shape(&right, rules, schema)
                .map(|shape| (shape, compared)),
            _ if is_it(&right) => locals
                .shape(&left, rules, schema)
                .map(|shape| (shape, compared)),
            _ => None,
        };
        if let Some((Shape::Part(part), compared)) = other {
            parts.push((part, compared));
        }
    }
    uses::calls(rule, &mut |function, arguments, _| {
        if let Function::Rule { path, .. } = function {
            for at in (0..arguments.len()).filter(|at| arguments.get(*at).is_some_and(is_it)) {
                parts.extend(
                    known
                        .get(&(path.clone(), at))
                        .into_iter()
                        .flatten()
                        .cloned(),
                );
            }
        }
    });
    parts
}

/// Reports constant arguments that no part has with which the function compares them.
pub(super) fn check(
    file: &File,
    known: &Arguments<'_>,
    (rules, schema): (&Rules<'_>, Schema<'_>),
    ids: &BTreeMap<String, Ids>,
    findings: &mut Findings<'_>,
) {
    if known.is_empty() {
        return;
    }
    for rule in &file.rules {
        let locals = Locals::of(rule, rules, schema);
        uses::calls(rule, &mut |function, arguments, span| {
            let Function::Rule { path, .. } = function else {
                return;
            };
            for (at, argument) in arguments.iter().enumerate() {
                let Some(parts) = known.get(&(path.clone(), at)) else {
                    continue;
                };
                let (all, is_collection): (Vec<Scalar>, _) =
                    match locals.shape(argument, rules, schema) {
                        Some(Shape::Constants(all)) => (all, false),
                        Some(Shape::Collection(all)) => (all, true),
                        _ => continue,
                    };
                for constant in &all {
                    let mut of_parts = parts.iter().map(|(part, compared)| {
                        // A list is searched, and another argument is compared.
                        if is_collection == (*compared == Compared::In) {
                            findings_of(part, constant, *compared, ids, &|| span)
                        } else {
                            Vec::new()
                        }
                    });
                    let first = of_parts.next().unwrap_or_default();
                    if !first.is_empty() && of_parts.all(|other| !other.is_empty()) {
                        for found in first {
                            findings.add(found);
                        }
                    }
                }
            }
        });
    }
}
