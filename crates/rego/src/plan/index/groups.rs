//! Finds groups that have one member for each request. A group is several packages
//! (`data.collections[input.ogc.collection].allow`) or a set (`input.ogc.collection in readable`).

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module, Rule, RuleHead};

use super::{
    super::{
        names::{package_path, path_of},
        syntax::{Parsed, Visitor, constant_path, walk_rule},
    },
    PathPart,
    condition::{input_path, string},
};

/// A reference, and what it takes from the document that it names.
struct Reference {
    /// The constant names at its start.
    prefix: String,
    next: Next,
    /// The package in which it is written.
    from: String,
}

#[derive(PartialEq)]
enum Next {
    /// Nothing follows: it takes everything there.
    End,
    /// The member whose name is at this path in `input`.
    By(Vec<PathPart>),
    /// It looks in a collection for the value at this path in `input`, such as `input.c in data.a`.
    In(Vec<PathPart>),
    /// Any member.
    Any,
}

/// A package that can be chosen by its name, or a rule that can be chosen by the member that it adds to a set.
pub(super) struct Candidate {
    /// The path in `input` that chooses it.
    pub(super) path: Vec<PathPart>,
    /// The value of the path that chooses it.
    pub(super) value: String,
    /// The number of its rules.
    pub(super) rules: usize,
}

/// The largest number of groups that are tried. It bounds the time for policies with no clear pattern.
const MAX_CHOICES: usize = 64;

/// The paths of all groups, each with the path in `input` that chooses the member. All references to a group choose by
/// the same path.
fn groups<'a>(
    modules: &[Parsed],
    references: &'a [Reference],
) -> BTreeSet<(&'a str, &'a [PathPart])> {
    let choices: BTreeSet<(&str, &[PathPart])> = references
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

/// The kind of document at the path of a group.
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

    /// Whether a reference reaches at most the member of the group that `path` in `input` names.
    fn allows(&self, reference: &Reference, group: &str, path: &[PathPart]) -> bool {
        if reference.prefix == group {
            return match &reference.next {
                Next::By(by) => by == path,
                // For packages, `in` compares the contents of each package, so all are needed.
                Next::In(by) => by == path && *self == Self::Set,
                Next::End | Next::Any => false,
            };
        }
        let is_above = member(group, &reference.prefix).is_some();
        // A package that is also referred to by its constant name is never left out. For a set, such a reference rules
        // out the group.
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

/// The groups that one path in `input` chooses from.
#[derive(Default)]
pub(super) struct Groups {
    /// The paths of packages and sets.
    pub(super) paths: BTreeSet<String>,
    /// The sets that an `in` looks through. It evaluates all members, so an error in any member counts.
    pub(super) looked_through: BTreeSet<String>,
    /// The modules of the packages, each with the value that needs it.
    pub(super) modules: BTreeMap<String, String>,
}

/// The groups that the value at `path` chooses from.
pub(super) fn of(modules: &[Parsed], path: &[PathPart]) -> Groups {
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

/// Whether no name of a package, an import or a rule contains a dot. Such a name would look like two names.
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
                    // Both sides are constant paths, so nothing else is in them. Stop here, or the collection would
                    // count as needed whole.
                    return false;
                }
            }
            _ => {}
        }
        true
    }
}

/// The constant names at the start of a reference, and what follows them.
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
