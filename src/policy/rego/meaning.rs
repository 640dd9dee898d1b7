//! What regorus takes in silence and gives another meaning than OPA, or what OPA does not take at all: it is refused.

mod replaced;
mod unused;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Ref, Rule, RuleHead};

use super::{
    names::{Scope, package_path, root},
    refusal::Refusals,
    syntax::{Parsed, Visitor, constant_path, operands, walk_rule},
};

/// Names that no author may give to anything.
const ROOTS: [&str; 2] = ["input", "data"];

/// Whether a name could be one of those that are made where a policy is rewritten.
fn is_ours(name: &str) -> bool {
    ["__lifted", "__negated"]
        .iter()
        .any(|start| name.starts_with(start))
}

/// Checks the imports of one file.
pub(super) fn imports(parsed: &Parsed, refusals: &mut Refusals<'_>) {
    let package = package_path(&parsed.module);
    for import in &parsed.module.imports {
        let line = import.span.line;
        let path = constant_path(&import.refr).unwrap_or_default();
        if path.starts_with("rego.") && path != "rego.v1" {
            refusals.add(
                line,
                format!("there is no `{path}`: write `import rego.v1`, or remove the import"),
            );
        }
        if path == "future.keywords" && negates(parsed) {
            refusals.add(line, "`import future.keywords` gives `not` another meaning in OPA 1.20 and later: import the keywords by their names, such as `import future.keywords.if`");
        }
        let is_around = package == path || package.starts_with(&format!("{path}."));
        if is_around {
            refusals.add(line, format!("`{path}` is the own package or one above it, which has no value yet while it is evaluated: remove the import, and write the names of its rules, or `{path}` in full"));
        }
        let last = path.rsplit('.').next().unwrap_or_default();
        let name = import.r#as.as_ref().map_or(last, |span| span.text());
        if path != name {
            named(name, "an import", line, refusals);
        }
    }
}

fn named(name: &str, what: &str, line: u32, refusals: &mut Refusals<'_>) {
    if is_ours(name) {
        refusals.add(
            line,
            format!(
                "{what} is called `{name}`: names that begin so are made here, give it another"
            ),
        );
    }
    if ROOTS.contains(&name) {
        refusals.add(
            line,
            format!(
                "{what} is called `{name}`, which hides the document `{name}`: give it another name"
            ),
        );
    }
}

fn negates(parsed: &Parsed) -> bool {
    struct Negations(bool);
    impl Visitor for Negations {
        fn statement(&mut self, statement: &LiteralStmt) {
            self.0 |= matches!(statement.literal, Literal::NotExpr { .. });
        }
    }
    let mut found = Negations(false);
    for rule in &parsed.module.policy {
        walk_rule(rule, &mut found);
    }
    found.0
}

/// Finds rules with two defaults, of which regorus takes the first; `modules` are all files.
pub(super) fn defaults(modules: &[Parsed], all: &mut Vec<String>) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    for parsed in modules {
        let package = package_path(&parsed.module);
        let mut refusals = Refusals::of_file(&parsed.name, all);
        for rule in &parsed.module.policy {
            let Rule::Default { refr, span, .. } = rule.as_ref() else {
                continue;
            };
            let name = constant_path(refr).unwrap_or_else(|| refr.span().text().to_owned());
            let place = format!("{}:{}", parsed.name, span.line);
            if let Some(first) = first.insert(format!("{package}.{name}"), place) {
                refusals.add(
                    span.line,
                    format!("`{name}` has another default at {first}: keep one"),
                );
            }
        }
    }
}

/// Checks one rule.
pub(super) fn check(rule: &Rule, scope: &Scope<'_>, refusals: &mut Refusals<'_>) {
    head(rule, refusals);
    unused::check(rule, refusals);
    let mut meanings = Meanings {
        scope,
        refusals,
        meant: BTreeSet::new(),
    };
    walk_rule(rule, &mut meanings);
}

fn head(rule: &Rule, refusals: &mut Refusals<'_>) {
    let line = rule.span().line;
    let (reference, arguments): (&Expr, &[Ref<Expr>]) = match rule {
        Rule::Default { refr, args, .. } => (refr, args),
        Rule::Spec { head, .. } => match head {
            RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } => (refr, &[]),
            RuleHead::Func { refr, args, .. } => (refr, args),
        },
    };
    named(&root(reference), "a rule", line, refusals);
    for argument in arguments {
        declared(argument, "an argument", line, refusals);
    }
}

/// Checks the names that a pattern gives.
fn declared(pattern: &Expr, what: &str, line: u32, refusals: &mut Refusals<'_>) {
    match pattern {
        Expr::Var { span, .. } => named(span.text(), what, line, refusals),
        Expr::Array { .. } | Expr::Object { .. } | Expr::Set { .. } => {
            for part in operands(pattern) {
                declared(part, what, line, refusals);
            }
        }
        _ => {}
    }
}

struct Meanings<'a, 'b, 'c> {
    scope: &'a Scope<'b>,
    refusals: &'a mut Refusals<'c>,
    /// The calls that mean what they mean in OPA.
    meant: BTreeSet<u32>,
}

impl Visitor for Meanings<'_, '_, '_> {
    fn statement(&mut self, statement: &LiteralStmt) {
        let line = statement.span.line;
        for with in &statement.with_mods {
            replaced::check(with, self.scope, line, self.refusals);
        }
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for variable in vars {
                    named(variable.text(), "a variable", line, self.refusals);
                }
            }
            Literal::SomeIn { key, value, .. } => {
                for part in key.iter().chain([value]) {
                    declared(part, "a variable", line, self.refusals);
                }
            }
            Literal::Every { key, value, .. } => {
                for name in key.iter().chain([value]) {
                    named(name.text(), "a variable", line, self.refusals);
                }
            }
            Literal::Expr { expr, .. } => {
                if let Expr::AssignExpr {
                    op: AssignOp::ColEq,
                    lhs,
                    ..
                } = expr.as_ref()
                {
                    declared(lhs, "a variable", line, self.refusals);
                }
            }
            Literal::NotExpr { .. } => {}
        }
        if let Literal::Expr { expr, .. } = &statement.literal
            && is_the_one_form(expr, self.scope)
        {
            self.meant.insert(expr.eidx());
        }
    }

    fn expression(&mut self, expression: &Expr) -> bool {
        if let Expr::Var { span, .. } = expression
            && is_ours(span.text())
        {
            named(span.text(), "a variable", span.line, self.refusals);
        }
        if let Expr::Call { fcn, .. } = expression
            && !self.meant.contains(&expression.eidx())
        {
            let line = expression.span().line;
            match builtin(fcn, self.scope).as_deref() {
                Some("walk") => self.refusals.add(line, "`walk` yields nothing here in this form: write `walk(value, [path, inner])` as a statement by itself, not negated"),
                Some("trace") => self.refusals.add(line, "`trace` has no value here: write it as a statement by itself, or `print`"),
                _ => {}
            }
        }
        true
    }
}

/// The name of a built-in that is called, unless the policy has a function of that name.
fn builtin(function: &Expr, scope: &Scope<'_>) -> Option<String> {
    constant_path(function).filter(|path| scope.function(path).is_none())
}

/// A call of `walk` or `trace` in the only form that means the same in regorus.
fn is_the_one_form(expression: &Expr, scope: &Scope<'_>) -> bool {
    let Expr::Call { fcn, params, .. } = expression else {
        return false;
    };
    match builtin(fcn, scope).as_deref() {
        Some("walk") => params.len() == 2,
        Some("trace") => params.len() == 1,
        _ => false,
    }
}
