//! What regorus takes in silence and gives another meaning than OPA, or what OPA does not take at all: it is refused.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Ref, Rule, RuleHead};

use super::{
    names::{Scope, package_path, root},
    refusal::Refusals,
    syntax::{
        Parsed, Visitor, constant_path, each_variable, is_scalar, operands, variables, walk_rule,
    },
};

/// Names that no author may give to anything.
const ROOTS: [&str; 2] = ["input", "data"];

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
        if path.starts_with("data.") && is_around {
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
    let mut used = BTreeSet::new();
    walk_rule(rule, &mut Used(&mut used));
    let mut meanings = Meanings {
        scope,
        used: &used,
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

/// The variables that a rule uses, wherever.
struct Used<'a>(&'a mut BTreeSet<String>);

impl Visitor for Used<'_> {
    fn expression(&mut self, expression: &Expr) -> bool {
        each_variable(expression, &mut |name| {
            self.0.insert(name.to_owned());
        });
        true
    }
}

struct Meanings<'a, 'b, 'c> {
    scope: &'a Scope<'b>,
    used: &'a BTreeSet<String>,
    refusals: &'a mut Refusals<'c>,
    /// The calls that mean what they mean in OPA.
    meant: BTreeSet<u32>,
}

impl Visitor for Meanings<'_, '_, '_> {
    fn query(&mut self, query: &Query) {
        negations(query, self.scope, self.refusals);
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        let line = statement.span.line;
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for variable in vars {
                    let name = variable.text();
                    named(name, "a variable", line, self.refusals);
                    if !self.used.contains(name) {
                        self.refusals.add(
                            line,
                            format!(
                                "`some {name}` declares a variable that nothing uses: remove it"
                            ),
                        );
                    }
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

/// Refuses negations of references by a variable that another variable gives its value by `=`.
///
/// regorus takes such a negation for what binds the variable, and evaluates it first: over all keys of what is referred to.
fn negations(query: &Query, scope: &Scope<'_>, refusals: &mut Refusals<'_>) {
    let mut unified = BTreeSet::new();
    for statement in &query.stmts {
        if let Literal::Expr { expr, .. } = &statement.literal {
            unifications(expr, scope, &mut unified);
        }
    }
    for statement in &query.stmts {
        let Literal::NotExpr { expr, span } = &statement.literal else {
            continue;
        };
        let mut indexes = BTreeSet::new();
        index_variables(expr, &mut indexes);
        for name in indexes.intersection(&unified) {
            refusals.add(span.line, format!("`not` refers by `{name}`, which `=` or a pattern binds to another variable: use that other variable, or put the reference into a function and negate its call"));
        }
    }
}

/// Adds the local variables of an assignment or `=` between variables, or patterns of them.
///
/// References and calls on one side are evaluated first, so that they do no harm.
fn unifications(expression: &Expr, scope: &Scope<'_>, found: &mut BTreeSet<String>) {
    if let Expr::AssignExpr { lhs, rhs, .. } = expression
        && is_pattern(lhs)
        && is_pattern(rhs)
    {
        let mut all = BTreeSet::new();
        variables(lhs, &mut all);
        variables(rhs, &mut all);
        all.retain(|name| !scope.is_global(name));
        if all.len() > 1 {
            found.extend(all);
        }
    }
}

fn is_pattern(expression: &Expr) -> bool {
    match expression {
        Expr::Var { .. } => true,
        Expr::Array { .. } | Expr::Set { .. } | Expr::Object { .. } => {
            operands(expression).into_iter().all(is_pattern)
        }
        other => is_scalar(other),
    }
}

/// Adds the variables in the brackets of references.
fn index_variables(expression: &Expr, found: &mut BTreeSet<String>) {
    if let Expr::RefBrack { index, .. } = expression {
        variables(index, found);
    }
    for operand in operands(expression) {
        index_variables(operand, found);
    }
}
