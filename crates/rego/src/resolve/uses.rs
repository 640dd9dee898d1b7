//! The documents, functions and calls in a rule, each with its place.

use super::tree::{
    Body, Condition, Function, Literal, LiteralKind, Local, Part, Query, Replacement, Rule, Target,
    Value, With,
};
use crate::source::Span;

/// Calls `found` with each path that a rule names, and with the place of the statement. A path begins with `input` or
/// `data`.
///
/// Returns how deeply the expressions and queries of the rule are nested.
pub fn of_rule(rule: &Rule, found: OnPath<'_>) -> usize {
    let mut walk = Walk::new(rule.span);
    walk.path = Some(found);
    walk.rule(rule);
    walk.deepest
}

/// Calls `found` with each call in a rule, its arguments, and the place of the statement.
pub fn calls(rule: &Rule, found: OnCall<'_>) {
    let mut walk = Walk::new(rule.span);
    walk.call = Some(found);
    walk.rule(rule);
}

/// Calls `found` with each built-in that `with` replaces in a rule.
pub fn replaced(rule: &Rule, found: &mut dyn FnMut(&str)) {
    let mut walk = Walk::new(rule.span);
    walk.replaced = Some(found);
    walk.rule(rule);
}

/// Calls `found` with each variable that a statement names.
pub(crate) fn locals_of_literal(literal: &Literal, found: &mut dyn FnMut(Local)) {
    let mut walk = Walk::new(literal.span);
    walk.local = Some(found);
    walk.literal(literal);
}

/// Calls `found` with each variable that a value names.
pub(crate) fn locals_of_value(value: &Value, found: &mut dyn FnMut(Local)) {
    let mut walk = Walk::new(Span::default());
    walk.local = Some(found);
    walk.value(value);
}

/// Calls `found` with each value of a statement, but not with those of the queries inside it.
pub(crate) fn values_of_literal(literal: &Literal, found: &mut dyn FnMut(&Value)) {
    let mut on_value = |value: &Value, _: Span| found(value);
    let mut walk = Walk {
        value: Some(&mut on_value),
        is_outside_of_queries: true,
        ..Walk::new(literal.span)
    };
    walk.literal(literal);
}

/// Calls `found` with a value and each value inside it, but not with those of the queries inside it.
pub(crate) fn values_inside(value: &Value, found: &mut dyn FnMut(&Value)) {
    let mut on_value = |value: &Value, _: Span| found(value);
    let mut walk = Walk {
        value: Some(&mut on_value),
        is_outside_of_queries: true,
        ..Walk::new(Span::default())
    };
    walk.value(value);
}

/// Calls `found` with each path that a query names. A path begins with `input` or `data`.
pub fn of_query(query: &Query, found: &mut dyn FnMut(&[String])) {
    let mut on_path = |path: &[String], _: Span| found(path);
    let mut walk = Walk {
        path: Some(&mut on_path),
        ..Walk::new(Span::default())
    };
    walk.query(query);
}

/// Calls `found` with each path that a value names. A path begins with `input` or `data`.
pub(crate) fn of_value(value: &Value, found: &mut dyn FnMut(&[String])) {
    let mut on_path = |path: &[String], _: Span| found(path);
    let mut walk = Walk {
        path: Some(&mut on_path),
        ..Walk::new(Span::default())
    };
    walk.value(value);
}

/// Calls `found` with each statement of a rule, including those inside other statements.
pub fn literals(rule: &Rule, found: &mut dyn FnMut(&Literal)) {
    let mut walk = Walk::new(rule.span);
    walk.literal = Some(found);
    walk.rule(rule);
}

/// Calls `found` with each value of a rule, including those inside other values, and with the place of the statement.
pub fn values(rule: &Rule, found: &mut dyn FnMut(&Value, Span)) {
    let mut walk = Walk::new(rule.span);
    walk.value = Some(found);
    walk.rule(rule);
}

type OnValue<'a> = &'a mut dyn FnMut(&Value, Span);
type OnPath<'a> = &'a mut dyn FnMut(&[String], Span);
type OnCall<'a> = &'a mut dyn FnMut(&Function, &[Value], Span);

struct Walk<'a> {
    path: Option<OnPath<'a>>,
    call: Option<OnCall<'a>>,
    replaced: Option<&'a mut dyn FnMut(&str)>,
    local: Option<&'a mut dyn FnMut(Local)>,
    literal: Option<&'a mut dyn FnMut(&Literal)>,
    value: Option<OnValue<'a>>,
    /// Whether queries are not entered.
    is_outside_of_queries: bool,
    span: Span,
    depth: usize,
    deepest: usize,
}

impl Walk<'_> {
    fn new(span: Span) -> Self {
        Self {
            path: None,
            call: None,
            replaced: None,
            local: None,
            literal: None,
            value: None,
            is_outside_of_queries: false,
            span,
            depth: 0,
            deepest: 0,
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.values(rule.arguments.iter().flatten());
        self.values(&rule.keys);
        for body in std::iter::once(&rule.body).chain(&rule.elses) {
            self.span = body.span;
            self.body(body);
        }
    }

    fn found_path(&mut self, path: &[String]) {
        if let Some(found) = &mut self.path {
            found(path, self.span);
        }
    }

    fn deeper(&mut self, steps: usize, inside: impl FnOnce(&mut Self)) {
        self.depth += steps;
        self.deepest = self.deepest.max(self.depth);
        inside(self);
        self.depth -= steps;
    }

    fn body(&mut self, body: &Body) {
        if let Some(value) = &body.value {
            self.value(value);
        }
        if let Some(query) = &body.query {
            self.query(query);
        }
    }

    fn query(&mut self, query: &Query) {
        if self.is_outside_of_queries {
            return;
        }
        self.deeper(1, |walk| {
            let around = walk.span;
            for literal in &query.literals {
                walk.span = literal.span;
                walk.literal(literal);
            }
            walk.span = around;
        });
    }

    fn literal(&mut self, literal: &Literal) {
        if let Some(found) = &mut self.literal {
            found(literal);
        }
        match &literal.kind {
            LiteralKind::Condition(condition) | LiteralKind::Not(condition) => match condition {
                Condition::Value(value) => self.value(value),
                Condition::Unify(left, right) => self.values([left, right]),
            },
            LiteralKind::NotQuery(query) => self.query(query),
            LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => self.values(key.iter().chain([value, collection])),
            LiteralKind::Every { domain, body, .. } => {
                self.value(domain);
                self.query(body);
            }
        }
        self.with(&literal.with);
    }

    fn with(&mut self, with: &[With]) {
        for one in with {
            match &one.target {
                Target::Document(path) => self.found_path(path),
                Target::Function(function) => {
                    self.function(function);
                    if let (Function::Builtin { name, .. }, Some(found)) =
                        (function, &mut self.replaced)
                    {
                        found(name);
                    }
                }
            }
            match &one.value {
                Replacement::Value(value) => self.value(value),
                Replacement::Function(function) => self.function(function),
            }
        }
    }

    fn function(&mut self, function: &Function) {
        if let Function::Rule { path, .. } = function {
            self.found_path(path);
        }
    }

    fn values<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        for value in values {
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        let steps = match value {
            Value::Document { path, way } => path.len() + way.len(),
            Value::Inside(_, way) => 1 + way.len(),
            _ => 1,
        };
        self.deeper(steps, |walk| walk.inside(value));
    }

    fn inside(&mut self, value: &Value) {
        if let Some(found) = &mut self.value {
            found(value, self.span);
        }
        match value {
            Value::Scalar(_) | Value::Wildcard => {}
            Value::Local(local) => {
                if let Some(found) = &mut self.local {
                    found(*local);
                }
            }
            Value::Template(parts) => {
                for part in parts {
                    if let Part::Value(value, with, _) = part {
                        self.value(value);
                        self.with(with);
                    }
                }
            }
            Value::Document { path, way } => {
                self.found_path(path);
                self.values(way);
            }
            Value::Inside(head, way) => {
                self.value(head);
                self.values(way);
            }
            Value::Call(function, arguments) => {
                if let Some(found) = &mut self.call {
                    found(function, arguments, self.span);
                }
                self.function(function);
                self.values(arguments);
            }
            Value::Array(items) | Value::Set(items) => self.values(items),
            Value::Object(pairs) => {
                for (key, value) in pairs {
                    self.values([key, value]);
                }
            }
            Value::Comprehension(_, first, second, query) => {
                if !self.is_outside_of_queries {
                    self.values(std::iter::once(first).chain(second).map(AsRef::as_ref));
                }
                self.query(query);
            }
            Value::Infix(_, operands) => self.values([&operands.0, &operands.1]),
            Value::In { key, operands } => {
                self.values(key.iter().map(AsRef::as_ref));
                self.values([&operands.0, &operands.1]);
            }
        }
    }
}
