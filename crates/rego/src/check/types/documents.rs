//! The types of the documents that rules make, by their paths.

use std::collections::BTreeMap;

use super::kind::{Key, Object, Type};

/// A document, and those below it.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// The type of the rules of this very path.
    value: Option<Type>,
    below: BTreeMap<String, Documents>,
}

/// A part of a reference, behind its start.
#[derive(Debug, Clone)]
pub(super) enum Segment {
    /// A constant.
    Key(Key),
    /// Some value of this type.
    Value,
}

/// The names of a path as steps, without the first, `data`.
pub(super) fn steps(path: &[String]) -> Vec<Segment> {
    let names = path.iter().skip(1);
    names
        .map(|name| Segment::Key(Key::String(name.clone())))
        .collect()
}

impl Documents {
    /// Adds the type of a rule at its path.
    pub(super) fn insert(&mut self, path: &[String], added: Type) {
        let Some((name, rest)) = path.split_first() else {
            let merged = match self.value.take() {
                Some(value) => merge(value, added),
                None => added,
            };
            self.value = Some(match merged {
                Type::Object(object) => Type::Object(self.with_those_below(object)),
                other => other,
            });
            return;
        };
        let document = self.below.entry(name.clone()).or_default();
        if !rest.is_empty()
            && let Some(Type::Object(object)) = &mut document.value
        {
            let inside = wrapped(rest, added.clone());
            add(object, inside);
        }
        document.insert(rest, added);
    }

    /// The types of the documents below become those of the object's other values.
    fn with_those_below(&self, mut object: Object) -> Object {
        let mut path = Vec::new();
        self.each_below(&mut path, &mut |path, kind| {
            add(&mut object, wrapped(path, kind.clone()));
        });
        object
    }

    fn each_below(&self, path: &mut Vec<String>, found: &mut dyn FnMut(&[String], &Type)) {
        for (name, document) in &self.below {
            path.push(name.clone());
            match &document.value {
                Some(kind) => found(path, kind),
                None => document.each_below(path, found),
            }
            path.pop();
        }
    }

    /// The document that a reference gets to by constant names, with the steps that are left.
    ///
    /// `None` where no rule makes it: it is data.
    pub(super) fn find<'s>(&self, steps: &'s [Segment]) -> Option<(Type, &'s [Segment])> {
        let Some((step, rest)) = steps.split_first() else {
            return Some((self.whole(), steps));
        };
        let below = match step {
            Segment::Key(Key::String(name)) => self.below.get(name),
            _ => None,
        };
        match (below, &self.value, step) {
            // A rule with a key that is not constant may give this value too.
            (Some(below), Some(value), Segment::Key(key))
                if !rest.is_empty() && below.below.is_empty() =>
            {
                Some((below.whole().or(value.part(key)), rest))
            }
            (Some(below), ..) => below.find(rest),
            (None, Some(value), _) => Some((value.clone(), steps)),
            (None, None, Segment::Key(_)) => None,
            (None, None, Segment::Value) => Some((self.whole(), steps)),
        }
    }

    /// The type of everything here. A package can have data beside its rules.
    fn whole(&self) -> Type {
        if let Some(value) = &self.value {
            return value.clone();
        }
        let below = self.below.iter();
        Type::Object(Object {
            fixed: below
                .map(|(name, document)| (Key::String(name.clone()), document.whole()))
                .collect(),
            rest: Some(Box::new((Type::String, Type::Any))),
        })
    }
}

/// An object in objects, of values under the names of a path, of which there is at least one.
fn wrapped(path: &[String], kind: Type) -> (Type, Type) {
    let inner = path
        .iter()
        .skip(1)
        .rev()
        .fold(kind, |kind, _| Type::object_of(Type::String, kind));
    (Type::String, inner)
}

fn add(object: &mut Object, (key, value): (Type, Type)) {
    let rest = match object.rest.take() {
        Some(rest) => (rest.0.or(key), rest.1.or(value)),
        None => (key, value),
    };
    object.rest = Some(Box::new(rest));
}

/// The type of a document for which there are two rules.
fn merge(one: Type, other: Type) -> Type {
    match (one, other) {
        (Type::Set(one), Type::Set(other)) => Type::Set(Box::new(one.or(*other))),
        (Type::Object(one), Type::Object(other))
            if one.fixed.is_empty() && other.fixed.is_empty() =>
        {
            Type::Object(match (one.rest, other.rest) {
                (Some(one), Some(other)) => Object {
                    rest: Some(Box::new((one.0.or(other.0), merge(one.1, other.1)))),
                    ..Object::default()
                },
                (rest, None) | (None, rest) => Object {
                    rest,
                    ..Object::default()
                },
            })
        }
        (one, other) => one.or(other),
    }
}
