//! Rules whose names mean something else here than in OPA, or that OPA would not load.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Rule, RuleHead};
use serde_json::{Map, Value};

use super::{Node, Refusals};
use crate::plan::names::constant_prefix;

/// regorus makes the keys on the way to a value or an element even where there is none, and OPA does not.
pub(super) fn keys_are_constant(rule: &Rule, refusals: &mut Refusals<'_>) {
    let Rule::Spec { head, .. } = rule else {
        return;
    };
    let (way, advice) = match head {
        RuleHead::Set { refr, .. } => (
            refr,
            "an object of sets, such as `s[key] := {x | ..} if ..`",
        ),
        RuleHead::Compr { refr, .. } => match refr.as_ref() {
            // The last key of an object is made with its value.
            Expr::RefBrack { refr, .. } | Expr::RefDot { refr, .. } => (
                refr,
                "an object of objects, such as `o[key] := {..: .. | ..} if ..`",
            ),
            _ => return,
        },
        RuleHead::Func { .. } => return,
    };
    if !constant_prefix(way).1 {
        refusals.add(
            rule.span().line,
            format!("a key in a rule's name that is not constant and not the last has another meaning here than in OPA: write {advice}"),
        );
    }
}

/// `g`, where there are rules `g.a` and `g.b`, is an object in OPA even where both are undefined, and undefined here.
pub(super) fn nothing_is_a_group_of_rules(
    nodes: &BTreeMap<String, Node>,
    packages: &BTreeSet<String>,
    all: &mut Vec<String>,
) {
    for node in nodes.values() {
        for (path, line) in &node.uses {
            let below = format!("{path}.");
            let is_group = !nodes.contains_key(path)
                && nodes
                    .range(below.clone()..)
                    .next()
                    .is_some_and(|(other, _)| other.starts_with(&below));
            let is_in_package = packages
                .iter()
                .any(|package| path.starts_with(&format!("{package}.")))
                && !packages.iter().any(|package| package.starts_with(&below));
            // A package is an object whatever is defined in it, but not what a rule's name makes in it.
            let is_of_packages = packages.iter().any(|package| {
                (package == path || package.starts_with(&below))
                    && nodes
                        .range(format!("{package}.")..)
                        .take_while(|(rule, _)| rule.starts_with(&format!("{package}.")))
                        .any(|(rule, _)| {
                            rule.get(package.len() + 1..)
                                .is_some_and(|rest| rest.contains('.'))
                                && !packages.iter().any(|other| {
                                    rule.starts_with(&format!("{other}."))
                                        && other.len() > package.len()
                                })
                        })
            });
            if is_group && is_in_package || is_of_packages {
                Refusals::of_file(&node.file, all).add(
                    *line,
                    format!("`{path}` stands for all rules below it, which has another meaning here than in OPA where none of them is defined: refer to each rule by its whole name"),
                );
            }
        }
    }
}

/// OPA loads no rule whose path is a package's or that of a value of `data`.
pub(super) fn nothing_is_defined_twice(
    nodes: &BTreeMap<String, Node>,
    packages: &BTreeSet<String>,
    data: &Map<String, Value>,
    all: &mut Vec<String>,
) {
    for (path, node) in nodes {
        let mut refusals = Refusals::of_file(&node.file, all);
        let below = format!("{path}.");
        if packages.contains(path)
            || packages
                .range(below.clone()..)
                .next()
                .is_some_and(|package| package.starts_with(&below))
        {
            refusals.add(node.line, format!("`{path}` is the path of a package too"));
        }
        let is_internal = path.match_indices(".internal").any(|(at, name)| {
            let (package, rest) = path.split_at(at);
            let rest = rest.strip_prefix(name).unwrap_or_default();
            (rest.is_empty() || rest.starts_with('.')) && packages.contains(package)
        });
        if is_internal {
            refusals.add(
                node.line,
                "`internal` is a name of the language: give the rule another one",
            );
        }
        let mut names = path.split('.').skip(1);
        let first = names.next().and_then(|name| data.get(name));
        let found = names.try_fold(first, |value, name| match value {
            Some(Value::Object(members)) => Some(members.get(name)),
            // A value that is no object stands above the rule.
            Some(_) => None,
            None => Some(None),
        });
        if !matches!(found, Some(None)) {
            refusals.add(
                node.line,
                format!("`{path}` is data too: rename the rule or move the data"),
            );
        }
    }
}
