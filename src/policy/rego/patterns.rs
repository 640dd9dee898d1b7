//! What regorus reads otherwise than OPA, and no other text could say the same: each place is refused with what to write.

use std::collections::BTreeSet;

use regorus::unstable::{AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleHead};

use super::{
    names::Scope,
    refusal::Refusals,
    syntax::{Visitor, each_variable, is_scalar, operands, variables, walk_rule},
};

const KEYS: &str = "a pattern with the keys of an object fits only that very set of keys in OPA, and more here: take values out by their names, such as `x := object.key`";

/// Finds them in a rule.
pub(super) fn check(rule: &Rule, scope: &Scope<'_>, refusals: &mut Refusals<'_>) {
    if let Rule::Spec { head, bodies, .. } = rule {
        if let RuleHead::Func { args, .. } = head {
            if args.iter().any(|argument| has_object(argument)) {
                refusals.add(rule.span().line, KEYS);
            }
            let mut names = Vec::new();
            for argument in args {
                each_variable(argument, &mut |name| names.push(name.to_owned()));
            }
            names.sort();
            if let Some([name, ..]) = names
                .windows(2)
                .find(|pair| matches!(pair, [one, other] if one == other))
            {
                refusals.add(
                    rule.span().line,
                    format!("the name `{name}` stands twice among the arguments, which OPA takes for a condition: give each its own, and compare them in the body"),
                );
            }
        }
        for body in bodies {
            braces(&body.query, refusals);
        }
    }
    let mut statements = Statements {
        scope,
        refusals,
        outer: Vec::new(),
    };
    if let Rule::Spec {
        head: RuleHead::Func { args, .. },
        ..
    } = rule
    {
        let mut names = BTreeSet::new();
        for argument in args {
            variables(argument, &mut names);
        }
        statements.outer.push(names);
    }
    walk_rule(rule, &mut statements);
}

/// What stands in braces behind `if` can be a body, a set or a comprehension, and OPA and regorus draw the lines elsewhere.
fn braces(query: &Query, refusals: &mut Refusals<'_>) {
    let Some(first) = query.stmts.first() else {
        return;
    };
    let is_no_body = query.stmts.len() == 1
        && first.span.start == query.span.start
        && first.span.text().starts_with('{');
    if is_no_body || has_bar(first.span.text()) {
        refusals.add(
            first.span.line,
            "what stands in these braces can be read as a body or as a set: write each condition on a line of its own, and `(a | b)` in parentheses",
        );
    }
}

/// Whether a text has a `|` outside of brackets and strings.
fn has_bar(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some('"'), '\\') => {
                rest.next();
            }
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '`') => quote = Some(c),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '|') if depth == 0 => return true,
            (_, _) => {}
        }
    }
    false
}

struct Statements<'a, 'b, 'c> {
    scope: &'a Scope<'b>,
    refusals: &'a mut Refusals<'c>,
    /// The variables of the queries around a statement, the innermost last.
    outer: Vec<BTreeSet<String>>,
}

impl Visitor for Statements<'_, '_, '_> {
    fn query(&mut self, query: &Query) {
        let mut names = BTreeSet::new();
        for statement in &query.stmts {
            match &statement.literal {
                Literal::SomeVars { vars, .. } => {
                    names.extend(vars.iter().map(|span| span.text().to_owned()));
                }
                Literal::SomeIn {
                    key,
                    value,
                    collection,
                    ..
                } => {
                    for part in key.iter().chain([value, collection]) {
                        variables(part, &mut names);
                    }
                }
                Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                    variables(expr, &mut names);
                }
                Literal::Every { key, value, .. } => {
                    names.extend(key.iter().chain([value]).map(|span| span.text().to_owned()));
                }
            }
        }
        self.outer.push(names);
    }

    fn leave_query(&mut self, _query: &Query) {
        self.outer.pop();
    }

    fn expression(&mut self, expression: &Expr) -> bool {
        if let Expr::RefBrack { refr, .. } = expression
            && let Expr::Set { items, span, .. } = refr.as_ref()
            && items.len() > 1
            && items.iter().any(|item| !is_scalar(item))
        {
            self.refusals.add(
                span.line,
                "members of a set that turn out equal are searched once here and each by itself in OPA: assign the set to a variable first",
            );
        }
        if let Expr::Object { fields, span, .. } = expression {
            let mut keys = BTreeSet::new();
            for (_, key, _) in fields {
                let is_constant = matches!(key.as_ref(), Expr::String { .. } | Expr::Number { .. });
                let key = key.span().text();
                if is_constant && !keys.insert(key.to_owned()) {
                    self.refusals.add(
                        span.line,
                        format!("the key `{key}` stands twice in an object"),
                    );
                }
            }
        }
        true
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        let line = statement.span.line;
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                for variable in vars {
                    let name = variable.text();
                    let around = self
                        .outer
                        .split_last()
                        .map_or(&[][..], |(_, around)| around);
                    if self.scope.is_global(name) || around.iter().any(|names| names.contains(name))
                    {
                        self.refusals.add(
                            line,
                            format!("`some {name}` does not hide what is called `{name}` around it here: give the variable another name"),
                        );
                    }
                }
            }
            Literal::SomeIn { key, value, .. } => {
                if key.iter().chain([value]).any(|pattern| has_object(pattern)) {
                    self.refusals.add(line, KEYS);
                }
            }
            Literal::Expr { expr, .. } | Literal::NotExpr { expr, .. } => {
                if let Expr::AssignExpr { op, lhs, rhs, .. } = expr.as_ref() {
                    let is_pattern = match op {
                        AssignOp::ColEq => has_object(lhs),
                        AssignOp::Eq => {
                            self.has_object_of_variables(lhs) || self.has_object_of_variables(rhs)
                        }
                    };
                    if is_pattern {
                        self.refusals.add(line, KEYS);
                    }
                }
            }
            Literal::Every { .. } => {}
        }
    }
}

impl Statements<'_, '_, '_> {
    fn has_object_of_variables(&self, pattern: &Expr) -> bool {
        match pattern {
            Expr::Object { .. } => self.has_variables(pattern),
            Expr::Array { items, .. } => {
                items.iter().any(|item| self.has_object_of_variables(item))
            }
            _ => false,
        }
    }

    fn has_variables(&self, pattern: &Expr) -> bool {
        match pattern {
            Expr::Var { span, .. } => !self.scope.is_global(span.text()),
            Expr::Object { .. } | Expr::Array { .. } => operands(pattern)
                .into_iter()
                .any(|part| self.has_variables(part)),
            _ => false,
        }
    }
}

fn has_object(pattern: &Expr) -> bool {
    match pattern {
        Expr::Object { .. } => true,
        Expr::Array { items, .. } => items.iter().any(|item| has_object(item)),
        _ => false,
    }
}
