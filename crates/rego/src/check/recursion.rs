//! Finds rules that use each other in a circle, and chains of rules that are too long. They would overflow the stack,
//! which cannot be caught.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{File, uses},
    source::Span,
};

/// How deep expressions may be nested, including the expressions of the rules that they use.
///
/// Measured: 400 levels of functions, operators, references and comprehensions need less than 1 MiB of stack in a build
/// without optimisation. Evaluations have 64 MiB.
const MAX_DEPTH: usize = 2000;
/// The depth that a rule adds: entering it needs as much stack as some levels of nesting.
const RULE_DEPTH: usize = 4;

/// A full path, `data` first.
pub(super) type Path = Vec<String>;

/// All rules with one path.
struct Node<'a> {
    file: &'a str,
    span: Span,
    depth: usize,
    /// The paths that they use.
    uses: BTreeSet<Path>,
}

/// Adds an error for each rule that uses itself, and for each chain that is too long.
///
/// Returns the paths of all rules. A rule stands behind the rules that it uses, and otherwise in the order in which they are written:
/// OPA does not know the types of rules that follow.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) -> Vec<Path> {
    let mut nodes: BTreeMap<Path, Node<'_>> = BTreeMap::new();
    let mut written = Vec::new();
    for file in files {
        for rule in &file.rules {
            let mut uses = BTreeSet::new();
            let depth = uses::of_rule(rule, &mut |path, _| {
                if path.first().is_some_and(|first| first == "data") {
                    uses.insert(path.to_vec());
                }
            });
            let path = file.path(rule);
            if !nodes.contains_key(&path) {
                written.push(path.clone());
            }
            let node = nodes.entry(path).or_insert_with(|| Node {
                file: &file.name,
                span: rule.span,
                depth: 0,
                uses: BTreeSet::new(),
            });
            node.depth = node.depth.max(depth + RULE_DEPTH);
            node.uses.extend(uses);
        }
    }
    let mut search = Search {
        nodes: &nodes,
        depths: BTreeMap::new(),
        order: Vec::new(),
        diagnostics,
    };
    for path in &written {
        if let Some((path, node)) = nodes.get_key_value(path) {
            search.visit(path, node);
        }
    }
    search.order
}

/// Finds circles and long chains, without recursion of its own.
struct Search<'a, 'b> {
    nodes: &'a BTreeMap<Path, Node<'a>>,
    /// The depth below each finished rule.
    depths: BTreeMap<&'a Path, usize>,
    /// The finished rules, in the order in which they were finished.
    order: Vec<Path>,
    diagnostics: &'b mut Vec<Diagnostic>,
}

impl<'a> Search<'a, '_> {
    fn visit(&mut self, path: &'a Path, node: &'a Node<'a>) {
        if self.depths.contains_key(path) {
            return;
        }
        let mut way = vec![(path, node, self.used_by(node))];
        let mut on_way = BTreeSet::from([path]);
        while let Some((path, node, rest)) = way.last_mut() {
            let Some(next) = rest.pop() else {
                let below = self.used_by(node);
                let below = below.iter().filter_map(|used| self.depths.get(used)).max();
                let depth = node.depth + below.copied().unwrap_or_default();
                if depth > MAX_DEPTH && node.depth + MAX_DEPTH >= depth {
                    let message = format!(
                        "expressions and the rules that they use are nested {depth} deep, more than {MAX_DEPTH}"
                    );
                    self.fault(
                        node,
                        Code::TooDeep,
                        message,
                        "use fewer rules in a chain, or data",
                    );
                }
                self.depths.insert(path, depth);
                self.order.push((*path).clone());
                on_way.remove(path);
                way.pop();
                continue;
            };
            if on_way.contains(next) {
                let (path, next) = (path.join("."), next.join("."));
                let message =
                    format!("`{path}` evaluates `{next}`, which evaluates `{path}` again");
                self.fault(node, Code::Recursion, message, "a rule must not use itself");
                continue;
            }
            if self.depths.contains_key(next) {
                continue;
            }
            if let Some(node) = self.nodes.get(next) {
                let used = self.used_by(node);
                on_way.insert(next);
                way.push((next, node, used));
            }
        }
    }

    fn fault(&mut self, node: &Node<'_>, code: Code, message: String, cure: &str) {
        self.diagnostics.push(Diagnostic {
            code,
            file: node.file.to_owned(),
            span: node.span,
            message,
            cure: Some(cure.to_owned()),
            ..Diagnostic::default()
        });
    }

    /// The rules that a path leads to: below a package, or above a value.
    fn used_by(&self, node: &Node<'_>) -> Vec<&'a Path> {
        let mut all = BTreeSet::new();
        for path in &node.uses {
            let below = self.nodes.range(path.clone()..);
            all.extend(
                below
                    .map(|(other, _)| other)
                    .take_while(|other| other.starts_with(path)),
            );
            for end in 1..path.len() {
                let above = path.get(..end).map(<[String]>::to_vec);
                let found = above.and_then(|above| self.nodes.get_key_value(&above));
                all.extend(found.map(|(above, _)| above));
            }
        }
        all.into_iter().collect()
    }
}
