//! Packages of which a request reaches one only, `data.collections[input.ogc.collection].allow`, and sets of which it asks for
//! one member only, `input.ogc.collection in readable`.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Rule, RuleHead};

use super::{
    super::{
        names::{package_path, path_of},
        syntax::{Parsed, Visitor, constant_path, walk_rule},
    },
    Step,
    condition::{input_path, string},
};

/// Where a reference leads.
struct Reference {
    /// The constant names that it begins with, below `data` or `input`.
    prefix: String,
    next: Next,
    /// The package in which it is written.
    from: String,
}

#[derive(PartialEq)]
enum Next {
    /// Nothing: all of what is there.
    End,
    /// The member of which the name is at this path in `input`.
    By(Vec<Step>),
    /// What is at this path is looked for among its values: `input.c in data.a`.
    In(Vec<Step>),
    /// Any member.
    Any,
}

/// A package that could be chosen by its name, or a rule by the member that it adds to a set.
pub(super) struct Candidate {
    /// Where in `input` the name would be.
    pub(super) path: Vec<Step>,
    /// The name.
    pub(super) value: String,
    /// How many rules it has.
    pub(super) rules: usize,
}

/// Choices that are looked at; a policy with more of them is not written by one pattern.
const MAX_CHOICES: usize = 64;

/// Each path of packages or a set of which all references reach one only, with the path in `input` by which they do.
fn groups<'a>(modules: &[Parsed], references: &'a [Reference]) -> BTreeSet<(&'a str, &'a [Step])> {
    let choices: BTreeSet<(&str, &[Step])> = references
        .iter()
        .filter_map(|reference| match &reference.next {
            Next::By(path) | Next::In(path) if reference.prefix.starts_with("data.") => {
                Some((reference.prefix.as_str(), path.as_slice()))
            }
            _ => None,
        })
        .collect();
    choices
        .into_iter()
        .take(MAX_CHOICES)
        .filter(|(group, path)| {
            let kind = Kind::of(group, modules);
            references
                .iter()
                .all(|reference| kind.allows(reference, group, path))
        })
        .collect()
}

/// What stands at the path of a group.
#[derive(PartialEq)]
enum Kind {
    Packages,
    Set,
}

impl Kind {
    fn of(group: &str, modules: &[Parsed]) -> Self {
        let is_defined = modules.iter().any(|parsed| {
            let package = package_path(&parsed.module);
            let mut rules = parsed.module.policy.iter();
            rules.any(|rule| path_of(rule, &package) == group)
        });
        if is_defined {
            Self::Set
        } else {
            Self::Packages
        }
    }

    /// Whether a reference reaches nothing of a group but the member that a path in `input` names.
    fn allows(&self, reference: &Reference, group: &str, path: &[Step]) -> bool {
        if reference.prefix == group {
            return match &reference.next {
                Next::By(by) => by == path,
                // Of packages, `in` compares what they hold.
                Next::In(by) => by == path && *self == Self::Set,
                Next::End | Next::Any => false,
            };
        }
        let is_above = member(group, &reference.prefix).is_some();
        // A package that is asked for by its name stays; a set with such a member is left whole.
        let is_member = *self == Self::Set && member(&reference.prefix, group).is_some();
        !is_above && !is_member
    }
}

/// The packages and rules that references choose by a path in `input`.
pub(super) fn candidates(modules: &[Parsed]) -> Vec<Candidate> {
    let mut all = Vec::new();
    for (group, path) in groups(modules, &references(modules)) {
        let candidate = |value: String, rules| Candidate {
            path: path.to_vec(),
            value,
            rules,
        };
        for parsed in modules {
            let package = package_path(&parsed.module);
            if let Some(value) = member(&package, group) {
                let rules = parsed.module.policy.len();
                all.push(candidate(value.to_owned(), rules));
            }
            let rules = parsed.module.policy.iter();
            let members = rules.filter(|rule| path_of(rule, &package) == group);
            all.extend(members.filter_map(|rule| Some(candidate(set_member(rule)?, 1))));
        }
    }
    all
}

/// The constant that a rule adds to a set.
pub(super) fn set_member(rule: &Rule) -> Option<String> {
    match rule {
        Rule::Spec {
            head:
                RuleHead::Set {
                    refr,
                    key: Some(key),
                    ..
                },
            ..
        } => constant_path(refr).and_then(|_| string(key)),
        _ => None,
    }
}

/// What a value reaches one of.
#[derive(Default)]
pub(super) struct Groups {
    /// The paths of packages and sets.
    pub(super) paths: BTreeSet<String>,
    /// Those of sets of which an `in` evaluates all members, and meets the errors of all.
    pub(super) looked_through: BTreeSet<String>,
    /// The modules of packages, each with its value.
    pub(super) modules: BTreeMap<String, String>,
}

/// What is reached by the value of `path` only.
pub(super) fn of(modules: &[Parsed], path: &[Step]) -> Groups {
    let references = references(modules);
    let groups: BTreeSet<String> = groups(modules, &references)
        .into_iter()
        .filter(|(_, by)| *by == path)
        .map(|(group, _)| group.to_owned())
        .collect();
    let looked_through = references
        .iter()
        .filter(|reference| matches!(reference.next, Next::In(_)))
        .map(|reference| reference.prefix.clone())
        .collect();
    let mut chosen = BTreeMap::new();
    for group in &groups {
        let asked_by_name: BTreeSet<&str> = references
            .iter()
            .filter_map(|reference| {
                let value = member(&reference.prefix, group)?;
                (member(&reference.from, group) != Some(value)).then_some(value)
            })
            .collect();
        for parsed in modules {
            let package = package_path(&parsed.module);
            if let Some(value) = member(&package, group)
                && !asked_by_name.contains(value)
            {
                chosen.insert(parsed.name.clone(), value.to_owned());
            }
        }
    }
    Groups {
        paths: groups,
        looked_through,
        modules: chosen,
    }
}

/// The first name of `path` below `group`.
fn member<'a>(path: &'a str, group: &str) -> Option<&'a str> {
    let below = path.strip_prefix(group)?.strip_prefix('.')?;
    below.split('.').next()
}

/// Whether no name of a package, an import or a rule has a dot in it, which would make two names of one.
pub(super) fn is_plainly_named(module: &Module) -> bool {
    let imports = module.imports.iter().map(|import| &import.refr);
    let rules = module.policy.iter().map(|rule| match rule.as_ref() {
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. }
            | RuleHead::Set { refr, .. }
            | RuleHead::Func { refr, .. } => refr,
        },
        Rule::Default { refr, .. } => refr,
    });
    std::iter::once(&module.package.refr)
        .chain(imports)
        .chain(rules)
        .all(|path| no_dots(path))
}

fn no_dots(path: &Expr) -> bool {
    match path {
        Expr::RefDot { refr, .. } => no_dots(refr),
        Expr::RefBrack { refr, index, .. } => {
            let is_plain = match index.as_ref() {
                Expr::String { value, .. } => {
                    value.as_string().is_ok_and(|name| !name.contains('.'))
                }
                _ => false,
            };
            is_plain && no_dots(refr)
        }
        _ => true,
    }
}

fn references(modules: &[Parsed]) -> Vec<Reference> {
    let mut all = Vec::new();
    for parsed in modules {
        let package = package_path(&parsed.module);
        let mut references = References {
            from: &package,
            all: &mut all,
        };
        for rule in &parsed.module.policy {
            walk_rule(rule, &mut references);
        }
    }
    all
}

struct References<'a> {
    from: &'a str,
    all: &'a mut Vec<Reference>,
}

impl References<'_> {
    fn add(&mut self, reference: &Expr) {
        let (prefix, next) = parts(reference);
        if let Some(prefix) = prefix {
            self.all.push(Reference {
                prefix,
                next,
                from: self.from.to_owned(),
            });
        }
    }
}

impl Visitor for References<'_> {
    fn expression(&mut self, expression: &Expr) -> bool {
        match expression {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.add(expression),
            Expr::Call { fcn, .. } => self.add(fcn),
            Expr::Membership {
                key: None,
                value,
                collection,
                ..
            } => {
                if let (Some(path), Some(by)) = (constant_path(collection), input_path(value)) {
                    self.all.push(Reference {
                        prefix: path,
                        next: Next::In(by),
                        from: self.from.to_owned(),
                    });
                    // A path of constants holds nothing else, and this collection is not asked for whole.
                    return false;
                }
            }
            _ => {}
        }
        true
    }
}

/// The constant names that a reference begins with, and how it goes on.
fn parts(reference: &Expr) -> (Option<String>, Next) {
    if let Some(path) = constant_path(reference) {
        return (Some(path), Next::End);
    }
    match reference {
        Expr::RefDot { refr, .. } => parts(refr),
        Expr::RefBrack { refr, index, .. } => match constant_path(refr) {
            Some(path) => (Some(path), input_path(index).map_or(Next::Any, Next::By)),
            None => parts(refr),
        },
        _ => (None, Next::Any),
    }
}
