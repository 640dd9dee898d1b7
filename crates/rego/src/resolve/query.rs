//! Statements with their names resolved.

use std::collections::BTreeSet;

use super::{
    direct,
    meaning::Meaning,
    scope::Scope,
    tree::{Condition, Literal, LiteralKind, Query, Replacement, Target, Value, With},
    value::constant_names,
};
use crate::{
    diagnostic::Code,
    parse::tree::{self as written, Expr, ExprKind},
    source::Span,
};

impl Scope<'_> {
    /// Resolves a query that was already entered.
    pub(super) fn query(&mut self, query: &written::Query) -> Query {
        let mut literals = Vec::new();
        for literal in &query.literals {
            if let written::LiteralKind::Some(names) = &literal.kind {
                for name in names {
                    self.declare(name, true);
                }
                continue;
            }
            literals.push(self.literal(literal));
        }
        Query { literals }
    }

    pub(super) fn literal(&mut self, literal: &written::Literal) -> Literal {
        let span = literal.span;
        let kind = match &literal.kind {
            written::LiteralKind::Condition(condition) => {
                LiteralKind::Condition(self.condition(condition, span))
            }
            written::LiteralKind::Not(condition) => {
                if matches!(condition, written::Condition::Assign(..)) {
                    self.fault(
                        Code::Variable,
                        span,
                        "`not` cannot assign a variable".to_owned(),
                        "compare with `==`, or assign before the `not`",
                    );
                }
                if let written::Condition::Value(value) = condition
                    && let Some(print) = self.print(value)
                {
                    // A negation of it would never hold: `print` decides nothing.
                    LiteralKind::Condition(Condition::Value(print))
                } else {
                    LiteralKind::Not(self.condition(condition, span))
                }
            }
            written::LiteralKind::NotQuery(query) => {
                self.enter_negated(query);
                let query = self.query(query);
                self.leave();
                LiteralKind::NotQuery(query)
            }
            // The query has declared these names already, so only `true` is left here.
            written::LiteralKind::Some(_) => LiteralKind::Condition(Condition::Value(
                Value::Scalar(super::tree::Scalar::Bool(true)),
            )),
            written::LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => {
                let mut names = Vec::new();
                for part in key.iter().chain([value]) {
                    direct::of_element(part, &mut |name| names.push(name));
                }
                for with in &literal.with {
                    self.check_replacement_of_search(&with.value, collection);
                }
                self.begin_search(&names);
                let collection = self.value(collection);
                self.end_search();
                // A name that occurs twice stands for two values that must be equal.
                let mut declared = BTreeSet::new();
                for name in names {
                    if declared.insert(name.text.clone()) {
                        self.declare(&name, false);
                    }
                }
                for part in key.iter().chain([value]) {
                    self.check_element(part);
                }
                LiteralKind::SomeIn {
                    key: key.as_ref().map(|key| self.pattern(key)),
                    value: self.pattern(value),
                    collection,
                }
            }
            written::LiteralKind::Every {
                key,
                value,
                domain,
                body,
            } => {
                // As in OPA, the variables of `every` hide rules and imports in the collection, though they have no value there.
                let own = key.iter().chain(value).map(|name| name.text.clone());
                let before = self.hidden.len();
                self.hidden.extend(own);
                let domain = self.value(domain);
                self.hidden.truncate(before);
                let [key, value] = self.enter_every(body, [key.as_ref(), value.as_ref()]);
                let body = self.query(body);
                self.leave();
                self.leave();
                LiteralKind::Every {
                    key,
                    value,
                    domain,
                    body,
                }
            }
        };
        let with = literal.with.iter().filter_map(|with| self.with(with, span));
        let is_assignment = matches!(
            literal.kind,
            written::LiteralKind::Condition(written::Condition::Assign(..))
        );
        Literal {
            kind,
            is_assignment,
            with: with.collect(),
            span,
        }
    }

    fn condition(&mut self, condition: &written::Condition, span: Span) -> Condition {
        match condition {
            written::Condition::Value(value) => Condition::Value(match self.print(value) {
                Some(print) => print,
                None => match &value.kind {
                    ExprKind::Call(function, arguments) => {
                        self.call(function, arguments, true, value.span)
                    }
                    _ => self.value(value),
                },
            }),
            written::Condition::Unify(left, right) => {
                self.operator("=", "eq", span);
                Condition::Unify(self.value(left), self.value(right))
            }
            written::Condition::Assign(left, right) => {
                self.operator(":=", "assign", span);
                let right = self.value(right);
                let mut names = Vec::new();
                direct::of_pattern(left, &mut |name| names.push(name));
                let is_pattern = matches!(
                    left.kind,
                    ExprKind::Var(_)
                        | ExprKind::Wildcard
                        | ExprKind::Array(_)
                        | ExprKind::Object(_)
                );
                if !is_pattern || !is_assignable(left) {
                    self.fault(
                        Code::Variable,
                        span,
                        "only variables, and patterns of them, can be assigned".to_owned(),
                        "compare with `==`",
                    );
                }
                for name in &names {
                    self.declare(name, false);
                }
                Condition::Unify(self.pattern(left), right)
            }
        }
    }

    /// Reports names of rules, functions of the policy and imports in the element of `some .. in`. OPA does not resolve them
    /// there, so it rejects the policy. Only `input` and `data` keep their meaning.
    fn check_element(&mut self, element: &Expr) {
        let mut names = BTreeSet::new();
        let mut add = |name: &str| {
            names.insert(name.to_owned());
        };
        direct::of_value(element, &mut add);
        direct::functions(element, &mut add);
        for name in names {
            let is_root = name == "input" || name == "data";
            if is_root || self.is_local(&name) || self.document(&name).is_none() {
                continue;
            }
            self.fault(
                Code::Unsafe,
                element.span,
                format!(
                    "expected variables and constants in the element of `some .. in`, found `{name}`, which is a rule or an import"
                ),
                "give the element a name, and compare it on a line of its own",
            );
        }
    }

    /// Reports known variables in the keys of references, in a value of `with` behind `some .. in`.
    ///
    /// OPA takes such a variable as one that `some` declares if the collection is of the same document: it rejects the policy, or means
    /// another variable than the one around.
    fn check_replacement_of_search(&mut self, value: &Expr, collection: &Expr) {
        let root = |name: &str| {
            let document = self.document(name).filter(|_| !self.is_variable(name));
            let first = document.and_then(|path| path.into_iter().next());
            first.unwrap_or_else(|| name.to_owned())
        };
        let mut roots = BTreeSet::new();
        let mut add = |name: &str| {
            roots.insert(root(name));
        };
        direct::of_value(collection, &mut add);
        direct::functions(collection, &mut add);
        let is_any_root = direct::has_query(collection);
        let mut names = BTreeSet::new();
        direct::of_keys(value, &mut |head, name| {
            if (is_any_root || roots.contains(&root(head))) && self.is_known_above(name) {
                names.insert(name.to_owned());
            }
        });
        for name in names {
            let message = format!(
                "expected no key that is a variable in the `with` of `some .. in`, found `{name}`"
            );
            self.fault(
                Code::Variable,
                value.span,
                message,
                "look the value up on a line above, and write its variable behind `with .. as`",
            );
        }
    }

    /// Reports what OPA rejects in an argument of a function: calls, and references to documents.
    ///
    /// In a set and in the key of an object (`is_whole`), OPA takes calls, variables, and names of rules and imports too, but such
    /// an argument never matches. Only references to `input` and `data` are taken there.
    pub(super) fn check_argument(&mut self, argument: &Expr, is_whole: bool) {
        let mut parts = |items: &[Expr]| {
            for item in items {
                self.check_argument(item, is_whole);
            }
        };
        let is_root = |name: &str| name == "input" || name == "data";
        let found = match &argument.kind {
            ExprKind::Call(..) | ExprKind::Infix(..) | ExprKind::In { .. } => "a call".to_owned(),
            ExprKind::Ref(head, way) => {
                parts(way);
                let ExprKind::Var(name) = &head.kind else {
                    return;
                };
                let is_taken = if is_whole {
                    is_root(name)
                } else {
                    self.meaning_of_declared(name).is_some()
                };
                if is_taken {
                    return;
                }
                format!("a part of `{name}`")
            }
            ExprKind::Var(name) if is_whole && !is_root(name) => {
                format!("`{name}` in a set or in a key")
            }
            ExprKind::Array(items) => return parts(items),
            ExprKind::Set(items) => {
                for item in items {
                    self.check_argument(item, true);
                }
                return;
            }
            ExprKind::Object(pairs) => {
                for (key, value) in pairs {
                    self.check_argument(key, true);
                    self.check_argument(value, is_whole);
                }
                return;
            }
            _ => return,
        };
        self.fault(
            Code::Function,
            argument.span,
            format!("expected variables, constants and patterns in the arguments of a function, found {found}"),
            "take the argument by a variable, and compare it in the body",
        );
    }

    /// Resolves a pattern whose variables the statement has just declared. This does not count as a use of them.
    fn pattern(&mut self, pattern: &Expr) -> Value {
        match &pattern.kind {
            ExprKind::Var(name) => self.declared(name, pattern.span),
            ExprKind::Array(items) => {
                Value::Array(items.iter().map(|item| self.pattern(item)).collect())
            }
            ExprKind::Object(pairs) => Value::Object(
                pairs
                    .iter()
                    .map(|(key, value)| (self.value(key), self.pattern(value)))
                    .collect(),
            ),
            _ => self.value(pattern),
        }
    }

    fn with(&mut self, with: &written::With, span: Span) -> Option<With> {
        let names = constant_names(&with.target);
        let Some(names) = names else {
            self.fault(
                Code::With,
                span,
                "`with` replaces a document or a function by its constant path".to_owned(),
                "",
            );
            return None;
        };
        let first = names.first()?;
        let document = (!self.is_variable(first))
            .then(|| self.document(first))
            .flatten();
        let document = document.map(|mut path| {
            path.extend(names.iter().skip(1).cloned());
            path
        });
        let is_function = document
            .as_ref()
            .is_some_and(|path| self.file.all.arity(path).is_some());
        if let Some(path) = document.filter(|_| !is_function) {
            let value = self.value(&with.value);
            self.replaced.push(path.clone());
            return Some(With {
                target: Target::Document(path),
                value: Replacement::Value(value),
            });
        }
        let target = Target::Function(self.function(&with.target, span)?);
        let value = self.replacement(&with.value, span);
        Some(With { target, value })
    }

    /// What `with` puts in the place of a function: another function, or a value.
    fn replacement(&mut self, value: &Expr, span: Span) -> Replacement {
        if let Some(names) = constant_names(value)
            && let Some(first) = names.first()
            && !self.is_variable(first)
        {
            let path = self.document(first).map(|mut path| {
                path.extend(names.iter().skip(1).cloned());
                path
            });
            let is_function = match path {
                Some(path) => self.file.all.arity(&path).is_some(),
                None => self.file.all.builtins.arity(&names.join(".")).is_some(),
            };
            if is_function && let Some(function) = self.function(value, span) {
                return Replacement::Function(function);
            }
        }
        Replacement::Value(self.value(value))
    }

    fn declared(&mut self, name: &str, span: Span) -> Value {
        match self.meaning_of_declared(name) {
            Some(local) => Value::Local(local),
            None => match self.meaning(name, span) {
                Meaning::Local(local) => Value::Local(local),
                Meaning::Document(path) => Value::Document {
                    path,
                    way: Vec::new(),
                },
            },
        }
    }
}

/// Whether a pattern consists of variables only: as in OPA, `:=` compares nothing.
fn is_assignable(pattern: &Expr) -> bool {
    match &pattern.kind {
        ExprKind::Var(_) | ExprKind::Wildcard => true,
        ExprKind::Array(items) => items.iter().all(is_assignable),
        ExprKind::Object(pairs) => pairs.iter().all(|(key, value)| {
            let is_constant = matches!(
                key.kind,
                ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_)
            );
            is_constant && is_assignable(value)
        }),
        _ => false,
    }
}
