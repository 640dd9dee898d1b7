//! Lowers values to terms. Calls get their own variable. References that search proceed step by step.

use super::{Looks, Lower, Ready, Unready};
use crate::{
    core::{Step, Term},
    resolve::tree::{Collection, Function, Part, Query, Scalar, Value},
};

impl Lower<'_> {
    /// A value as a term without calls.
    pub(super) fn operand(&mut self, value: &Value) -> Ready<Term> {
        Ok(match value {
            Value::Scalar(scalar) => Term::Scalar(scalar.clone()),
            Value::Local(local) => self.local(*local)?,
            Value::Wildcard => return Err(Unready::Unsafe(None)),
            Value::Document { path, way } => {
                self.way(Term::Document(path.clone(), Vec::new()), way)?
            }
            Value::Inside(head, way) => {
                if let (Value::Set(items), Some((key, rest))) = (head.as_ref(), way.split_first())
                    && items.len() > 1
                    && !items.iter().all(|item| matches!(item, Value::Scalar(_)))
                {
                    return self.members(items, key, rest);
                }
                let head = match head.as_ref() {
                    Value::Object(pairs) => self.object(pairs, true)?,
                    head => self.operand(head)?,
                };
                let head = self.variable(head);
                self.way(Term::Inside(head, Vec::new()), way)?
            }
            Value::Array(items) => {
                let term = Term::Array(self.operands(items)?);
                self.flat(term)?
            }
            Value::Set(items) => {
                let term = Term::Set(self.operands(items)?);
                self.flat(term)?
            }
            Value::Object(pairs) => {
                let term = self.object(pairs, false)?;
                self.flat(term)?
            }
            Value::Comprehension(collection, first, second, query) => {
                self.comprehension(*collection, first, second.as_deref(), query)?
            }
            Value::Call(..) | Value::Infix(..) | Value::In { .. } | Value::Template(_) => {
                let looks = self.looks;
                if looks == Looks::BesideCalls {
                    self.looks = Looks::ToBind;
                }
                let term = self.called(value);
                self.looks = looks;
                let term = term?;
                self.atom(term)
            }
        })
    }

    /// Values as terms: calls before references, as OPA evaluates them. The order of two failures decides whether the
    /// result is an error.
    pub(super) fn operands<'v>(
        &mut self,
        values: impl IntoIterator<Item = &'v Value>,
    ) -> Ready<Vec<Term>> {
        let mut searched = Vec::new();
        for value in values {
            searched.push(self.searched(value)?);
        }
        let values: Vec<&Value> = searched.iter().map(AsRef::as_ref).collect();
        let mut terms: Vec<Option<Term>> = Vec::new();
        for value in &values {
            let term = is_call(value).then(|| self.operand(value)).transpose()?;
            terms.push(term);
        }
        let mut all = Vec::new();
        for (value, term) in values.into_iter().zip(terms) {
            all.push(match term {
                Some(term) => term,
                None => self.operand(value)?,
            });
        }
        Ok(all)
    }

    /// Two values as terms.
    pub(super) fn both(&mut self, left: &Value, right: &Value) -> Ready<(Term, Term)> {
        let (left, right) = (self.searched(left)?, self.searched(right)?);
        if is_call(&right) && !is_call(&left) {
            let right = self.operand(&right)?;
            return Ok((self.operand(&left)?, right));
        }
        let left = self.operand(&left)?;
        Ok((left, self.operand(&right)?))
    }

    /// A call, an operator or a template string as a term.
    pub(super) fn called(&mut self, value: &Value) -> Ready<Term> {
        match value {
            Value::Call(function, arguments) => self.call(function, arguments),
            Value::Infix(operator, operands) => {
                let (left, right) = self.both(&operands.0, &operands.1)?;
                Ok(super::builtins::infix(*operator, left, right))
            }
            Value::In { key, operands } => {
                let mut values: Vec<&Value> = key.iter().map(AsRef::as_ref).collect();
                values.extend([&operands.0, &operands.1]);
                let terms = self.operands(values)?;
                let name = if key.is_some() {
                    "internal.member_3"
                } else {
                    "internal.member_2"
                };
                Ok(Term::call(name, terms))
            }
            Value::Template(parts) => self.template(parts),
            other => self.operand(other),
        }
    }

    fn call(&mut self, function: &Function, arguments: &[Value]) -> Ready<Term> {
        let Function::Builtin { name, arity } = function else {
            let terms = self.operands(arguments)?;
            return Ok(Term::Call(Box::new(self.function_term(function)), terms));
        };
        if name == "walk" {
            let over = self.operands(arguments.iter().take(1))?;
            let found = self.each_of(Term::call("internal.walk", over))?;
            return Ok(found);
        }
        if name == "print" {
            return self.printed(arguments);
        }
        let terms = self.operands(arguments.iter().take(*arity))?;
        Ok(match name.as_str() {
            "trace" => Term::call("internal.note", terms),
            _ => Term::Call(Box::new(self.function_term(function)), terms),
        })
    }

    /// Each element of a collection.
    pub(super) fn each_of(&mut self, collection: Term) -> Ready<Term> {
        if self.looks != Looks::ToBind {
            return Err(Unready::Unsafe(None));
        }
        let value = self.fresh();
        self.each(None, Some(value), collection);
        Ok(Term::Local(value))
    }

    /// Searches a collection. A value that is not a collection has no elements.
    pub(super) fn each(&mut self, key: Option<usize>, value: Option<usize>, collection: Term) {
        // Replacements for the statement also apply while the collection is evaluated.
        let collection = if self.with.is_empty() {
            collection
        } else {
            self.atom(collection)
        };
        let over = if self.is_collection(&collection) {
            collection
        } else {
            Term::call("internal.iterable", vec![collection])
        };
        // The engine would continue with the replacement.
        let with = std::mem::take(&mut self.with);
        self.push(Step::Each(key, value, over));
        self.with = with;
    }

    /// Whether a term is a collection whenever it is defined.
    pub(super) fn is_collection(&self, term: &Term) -> bool {
        match term {
            Term::Call(function, _) => **function == Term::builtin("internal.walk"),
            Term::Document(path, way) => {
                way.is_empty() && (self.collections.contains(path) || self.places.is_group(path))
            }
            Term::Array(_) | Term::Set(_) | Term::Object(_) | Term::Comprehension(..) => true,
            _ => false,
        }
    }

    /// A printed value may be undefined, without failing the statement.
    fn printed(&mut self, arguments: &[Value]) -> Ready<Term> {
        let mut terms = Vec::new();
        for argument in arguments {
            terms.push(self.as_set(argument)?);
        }
        Ok(Term::call("internal.print", vec![Term::Array(terms)]))
    }

    /// A set with the value, or an empty set if it is undefined.
    fn as_set(&mut self, value: &Value) -> Ready<Term> {
        let (term, statements) = self.inside(1, |inner| {
            let term = inner.operand(value)?;
            Ok(inner.atom(term))
        })?;
        Ok(Term::Comprehension(
            Collection::Set,
            Box::new(term),
            None,
            statements,
        ))
    }

    fn template(&mut self, parts: &[Part]) -> Ready<Term> {
        let mut terms = Vec::new();
        for part in parts {
            terms.push(match part {
                Part::Text(text) => Term::Scalar(Scalar::String(text.clone())),
                Part::Value(value, with, _) => {
                    let replaced = self.replaced(with)?;
                    let (term, statements) = self.inside(1, |inner| {
                        inner.with = replaced;
                        let term = inner.operand(value)?;
                        Ok(inner.atom(term))
                    })?;
                    Term::Comprehension(Collection::Set, Box::new(term), None, statements)
                }
            });
        }
        Ok(Term::call(
            "internal.template_string",
            vec![Term::Array(terms)],
        ))
    }

    fn comprehension(
        &mut self,
        collection: Collection,
        first: &Value,
        second: Option<&Value>,
        query: &Query,
    ) -> Ready<Term> {
        let ((first, second), statements) = self.inside(1, |inner| {
            let results: Vec<&Value> = [first].into_iter().chain(second).collect();
            let mut terms = inner.query(Some(query), &results)?.into_iter();
            let mut next = || terms.next().map(|term| inner.atom(term));
            let first = next().ok_or(Unready::Unsafe(None))?;
            let second = next();
            Ok((first, second))
        })?;
        Ok(Term::Comprehension(
            collection,
            Box::new(first),
            second.map(Box::new),
            statements,
        ))
    }

    /// A set that is searched where it is written. OPA looks at each member, even if some are equal.
    fn members(&mut self, items: &[Value], key: &Value, rest: &[Value]) -> Ready<Term> {
        if self.looks != Looks::ToBind {
            return Err(Unready::Unsafe(None));
        }
        let (constants, others): (Vec<&Value>, Vec<&Value>) = items
            .iter()
            .partition(|item| matches!(item, Value::Scalar(_)));
        let members = self.operands(constants.into_iter().chain(others))?;
        let member = self.fresh();
        self.each(None, Some(member), Term::Array(members));
        self.matched(key, member)?;
        self.way(Term::Inside(member, Vec::new()), rest)
    }

    /// The path from the value to a part of it. For an unknown key, every key is tried.
    pub(super) fn way(&mut self, mut base: Term, way: &[Value]) -> Ready<Term> {
        for key in way {
            let searches = match key {
                Value::Wildcard => true,
                Value::Local(local) => !self.is_known(*local),
                other => !self.is_ground(other),
            };
            if !searches {
                let key = self.operand(key)?;
                push_key(&mut base, key);
                continue;
            }
            if self.looks != Looks::ToBind {
                return Err(Unready::Unsafe(match key {
                    Value::Local(local) => Some(*local),
                    _ => None,
                }));
            }
            let value = self.fresh();
            match key {
                Value::Wildcard => self.each(None, Some(value), self.plain(base)),
                Value::Local(local) if self.is_open(*local) => {
                    let local = *local;
                    self.each(Some(local), Some(value), self.plain(base));
                    self.is_given(local);
                }
                Value::Local(local) => return Err(Unready::Unsafe(Some(*local))),
                pattern => {
                    let found = self.fresh();
                    self.each(Some(found), Some(value), self.plain(base));
                    self.matched(pattern, found)?;
                }
            }
            base = Term::Inside(value, Vec::new());
        }
        Ok(self.plain(base))
    }

    /// A variable if no keys follow; otherwise a document at its place in the engine.
    pub(super) fn plain(&self, term: Term) -> Term {
        match term {
            Term::Inside(local, way) if way.is_empty() => Term::Local(local),
            Term::Document(path, way) => Term::Document(self.places.of(path), way),
            other => other,
        }
    }

    /// A function as a term.
    pub(super) fn function_term(&self, function: &Function) -> Term {
        match function {
            Function::Rule { path, .. } => Term::Document(self.places.of(path.clone()), Vec::new()),
            Function::Builtin { name, arity } => {
                // The replacing function itself calls the built-in.
                let is_made = self.file.package == self.places.package();
                match self.places.in_place_of(name, *arity) {
                    Some(path) if !is_made => Term::Document(path, Vec::new()),
                    _ => Term::builtin(name),
                }
            }
        }
    }

    /// Whether no part of a value must get a value here.
    pub(super) fn is_ground(&self, value: &Value) -> bool {
        match value {
            Value::Wildcard => false,
            Value::Local(local) => self.is_known(*local),
            Value::Array(items) | Value::Set(items) => {
                items.iter().all(|item| self.is_ground(item))
            }
            Value::Object(pairs) => pairs
                .iter()
                .all(|(key, value)| self.is_ground(key) && self.is_ground(value)),
            _ => true,
        }
    }
}

fn push_key(base: &mut Term, key: Term) {
    match base {
        Term::Document(path, way) => match key {
            Term::Scalar(Scalar::String(name)) if way.is_empty() => path.push(name),
            other => way.push(other),
        },
        Term::Inside(_, way) => way.push(key),
        _ => {}
    }
}

/// Whether a function returns several values, one after the other.
pub(super) fn is_relation(function: &Function) -> bool {
    matches!(function, Function::Builtin { name, .. } if name == "walk")
}

/// Whether OPA treats a value as a call. Operators are calls of built-ins.
pub(super) fn is_call(value: &Value) -> bool {
    matches!(
        value,
        Value::Call(..) | Value::Infix(..) | Value::In { .. } | Value::Template(_)
    )
}
