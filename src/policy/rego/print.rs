//! Rego from syntax trees: what regorus is given where a policy's own text would mean something else than in OPA.
//!
//! Every statement stands on the line that it has in the file, so that errors and coverage name the author's lines.

mod every;
mod expression;
mod head;
mod negated;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{
    AssignOp, Expr, Literal, LiteralStmt, Query, Rule, RuleAssign, RuleBody, Span, WithModifier,
};

use self::{expression::Level, negated::Functions, variables::Around};
use super::{
    builtins,
    names::{Names, Scope},
    negation,
    syntax::{Parsed, constant_path},
};

/// What regorus is to be given instead of the own text of a module, which has this number; `None` where that means the same.
pub(super) fn rewritten(parsed: &Parsed, number: usize, names: &Names) -> Option<String> {
    let mut printer = Printer {
        text: String::new(),
        line: 1,
        scope: &names.scope(&parsed.module),
        has_keywords: parsed.has_keywords,
        lifted: BTreeMap::new(),
        count: 0,
        around: Vec::new(),
        functions: Functions::of_module(number),
        is_changed: false,
    };
    printer.module(parsed);
    printer.is_changed.then_some(printer.text)
}

/// Writes tokens, and knows on which line.
struct Printer<'a> {
    text: String,
    line: u32,
    scope: &'a Scope<'a>,
    has_keywords: bool,
    /// The variables that stand for lifted expressions, by the expressions' numbers.
    lifted: BTreeMap<u32, String>,
    count: usize,
    /// The names of the function and of each query around.
    around: Vec<Around>,
    functions: Functions,
    /// Whether anything is printed otherwise than it was written.
    is_changed: bool,
}

impl Printer<'_> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        let breaks = text.bytes().filter(|b| *b == b'\n').count();
        self.line = self
            .line
            .saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
    }

    /// Goes down to a line; never up.
    fn go_to(&mut self, line: u32) {
        while self.line < line {
            self.text.push('\n');
            self.line += 1;
        }
    }

    fn module(&mut self, parsed: &Parsed) {
        let module = &parsed.module;
        self.go_to(module.package.span.line);
        self.push("package ");
        self.expression(&module.package.refr, Level::Term);
        for import in &module.imports {
            self.go_to(import.span.line);
            self.push(" import ");
            self.expression(&import.refr, Level::Term);
            if let Some(alias) = &import.r#as {
                self.push(" as ");
                self.push(alias.text());
            }
        }
        for rule in &module.policy {
            self.go_to(rule.span().line);
            self.push(" ");
            self.rule(rule);
            self.waiting_functions();
        }
        self.push("\n");
    }

    fn rule(&mut self, rule: &Rule) {
        match rule {
            Rule::Default {
                refr,
                args,
                op,
                value,
                ..
            } => {
                self.push("default ");
                self.expression(refr, Level::Term);
                if !args.is_empty() {
                    self.list("(", args.iter().map(AsRef::as_ref), ")");
                }
                self.operator(op);
                self.expression(value, Level::Term);
            }
            Rule::Spec { head, bodies, .. } => self.rule_with_bodies(head, bodies),
        }
    }

    fn assign(&mut self, assign: Option<&RuleAssign>) {
        if let Some(assign) = assign {
            self.operator(&assign.op);
            self.expression(&assign.value, Level::Membership);
        }
    }

    fn operator(&mut self, operator: &AssignOp) {
        self.push(match operator {
            AssignOp::Eq => " = ",
            AssignOp::ColEq => " := ",
        });
    }

    fn body(
        &mut self,
        body: &RuleBody,
        all: &[RuleBody],
        values: &[(&Expr, String)],
        is_function: bool,
    ) {
        let is_first = all.first().is_some_and(|first| std::ptr::eq(first, body));
        let mut own = Vec::new();
        if body.is_else {
            self.go_to(body.span.line);
            self.push(" else");
            if let Some(assign) = &body.assign
                && negation::is_dynamic(&assign.value, self.scope)
            {
                let name = self.name();
                self.lifted.insert(assign.value.eidx(), name.clone());
                own.push((assign.value.as_ref(), name));
            }
            self.assign(body.assign.as_ref());
            if body.assign.is_none() && is_function {
                // regorus forgets that an `else` without a value is true where the function has one before it.
                self.is_changed = true;
                self.push(if self.has_keywords {
                    " := true"
                } else {
                    " = true"
                });
            }
            if body.query.stmts.is_empty() && own.is_empty() {
                return;
            }
        }
        let values = if body.is_else { own.as_slice() } else { values };
        self.push(if self.has_keywords && (is_first || body.is_else) {
            " if { "
        } else {
            " { "
        });
        self.within(&body.query, BTreeSet::new(), |printer| {
            printer.query(&body.query);
            // Behind the body, since it may be what makes them safe to evaluate.
            if !values.is_empty() && !body.query.stmts.is_empty() {
                printer.push("; ");
            }
            printer.conditions(values);
        });
        self.push(" }");
    }

    fn query(&mut self, query: &Query) {
        for (index, statement) in query.stmts.iter().enumerate() {
            if index > 0 {
                self.push("; ");
            }
            self.go_to(statement.span.line);
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &LiteralStmt) {
        self.with_values(statement);
        let with = &statement.with_mods;
        match &statement.literal {
            Literal::SomeVars { vars, .. } => {
                let names: Vec<&str> = vars.iter().map(Span::text).collect();
                self.push(&format!("some {}", names.join(", ")));
            }
            Literal::SomeIn {
                key,
                value,
                collection,
                ..
            } => {
                self.push("some ");
                if let Some(key) = key {
                    self.expression(key, Level::Term);
                    self.push(", ");
                }
                self.expression(value, Level::Term);
                self.push(" in ");
                self.expression(collection, Level::Bool);
            }
            Literal::Expr { expr, .. } => match expr.as_ref() {
                // As a statement by itself, false is as good as undefined; but with a key, regorus finds what is missing in
                // what is missing.
                Expr::Membership {
                    key: None,
                    value,
                    collection,
                    ..
                } => {
                    self.expression(value, Level::Bool);
                    self.push(" in ");
                    self.expression(collection, Level::Bool);
                }
                other => self.whole(other),
            },
            Literal::NotExpr { expr, .. } => {
                for lifted in negation::lifted(expr, self.scope) {
                    let name = self.name();
                    self.push(&format!("{name} := "));
                    match lifted {
                        // What is lifted of `not f(x, y)` is `f(x)`.
                        Expr::Call { fcn, params, .. } if std::ptr::eq(lifted, expr.as_ref()) => {
                            self.call_or_lifted(lifted, fcn, params);
                        }
                        other => self.expression(other, Level::Membership),
                    }
                    self.with(with);
                    self.push("; ");
                    self.lifted.insert(lifted.eidx(), name);
                }
                self.push("not ");
                self.negated(expr);
            }
            Literal::Every {
                key,
                value,
                domain,
                query,
                ..
            } => {
                self.every(key.as_ref(), value, domain, query);
            }
        }
        self.with(with);
    }

    /// An expression that is a statement by itself.
    fn whole(&mut self, expression: &Expr) {
        match expression {
            Expr::AssignExpr { op, lhs, rhs, .. } => {
                self.expression(lhs, Level::Term);
                self.operator(op);
                self.expression(rhs, Level::Membership);
            }
            Expr::Call { fcn, params, .. } => match negation::output(fcn, params, self.scope) {
                Some(output) => {
                    self.is_changed = true;
                    self.expression(output, Level::Term);
                    self.push(" = ");
                    self.call_or_lifted(expression, fcn, params);
                }
                None => self.expression(expression, Level::Membership),
            },
            other => self.expression(other, Level::Membership),
        }
    }

    /// An undefined value makes the statement undefined; regorus looks at the last value only.
    fn with_values(&mut self, statement: &LiteralStmt) {
        for with in &statement.with_mods {
            if self.is_value(with) {
                let name = self.name();
                self.push(&format!("{name} := "));
                self.expression(&with.r#as, Level::Membership);
                self.push("; ");
                self.lifted.insert(with.r#as.eidx(), name);
            }
        }
    }

    /// Whether what stands after `as` is a value that has to be evaluated, and not a constant or a function.
    fn is_value(&self, with: &WithModifier) -> bool {
        match with.r#as.as_ref() {
            // A variable of the rule has its value already.
            Expr::Var { span, .. } if !self.scope.is_global(span.text()) => false,
            value @ (Expr::Var { .. } | Expr::RefDot { .. } | Expr::RefBrack { .. }) => {
                constant_path(value).is_none_or(|path| {
                    self.scope.function(&path).is_none() && !builtins::is_known(&path)
                })
            }
            Expr::Call { .. }
            | Expr::BinExpr { .. }
            | Expr::BoolExpr { .. }
            | Expr::ArithExpr { .. }
            | Expr::Membership { .. }
            | Expr::Array { .. }
            | Expr::Set { .. }
            | Expr::Object { .. } => true,
            _ => false,
        }
    }

    fn with(&mut self, modifiers: &[WithModifier]) {
        for with in modifiers {
            self.push(" with ");
            self.expression(&with.refr, Level::Term);
            self.push(" as ");
            self.expression(&with.r#as, Level::Membership);
        }
    }

    fn name(&mut self) -> String {
        self.is_changed = true;
        self.count += 1;
        format!("__lifted{}__", self.count)
    }
}
