//! Lowers statements.

use super::{Looks, Lower, Ready, Unready};
use crate::{
    core::{Step, Term},
    diagnostic::{Code, Diagnostic},
    parse::tree::Operator,
    resolve::tree::{
        Condition, Function, Literal, LiteralKind, Local, Query, Replacement, Target, Value, With,
    },
};

impl Lower<'_> {
    /// Adds a statement.
    pub(super) fn literal(&mut self, literal: &Literal) -> Ready<()> {
        self.span = literal.span;
        self.with = self.replaced(&literal.with)?;
        let outcome = match &literal.kind {
            LiteralKind::Condition(condition) => self.condition(condition),
            LiteralKind::Not(condition) => self.negation(condition),
            LiteralKind::NotQuery(query) => {
                self.nothing_solves(1, |inner| inner.query(Some(query), &[]).map(|_| ()))
            }
            LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => self.some_in(key.as_ref(), value, collection),
            LiteralKind::Every {
                key,
                value,
                domain,
                body,
            } => self.every(*key, *value, domain, body),
        };
        self.with = Vec::new();
        outcome
    }

    pub(super) fn condition(&mut self, condition: &Condition) -> Ready<()> {
        let value = match condition {
            Condition::Unify(left, right) => return self.unify(left, right),
            Condition::Value(value) => value,
        };
        let step = match value {
            Value::Call(function, arguments)
                if let Some((call, output)) = with_output(function, arguments) =>
            {
                return self.unify(output, &call);
            }
            Value::Infix(Operator::Equal, operands) => {
                let (left, right) = self.both(&operands.0, &operands.1)?;
                Step::Same(left, right)
            }
            Value::In {
                key: None,
                operands,
            } => {
                let (value, collection) = self.both(&operands.0, &operands.1)?;
                Step::Member(value, collection)
            }
            Value::Call(..) | Value::Infix(..) | Value::In { .. } => {
                Step::Test(self.called(value)?)
            }
            Value::Array(_)
            | Value::Set(_)
            | Value::Object(_)
            | Value::Comprehension(..)
            | Value::Template(_) => {
                // It is never false, but its parts may be undefined.
                let term = self.operand(value)?;
                self.atom(term);
                return Ok(());
            }
            other => Step::Test(self.operand(other)?),
        };
        self.push(step);
        Ok(())
    }

    fn some_in(&mut self, key: Option<&Value>, value: &Value, collection: &Value) -> Ready<()> {
        if self.looks != Looks::ToBind {
            return Err(Unready::Unsafe(None));
        }
        let collection = self.operand(collection)?;
        let key = key.filter(|key| !matches!(key, Value::Wildcard));
        let key_local = key.map(|key| self.place(key));
        let value_local = if matches!(value, Value::Wildcard) && key.is_some() {
            None
        } else {
            // `some x, x in xs` looks for the elements that equal their keys.
            let place = self.place(value);
            Some(if key_local == Some(place) {
                self.fresh()
            } else {
                place
            })
        };
        self.each(key_local, value_local, collection);
        for (pattern, local) in key
            .into_iter()
            .zip(key_local)
            .chain(std::iter::once(value).zip(value_local))
        {
            if matches!(pattern, Value::Local(own) if *own == local) {
                self.is_given(local);
            } else {
                self.matched(pattern, local)?;
            }
        }
        Ok(())
    }

    /// The variable for each element: the author's own, if there is one.
    fn place(&mut self, pattern: &Value) -> Local {
        match pattern {
            Value::Local(local) if self.is_open(*local) => *local,
            _ => self.fresh(),
        }
    }

    fn every(
        &mut self,
        key: Option<Local>,
        value: Option<Local>,
        domain: &Value,
        body: &Query,
    ) -> Ready<()> {
        let domain = self.operand(domain)?;
        let is_known = self.is_collection(&domain);
        let domain = self.variable(domain);
        if !is_known {
            let test = Term::call("internal.is_collection", vec![Term::Local(domain)]);
            self.push(Step::Test(test));
        }
        let ((), statements) = self.inside(2, |inner| {
            for local in key.into_iter().chain(value) {
                inner.is_given(local);
            }
            inner.query(Some(body), &[]).map(|_| ())
        })?;
        self.push(Step::Every(key, value, Term::Local(domain), statements));
        Ok(())
    }

    /// The replacements by `with`. They are evaluated before anything is replaced.
    pub(super) fn replaced(&mut self, with: &[With]) -> Ready<Vec<(Term, Term)>> {
        let mut all = Vec::new();
        for one in with {
            let target = match &one.target {
                Target::Document(path) => {
                    Term::Document(self.places.moved(path.clone()), Vec::new())
                }
                Target::Function(function) => {
                    self.check_replaced(function)?;
                    self.function_term(function)
                }
            };
            let value = match &one.value {
                Replacement::Value(value) => {
                    let term = self.operand(value)?;
                    self.atom(term)
                }
                Replacement::Function(Function::Builtin { name, arity }) => {
                    self.check_replaced(&Function::Builtin {
                        name: name.clone(),
                        arity: *arity,
                    })?;
                    Term::Document(self.places.builtin(name, *arity), Vec::new())
                }
                Replacement::Function(function) => self.function_term(function),
            };
            all.push((target, value));
        }
        Ok(all)
    }

    fn check_replaced(&self, function: &Function) -> Ready<()> {
        let Function::Builtin { name, .. } = function else {
            return Ok(());
        };
        if super::builtins::FIXED.contains(&name.as_str()) || name.starts_with("internal.") {
            return Err(self.never(
                Code::WithOperator,
                format!("`with` cannot have `{name}`"),
                "write a function that calls it, and replace that",
            ));
        }
        Ok(())
    }

    pub(super) fn never(&self, code: Code, message: String, cure: &str) -> Unready {
        Unready::Never(Box::new(Diagnostic {
            code,
            span: self.span,
            message,
            cure: (!cure.is_empty()).then(|| cure.to_owned()),
            ..Diagnostic::default()
        }))
    }
}

/// `f(x, y)`, where `f` takes one argument less, is `y = f(x)`.
pub(super) fn with_output<'v>(
    function: &Function,
    arguments: &'v [Value],
) -> Option<(Value, &'v Value)> {
    let arity = match function {
        Function::Rule { arity, .. } | Function::Builtin { arity, .. } => *arity,
    };
    if matches!(function, Function::Builtin { name, .. } if name == "print") {
        return None;
    }
    let (output, inputs) = arguments.split_last()?;
    (inputs.len() == arity).then(|| (Value::Call(function.clone(), inputs.to_vec()), output))
}
