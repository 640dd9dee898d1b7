//! Packages of which a request reaches one only: `data.collections[input.ogc.collection].allow`.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Expr, Module};

use super::{
    super::{
        names::{Names, Scope, package_path},
        syntax::{Parsed, Visitor, constant_path, walk_rule},
    },
    Step,
    condition::input_path,
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
    /// Any member.
    Any,
}

/// A package that could be chosen by its name.
pub(super) struct Candidate {
    /// Where in `input` the name would be.
    pub(super) path: Vec<Step>,
    /// The name.
    pub(super) value: String,
    /// How many rules it has.
    pub(super) rules: usize,
}

/// The packages that references choose by a path in `input`.
pub(super) fn candidates(modules: &[Parsed], names: &Names) -> Vec<Candidate> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for reference in references(modules, names) {
        if let Next::By(path) = reference.next
            && seen.insert((reference.prefix.clone(), path.clone()))
        {
            all.extend(modules.iter().filter_map(|parsed| {
                let value = member(&package_path(&parsed.module), &reference.prefix)?.to_owned();
                Some(Candidate {
                    path: path.clone(),
                    value,
                    rules: parsed.module.policy.len(),
                })
            }));
        }
    }
    all
}

/// The paths below which packages are reached by the value of `path` only, and the modules below them with their values.
pub(super) fn of(
    modules: &[Parsed],
    names: &Names,
    path: &[Step],
) -> (BTreeSet<String>, BTreeMap<String, String>) {
    if modules
        .iter()
        .any(|parsed| !is_plainly_named(&parsed.module))
    {
        return Default::default();
    }
    let references = references(modules, names);
    let mut groups: BTreeSet<String> = references
        .iter()
        .filter(|r| matches!(&r.next, Next::By(by) if by == path) && r.prefix.starts_with("data."))
        .map(|reference| reference.prefix.clone())
        .collect();
    groups.retain(|group| {
        references
            .iter()
            .all(|reference| !reaches_all(reference, group, path))
    });
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
    (groups, chosen)
}

/// Whether a reference can reach several members of a group.
fn reaches_all(reference: &Reference, group: &str, path: &[Step]) -> bool {
    if reference.prefix == group {
        return !matches!(&reference.next, Next::By(by) if by == path);
    }
    member(group, &reference.prefix).is_some()
}

/// The first name of `path` below `group`.
fn member<'a>(path: &'a str, group: &str) -> Option<&'a str> {
    let below = path.strip_prefix(group)?.strip_prefix('.')?;
    below.split('.').next()
}

/// Whether no name of a package or an import has a dot in it, which would make two names of one.
fn is_plainly_named(module: &Module) -> bool {
    let imports = module.imports.iter().map(|import| &import.refr);
    std::iter::once(&module.package.refr)
        .chain(imports)
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

fn references(modules: &[Parsed], names: &Names) -> Vec<Reference> {
    let mut all = Vec::new();
    for parsed in modules {
        let scope = names.scope(&parsed.module);
        let from = scope.package.clone();
        let mut references = References {
            scope: &scope,
            from: &from,
            all: &mut all,
        };
        for import in &parsed.module.imports {
            references.add(&import.refr);
        }
        for rule in &parsed.module.policy {
            walk_rule(rule, &mut references);
        }
    }
    all
}

struct References<'a, 'b> {
    scope: &'a Scope<'b>,
    from: &'a str,
    all: &'a mut Vec<Reference>,
}

impl References<'_, '_> {
    fn add(&mut self, reference: &Expr) {
        let (prefix, next) = parts(reference);
        if let Some(prefix) = prefix {
            self.all.push(Reference {
                prefix: self.scope.resolve(&prefix),
                next,
                from: self.from.to_owned(),
            });
        }
    }
}

impl Visitor for References<'_, '_> {
    fn expression(&mut self, expression: &Expr) -> bool {
        match expression {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => self.add(expression),
            Expr::Call { fcn, .. } => self.add(fcn),
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
