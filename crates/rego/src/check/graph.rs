//! Which rules evaluate which others: rules in a circle and chains that are too long would end the process by a stack
//! overflow, which nothing can catch.

mod definitions;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use regorus::unstable::{Expr, Literal, LiteralStmt, Query, Rule, RuleHead};

use super::refusal::Refusals;
use crate::{
    plan::{
        locals,
        names::{Names, Scope, constant_prefix, path_of, root},
        syntax::{Parsed, Visitor, walk_rule},
    },
    run::builtins,
};

/// How deep expressions may be nested, with the expressions of the rules that they use.
///
/// Measured: 400 levels, of functions, operators, references and comprehensions, get by with 1 MiB of stack in a build
/// without optimisation. Evaluations have 64 MiB.
const MAX_DEPTH: usize = 2000;
/// What a rule adds to the depth of its expressions: entering it costs as much stack as some levels of nesting.
const RULE_DEPTH: usize = 4;

/// A rule, or all rules of the same name.
#[derive(Debug)]
struct Node {
    file: String,
    line: u32,
    depth: usize,
    /// What its rules refer to, with the first line that does.
    uses: BTreeMap<String, u32>,
}

/// Checks all rules of a policy, and the functions that they call.
pub(super) fn check(
    modules: &[Parsed],
    names: &Names,
    data: &Map<String, Value>,
    all: &mut Vec<String>,
) {
    let mut nodes: BTreeMap<String, Node> = BTreeMap::new();
    let mut packages = BTreeSet::new();
    for parsed in modules {
        let scope = names.scope(&parsed.module);
        packages.insert(scope.package.clone());
        for rule in &parsed.module.policy {
            definitions::keys_are_constant(rule, &mut Refusals::of_file(&parsed.name, all));
            let mut uses = Uses::of(rule, &scope, Refusals::of_file(&parsed.name, all));
            walk_rule(rule, &mut uses);
            let node = nodes.entry(path_of(rule, &scope)).or_insert_with(|| Node {
                file: parsed.name.clone(),
                line: rule.span().line,
                depth: 0,
                uses: BTreeMap::new(),
            });
            node.depth = node.depth.max(uses.deepest + RULE_DEPTH);
            for (path, line) in uses.paths {
                node.uses.entry(path).or_insert(line);
            }
        }
    }
    definitions::nothing_is_a_group_of_rules(&nodes, &packages, all);
    definitions::nothing_is_defined_twice(&nodes, &packages, data, all);
    Search::new(&nodes, all).run();
}

/// What one rule uses.
struct Uses<'a, 'b, 'c> {
    scope: &'a Scope<'b>,
    refusals: Refusals<'c>,
    paths: BTreeMap<String, u32>,
    /// The variables that each query on the way declares: these names stand for no rules there.
    declared: Vec<BTreeSet<String>>,
    /// The variables of each `every`, by the address of its query.
    every: BTreeMap<*const Query, BTreeSet<String>>,
    depth: usize,
    deepest: usize,
}

impl<'a, 'b, 'c> Uses<'a, 'b, 'c> {
    fn of(rule: &Rule, scope: &'a Scope<'b>, refusals: Refusals<'c>) -> Self {
        let arguments = match rule {
            Rule::Spec {
                head: RuleHead::Func { args, .. },
                ..
            } => locals::arguments(args),
            _ => BTreeSet::new(),
        };
        Self {
            scope,
            refusals,
            paths: BTreeMap::new(),
            declared: vec![arguments],
            every: BTreeMap::new(),
            depth: 0,
            deepest: 0,
        }
    }

    fn reference(&mut self, reference: &Expr) {
        let first = root(reference);
        let is_local = self.declared.iter().any(|names| names.contains(&first));
        if first == "input" || is_local || !self.scope.is_global(&first) {
            return;
        }
        let (path, _) = constant_prefix(reference);
        self.uses(self.scope.resolve(&path), reference.span().line);
    }

    fn uses(&mut self, path: String, line: u32) {
        self.paths.entry(path).or_insert(line);
    }

    fn call(&mut self, call: &Expr, function: &Expr, count: usize) {
        let (path, is_whole) = constant_prefix(function);
        let line = call.span().line;
        if !is_whole {
            return self.refusals.add(line, "expected a function's name");
        }
        let arity = if let Some((full, arity)) = self.scope.function(&path) {
            self.uses(full, line);
            arity
        } else if path == "print" {
            return;
        } else if let Some(arity) = builtins::arguments(&path) {
            arity
        } else {
            return self.refusals.add(line, builtins::unknown(&path));
        };
        // One more takes the result.
        if count != arity && count != arity + 1 {
            self.refusals.add(
                line,
                format!("`{path}` takes {arity} arguments, found {count}"),
            );
        }
    }
}

impl Visitor for Uses<'_, '_, '_> {
    fn query(&mut self, query: &Query) {
        let mut names = self
            .every
            .remove(&std::ptr::from_ref(query))
            .unwrap_or_default();
        names.extend(locals::declared(query));
        self.declared.push(names);
        self.depth += 1;
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        if let Literal::Every {
            key, value, query, ..
        } = &statement.literal
        {
            let names = key.iter().chain([value]).map(|span| span.text().to_owned());
            self.every
                .insert(std::ptr::from_ref(query.as_ref()), names.collect());
        }
    }

    fn leave_query(&mut self, _query: &Query) {
        self.declared.pop();
        self.depth -= 1;
    }

    fn expression(&mut self, expression: &Expr) -> bool {
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth + length(expression));
        match expression {
            Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. } => {
                self.reference(expression);
            }
            Expr::Call { fcn, params, .. } => self.call(expression, fcn, params.len()),
            _ => {}
        }
        true
    }

    fn leave_expression(&mut self, _expression: &Expr) {
        self.depth -= 1;
    }
}

/// The number of steps of a reference.
fn length(mut reference: &Expr) -> usize {
    let mut steps = 0;
    while let Expr::RefDot { refr, .. } | Expr::RefBrack { refr, .. } = reference {
        steps += 1;
        reference = refr;
    }
    steps
}

/// Looks for circles and long chains, without recursion of its own.
struct Search<'a, 'b> {
    nodes: &'a BTreeMap<String, Node>,
    /// The depth below each rule that is done.
    depths: BTreeMap<&'a str, usize>,
    all: &'b mut Vec<String>,
}

impl<'a, 'b> Search<'a, 'b> {
    fn new(nodes: &'a BTreeMap<String, Node>, all: &'b mut Vec<String>) -> Self {
        Self {
            nodes,
            depths: BTreeMap::new(),
            all,
        }
    }

    fn run(&mut self) {
        for (path, node) in self.nodes {
            self.visit(path, node);
        }
    }

    fn visit(&mut self, path: &'a str, node: &'a Node) {
        if self.depths.contains_key(path) {
            return;
        }
        let mut way: Vec<(&'a str, &'a Node, Vec<&'a str>)> =
            vec![(path, node, self.used_by(node))];
        let mut on_way = BTreeSet::from([path]);
        while let Some((path, node, rest)) = way.last_mut() {
            let Some(next) = rest.pop() else {
                let below = self.used_by(node);
                let below = below.iter().filter_map(|used| self.depths.get(used)).max();
                let depth = node.depth + below.copied().unwrap_or_default();
                if depth > MAX_DEPTH && node.depth + MAX_DEPTH >= depth {
                    Refusals::of_file(&node.file, self.all).add(
                        node.line,
                        format!("expressions and the rules that they use are nested {depth} deep, more than {MAX_DEPTH}: use fewer rules in a chain, or data"),
                    );
                }
                self.depths.insert(path, depth);
                on_way.remove(path);
                way.pop();
                continue;
            };
            if on_way.contains(next) {
                Refusals::of_file(&node.file, self.all).add(
                    node.line,
                    format!("`{path}` evaluates `{next}`, which evaluates `{path}` again: a rule must not use itself"),
                );
                continue;
            }
            if self.depths.contains_key(next) {
                continue;
            }
            if let Some((next, node)) = self.nodes.get_key_value(next) {
                let used = self.used_by(node);
                on_way.insert(next);
                way.push((next, node, used));
            }
        }
    }

    /// The rules that a rule's references lead to: below a package, or above a value.
    fn used_by(&self, node: &Node) -> Vec<&'a str> {
        let mut all = BTreeSet::new();
        for path in node.uses.keys() {
            let below = format!("{path}.");
            all.extend(
                self.nodes
                    .range(below.clone()..)
                    .take_while(|(other, _)| other.starts_with(&below))
                    .map(|(other, _)| other.as_str()),
            );
            let mut above = path.as_str();
            loop {
                if let Some((other, _)) = self.nodes.get_key_value(above) {
                    all.insert(other);
                }
                match above.rsplit_once('.') {
                    Some((shorter, _)) => above = shorter,
                    None => break,
                }
            }
        }
        all.into_iter().collect()
    }
}
