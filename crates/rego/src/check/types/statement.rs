//! The types of the variables of a rule, from the statements that give them values.

use std::{collections::HashMap, rc::Rc};

use super::{
    declared::Declared,
    documents::{Documents, steps},
    kind::{Object, Type},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    parse::tree::Operator,
    resolve::{
        File,
        tree::{
            Condition, Function, Literal, LiteralKind, Local, Replacement, Rule, Target, Value,
            Variable, With,
        },
    },
    source::Span,
};

/// A variable has no value yet where it is needed.
#[derive(Debug)]
pub(super) struct NotYet;

pub(super) type Ready<T> = Result<T, NotYet>;

/// The types of all variables at one moment.
#[derive(Clone, Copy)]
pub(super) struct TypesAt(usize);

/// One body of a rule.
pub(super) struct Statements<'a> {
    pub(super) declared: &'a Declared,
    pub(super) documents: &'a Documents,
    file: &'a File,
    /// The types of the variables that have a value.
    locals: Vec<Option<Rc<Type>>>,
    /// The variables whose types were changed, with the types before. A copy of all types for each attempt would take too long in a
    /// long body.
    changed: Vec<(Local, Option<Rc<Type>>)>,
    /// The statement that is looked at.
    pub(super) span: Span,
    pub(super) variables: &'a [Variable],
    /// How many queries are around, with the own.
    pub(super) depth: usize,
    /// Whether a query inside of a value counts where a variable in it has no value.
    pub(super) takes_open_queries: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The types of the values of a statement that were looked at, by their addresses in the tree.
    pub(super) remembered: HashMap<*const Value, Type>,
    /// The values in the order in which they were looked at.
    pub(super) order: Vec<*const Value>,
}

impl<'a> Statements<'a> {
    pub(super) fn new(
        declared: &'a Declared,
        documents: &'a Documents,
        file: &'a File,
        rule: &'a Rule,
    ) -> Self {
        // Arguments have a value from the start, and no type until a statement tells it.
        let locals = rule
            .locals
            .iter()
            .map(|local| (local.depth == 0).then(|| Rc::new(Type::Unknown)));
        Self {
            declared,
            documents,
            file,
            locals: locals.collect(),
            changed: Vec::new(),
            span: rule.span,
            variables: &rule.locals,
            depth: 1,
            takes_open_queries: false,
            diagnostics: Vec::new(),
            remembered: HashMap::new(),
            order: Vec::new(),
        }
    }

    pub(super) fn remembered(&self, value: &Value) -> Option<Type> {
        self.remembered.get(&std::ptr::from_ref(value)).cloned()
    }

    pub(super) fn remember(&mut self, value: &Value, kind: &Type) {
        let address = std::ptr::from_ref(value);
        self.remembered.insert(address, kind.clone());
        self.order.push(address);
    }

    pub(super) fn literal(&mut self, literal: &Literal) -> Ready<()> {
        let found = self.diagnostics.len();
        for with in &literal.with {
            self.with(with)?;
        }
        match &literal.kind {
            LiteralKind::Not(condition) if self.file.negates_undefined => {
                self.references_of_condition(condition)
            }
            LiteralKind::Condition(condition) | LiteralKind::Not(condition) => {
                self.condition(condition, found)
            }
            LiteralKind::NotQuery(query) => {
                self.references_of_query(query, 1);
                Ok(())
            }
            LiteralKind::SomeIn {
                key,
                value,
                collection,
            } => {
                let is_document = matches!(collection, Value::Document { .. });
                let is_found = matches!(
                    collection,
                    Value::Local(_) | Value::Inside(..) | Value::Comprehension(..)
                );
                let collection = self.value(collection)?;
                let (keys, values) = (collection.keys(), collection.values());
                if keys == Type::Unknown {
                    self.cannot_be_searched(&collection, found);
                    return Ok(());
                }
                if let Some(key) = key {
                    self.equal(key, &keys, found)?;
                }
                if is_document && values.is_unknown() {
                    self.has_functions(found);
                    return Ok(());
                }
                if is_found && values.is_unknown() {
                    self.cannot_be_searched(&collection, found);
                    return Ok(());
                }
                self.equal(value, &values, found)
            }
            LiteralKind::Every { domain, body, .. } => {
                self.value(domain)?;
                self.references_of_query(body, 2);
                Ok(())
            }
        }
    }

    fn condition(&mut self, condition: &Condition, found: usize) -> Ready<()> {
        match condition {
            Condition::Unify(left, right) => {
                self.evaluated(&[left, right])?;
                if self.give_comprehension(left, right)? || self.give_comprehension(right, left)? {
                    return Ok(());
                }
                self.unify(left, right, found)
            }
            Condition::Value(Value::Infix(Operator::Equal, operands)) => {
                let (left, right) = &**operands;
                self.evaluated(&[left, right])?;
                self.value(left)?;
                self.value(right)?;
                self.unify(left, right, found)
            }
            Condition::Value(value) => {
                self.evaluated(&[value])?;
                self.value(value).map(|_| ())
            }
        }
    }

    fn unify(&mut self, left: &Value, right: &Value, found: usize) -> Ready<()> {
        self.calls(left)?;
        self.calls(right)?;
        let kinds = (
            self.attempt(|this| this.value(left)),
            self.attempt(|this| this.value(right)),
        );
        let holds = match &kinds {
            (Ok(one), Ok(other)) => self.match_both(left, one, right, other)?,
            (Ok(one), Err(_)) if !one.is_unknown() => self.bind(right, one, false)?,
            (Err(_), Ok(other)) if !other.is_unknown() => self.bind(left, other, false)?,
            // One side is a function's argument, whose type is not known yet.
            _ if are_arrays(left, right) => return self.parts(left, right, found),
            (Ok(_), Err(_)) => self.match_unknown(left, right)?,
            (Err(_), Ok(_)) => self.match_unknown(right, left)?,
            (Err(_), Err(_)) => return Err(NotYet),
        };
        if !holds {
            let (one, other) = (
                kinds.0.unwrap_or(Type::Unknown),
                kinds.1.unwrap_or(Type::Unknown),
            );
            self.never_equal(&one, &other, found);
        }
        Ok(())
    }

    /// Two arrays of one length, element by element.
    fn parts(&mut self, left: &Value, right: &Value, found: usize) -> Ready<()> {
        if let (Value::Array(one), Value::Array(other)) = (left, right) {
            for (one, other) in one.iter().zip(other) {
                self.unify(one, other, found)?;
            }
        }
        Ok(())
    }

    fn equal(&mut self, pattern: &Value, kind: &Type, found: usize) -> Ready<()> {
        if !self.bind(pattern, kind, false)? {
            let own = self
                .attempt(|this| this.value(pattern))
                .unwrap_or(Type::Unknown);
            self.never_equal(&own, kind, found);
        }
        Ok(())
    }

    fn with(&mut self, with: &With) -> Ready<()> {
        match &with.value {
            Replacement::Value(value) => self.value(value).map(|_| ()),
            Replacement::Function(function) => {
                let Target::Function(target) = &with.target else {
                    return Ok(());
                };
                let (target_type, other) = (self.function(target), self.function(function));
                if let (Some(target_type), Some(other)) = (target_type, other)
                    && !target_type.unifies(&other)
                {
                    let message = format!(
                        "`{}` takes other arguments than `{}`, which stands in its place",
                        name(target),
                        name(function)
                    );
                    self.fault(
                        message,
                        Some("name a function with arguments of the same number and types"),
                    );
                }
                Ok(())
            }
        }
    }

    /// The type of a function; `None` where it is not known.
    pub(super) fn function(&self, function: &Function) -> Option<Type> {
        match function {
            Function::Builtin { name, .. } => {
                let (arguments, result) = self.declared.function(name)?;
                Some(Type::Function(arguments.clone(), Box::new(result.clone())))
            }
            Function::Rule { path, .. } => match self.documents.find(&steps(path)) {
                Some((kind @ Type::Function(..), [])) => Some(kind),
                _ => None,
            },
        }
    }

    pub(super) fn local(&self, local: Local) -> Ready<Type> {
        let kind = self.locals.get(local).and_then(Option::as_deref);
        kind.cloned().ok_or(NotYet)
    }

    pub(super) fn name(&self, local: Local) -> String {
        let variable = self.variables.get(local);
        variable
            .map(|variable| variable.name.clone())
            .unwrap_or_default()
    }

    pub(super) fn set_local(&mut self, local: Local, kind: Type) {
        if let Some(place) = self.locals.get_mut(local) {
            let before = place.replace(Rc::new(kind));
            self.changed.push((local, before));
        }
    }

    /// The present types of the variables, for [`Self::return_to`].
    pub(super) fn types(&self) -> TypesAt {
        TypesAt(self.changed.len())
    }

    /// Gives the variables the types back that they had then.
    pub(super) fn return_to(&mut self, TypesAt(length): TypesAt) {
        for (local, before) in self.changed.drain(length..).rev() {
            if let Some(place) = self.locals.get_mut(local) {
                *place = before;
            }
        }
    }

    fn never_equal(&mut self, one: &Type, other: &Type, found: usize) {
        // A fault inside of the statement is the cause of this one.
        if self.diagnostics.len() > found {
            return;
        }
        let message =
            format!("the two sides are never equal: {one} on the left, {other} on the right");
        self.fault(message, None);
    }

    pub(super) fn cannot_be_searched(&mut self, kind: &Type, found: usize) {
        if self.diagnostics.len() == found && *kind != Type::Unknown {
            let message = format!("expected an array, a set or an object after `in`, found {kind}");
            self.fault(message, None);
        }
    }

    /// All that is known at a reference has a type, but for functions.
    fn has_functions(&mut self, found: usize) {
        if self.diagnostics.len() == found {
            self.fault(
                "the package behind `in` has functions, and a function is no value".to_owned(),
                Some("search one of its rules"),
            );
        }
    }

    pub(super) fn fault(&mut self, message: String, cure: Option<&str>) {
        self.diagnostics.push(Diagnostic {
            code: Code::Type,
            file: self.file.name.clone(),
            span: self.span,
            message,
            cure: cure.map(str::to_owned),
            ..Diagnostic::default()
        });
    }
}

fn name(function: &Function) -> String {
    match function {
        Function::Builtin { name, .. } => name.clone(),
        Function::Rule { path, .. } => path.join("."),
    }
}

fn are_arrays(left: &Value, right: &Value) -> bool {
    matches!((left, right), (Value::Array(one), Value::Array(other)) if one.len() == other.len())
}

/// An object that has these fixed values and no other.
pub(super) fn object(fixed: Vec<(super::kind::Key, Type)>, rest: Option<(Type, Type)>) -> Type {
    let rest = if fixed.is_empty() && rest.is_none() {
        Some((Type::Any, Type::Any))
    } else {
        rest
    };
    Type::Object(Object {
        fixed: fixed.into_iter().collect(),
        rest: rest.map(Box::new),
    })
}
