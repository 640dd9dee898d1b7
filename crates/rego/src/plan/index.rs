//! Index: finds the rules that can match a request. In a large policy most rules are about one collection.
//!
//! A rule with `input.ogc.collection == "lakes"` in its body cannot hold for another collection. A package that is only
//! reached by `data.collections[input.ogc.collection]` is only needed for its collection. If a set is only used in
//! `input.ogc.collection in readable`, only one member matters. All other rules are not evaluated for the request, if that
//! changes nothing. OPA has a similar rule index.

mod condition;
mod groups;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::Rule;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    names::{package_path, path_of},
    syntax::{Parsed, has_with},
};

/// Choosing rules costs more than it saves if fewer rules than this can be left out.
const MIN_LEFT_OUT: usize = 4;

/// Rules that are never left out are in every engine. With more of them, the engines would take more memory than they
/// save.
const MAX_STAYING: usize = 256;

/// A step of a path in `input`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum PathPart {
    /// A member.
    Name(String),
    /// An element.
    At(usize),
}

/// A rule that can hold only for some values. It is known by its place in the text of its module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    /// Where the next rule begins; `None` for the last one.
    pub(crate) end: Option<usize>,
    pub(crate) values: Vec<String>,
    /// The number of the rule in its module.
    pub(crate) rule: usize,
}

/// The rules that can be left out, chosen by the value of one path in `input`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    path: Vec<PathPart>,
    /// The paths of groups: packages or sets. A request only needs the member of the group that its value names.
    groups: BTreeSet<String>,
    /// The modules of these groups, each with the value that needs it.
    modules: BTreeMap<String, String>,
    /// How many rules are never left out.
    pub(crate) stay: usize,
    /// The rules of all other modules that can be left out.
    pieces: BTreeMap<String, Vec<Piece>>,
}

impl Index {
    /// The index of a policy, or `None` if too few rules can be left out.
    pub(crate) fn of(modules: &[Parsed]) -> Option<Self> {
        let is_replaced = |parsed: &Parsed| parsed.module.policy.iter().any(|rule| has_with(rule));
        let is_ambiguous = |parsed: &Parsed| !groups::is_plainly_named(&parsed.module);
        // `with` replaces `input` for a rule, so the value in the request does not say which rules can hold.
        if modules.iter().any(is_replaced) || modules.iter().any(is_ambiguous) {
            return None;
        }
        let path = most_used(modules)?;
        let groups = groups::of(modules, &path);
        let mut pieces = BTreeMap::new();
        let kept = modules
            .iter()
            .filter(|parsed| !groups.modules.contains_key(&parsed.name));
        let only_for = |rule: &Rule, name: &str| {
            let asked = condition::values(rule, &path);
            let member = || {
                let errs = groups.looked_through.contains(name) && !condition::cannot_err(rule);
                let is_chosen = groups.paths.contains(name) && !errs;
                is_chosen.then(|| groups::set_member(rule)).flatten()
            };
            asked.or_else(|| Some(vec![member()?]))
        };
        let mut defined = BTreeSet::new();
        for parsed in kept.clone() {
            let package = package_path(&parsed.module);
            for rule in &parsed.module.policy {
                let name = path_of(rule, &package);
                if only_for(rule, &name).is_none() {
                    defined.insert(name);
                }
            }
        }
        let mut stubs = BTreeSet::new();
        for parsed in kept {
            let package = package_path(&parsed.module);
            let mut of_module = Vec::new();
            let rules = &parsed.module.policy;
            // Use the start of the next rule: a rule's own end leaves out the closing quotation mark of a string.
            let ends = rules.iter().skip(1).map(|next| Some(next.span().start));
            for (number, (rule, end)) in rules.iter().zip(ends.chain([None])).enumerate() {
                let name = path_of(rule, &package);
                let Some(values) = only_for(rule, &name) else {
                    continue;
                };
                // If no rule defined a name, the name would mean something else. So one rule of each name stays,
                // although it cannot hold.
                if !defined.contains(&name) && stubs.insert(name) {
                    continue;
                }
                of_module.push(Piece {
                    start: usize::try_from(rule.span().start).ok()?,
                    end: end.map(usize::try_from).transpose().ok()?,
                    values,
                    rule: number,
                });
            }
            if !of_module.is_empty() {
                pieces.insert(parsed.name.clone(), of_module);
            }
        }
        let left_out: usize = pieces.values().map(Vec::len).sum();
        let (all, of_packages) = count(modules, &groups.modules);
        let stay = all - of_packages - left_out;
        let is_worth_it = groups.modules.len() + left_out >= MIN_LEFT_OUT
            && of_packages + left_out >= stay
            && stay <= MAX_STAYING;
        is_worth_it.then_some(Self {
            path,
            groups: groups.paths,
            modules: groups.modules,
            stay,
            pieces,
        })
    }

    /// Whether this rule is left out for some requests.
    pub(crate) fn leaves_out(&self, rule: &str) -> bool {
        self.groups.iter().any(|group| {
            let below = rule.strip_prefix(group.as_str());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// The value of a request at the path of the index, if it is a string.
    pub(crate) fn value<'a>(&self, input: &'a Value) -> Option<&'a str> {
        let mut value = input;
        for step in &self.path {
            value = match step {
                PathPart::Name(name) => value.as_object()?.get(name)?,
                PathPart::At(index) => value.as_array()?.get(*index)?,
            };
        }
        value.as_str()
    }

    /// The value that needs a module, or `None` if all values need it.
    pub(crate) fn module(&self, name: &str) -> Option<&str> {
        self.modules.get(name).map(String::as_str)
    }

    /// The rules of a module that are left out for most values.
    pub(crate) fn pieces(&self, module: &str) -> &[Piece] {
        self.pieces.get(module).map_or(&[], Vec::as_slice)
    }
}

/// The number of all rules, and the number of rules in the modules `some`.
fn count(modules: &[Parsed], some: &BTreeMap<String, String>) -> (usize, usize) {
    let rules = |parsed: &Parsed| parsed.module.policy.len();
    let in_some = modules
        .iter()
        .filter(|parsed| some.contains_key(&parsed.name));
    (modules.iter().map(rules).sum(), in_some.map(rules).sum())
}

/// The path in `input` that leaves out most rules. Each path is judged by its worst value, for which the fewest rules
/// are left out.
fn most_used(modules: &[Parsed]) -> Option<Vec<PathPart>> {
    let mut rules: BTreeMap<Vec<PathPart>, BTreeMap<String, usize>> = BTreeMap::new();
    let mut count = |path: Vec<PathPart>, value: String, number: usize| {
        *rules.entry(path).or_default().entry(value).or_default() += number;
    };
    for parsed in modules {
        for rule in &parsed.module.policy {
            for (path, values) in condition::all(rule) {
                for value in values {
                    count(path.clone(), value, 1);
                }
            }
        }
    }
    for package in groups::candidates(modules) {
        count(package.path, package.value, package.rules);
    }
    let left_out = |values: &BTreeMap<String, usize>| {
        values.values().sum::<usize>() - values.values().max().copied().unwrap_or(0)
    };
    let best = rules.into_iter().max_by_key(|(_, values)| left_out(values));
    best.map(|(path, _)| path)
}

#[cfg(test)]
mod tests;
