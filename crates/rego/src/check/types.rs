//! The types of values, as OPA's compiler infers them: it rejects a call with an argument that the function never takes, a
//! comparison that never holds, and a reference into what has no such part.

mod declared;
mod documents;
mod kind;
mod order;
mod pattern;
mod references;
mod statement;
mod value;

use std::collections::BTreeMap;

pub(super) use self::value::usual;
use self::{
    declared::Declared,
    documents::Documents,
    kind::Type,
    statement::{Ready, Statements},
    value::inside,
};
use super::recursion::Path;
use crate::{
    diagnostic::Diagnostic,
    resolve::{
        File,
        tree::{Body, Kind, Rule, Value},
    },
};

/// Adds a fault for each place at which types do not fit. `order` has the paths of all rules, those that are used first.
pub(super) fn check(files: &[File], order: &[Path], diagnostics: &mut Vec<Diagnostic>) {
    let mut rules: BTreeMap<Path, Vec<(&File, &Rule)>> = BTreeMap::new();
    for file in files {
        for rule in &file.rules {
            rules.entry(file.path(rule)).or_default().push((file, rule));
        }
    }
    let declared = Declared::load();
    let mut documents = Documents::default();
    for path in order {
        let mut kinds = Vec::new();
        for (file, rule) in rules.get(path).into_iter().flatten() {
            for body in std::iter::once(&rule.body).chain(&rule.elses) {
                let mut statements = Statements::new(&declared, &documents, file, rule);
                kinds.push(statements.body(rule, body));
                diagnostics.append(&mut statements.diagnostics);
            }
        }
        for kind in kinds {
            if kind != Type::Unknown {
                documents.insert(path.get(1..).unwrap_or_default(), kind);
            }
        }
    }
    diagnostics.sort_by(|one, other| {
        (&one.file, one.span, &one.message).cmp(&(&other.file, other.span, &other.message))
    });
    diagnostics.dedup();
}

impl Statements<'_> {
    /// The type of what a body of a rule makes. A body with a fault makes anything, so that only the fault is told.
    fn body(&mut self, rule: &Rule, body: &Body) -> Type {
        if let Some(query) = &body.query {
            self.query(query);
        }
        let kind = self.head(rule, body);
        if self.diagnostics.is_empty() {
            kind.unwrap_or(Type::Any)
        } else {
            Type::Any
        }
    }

    fn head(&mut self, rule: &Rule, body: &Body) -> Ready<Type> {
        // OPA moves what has to be evaluated to the end of the body, where an argument can still have no type.
        self.span = body.span;
        let moved: Vec<&Value> = rule.keys.iter().chain(&body.value).collect();
        for value in moved.into_iter().filter(|value| is_evaluated(value)) {
            self.evaluated(&[value])?;
            self.value(value)?;
        }
        // Arguments of which no statement tells anything can be anything.
        for (local, variable) in rule.locals.iter().enumerate() {
            if variable.depth == 0 && self.local(local)? == Type::Unknown {
                self.set_local(local, Type::Any);
            }
        }
        let value = match &body.value {
            Some(value) => self.value(value)?,
            None => Type::Boolean,
        };
        if let Some(arguments) = &rule.arguments {
            let takes = arguments.iter().map(|argument| self.taken(argument));
            return Ok(Type::Function(takes.collect(), Box::new(value)));
        }
        let made = match rule.kind {
            Kind::Value => value,
            Kind::Member => Type::Set(Box::new(value)),
        };
        let mut kind = made;
        for key in rule.keys.iter().rev() {
            kind = Type::object_of(self.value(key)?, kind);
        }
        Ok(kind.bounded())
    }

    /// The type of an argument. The body has determined the types of its variables.
    fn taken(&mut self, argument: &Value) -> Type {
        self.value(argument).unwrap_or(Type::Any)
    }
}

/// Whether a value has a reference, a call or a query in it.
fn is_evaluated(value: &Value) -> bool {
    match value {
        Value::Scalar(_) | Value::Local(_) | Value::Wildcard => false,
        Value::Array(_) | Value::Set(_) | Value::Object(_) => inside(value).any(is_evaluated),
        _ => true,
    }
}
