//! What a value in a rule can be: a part of `input`, or one of several constants.

use std::collections::BTreeMap;

use super::schema::{Member, Schema};
use crate::resolve::{
    File,
    tree::{Condition, Function, Kind, Literal, LiteralKind, Local, Query, Rule, Scalar, Value},
};

/// The rules of all files by their full paths.
pub(super) struct Rules<'a>(BTreeMap<Vec<String>, Vec<&'a Rule>>);

/// A part of `input`, with its path as messages show it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Part<'a> {
    pub(super) path: String,
    pub(super) schema: Schema<'a>,
}

/// What is known about a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape<'a> {
    Part(Part<'a>),
    /// One of these constants.
    Constants(Vec<Scalar>),
    /// A collection of these constants.
    Collection(Vec<Scalar>),
}

/// What is known about the variables of a rule.
pub(super) struct Locals<'a> {
    known: BTreeMap<Local, Shape<'a>>,
}

impl<'a> Rules<'a> {
    pub(super) fn of(files: &'a [File]) -> Self {
        let mut rules: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for file in files {
            for rule in &file.rules {
                rules.entry(file.path(rule)).or_default().push(rule);
            }
        }
        Self(rules)
    }

    /// The definitions at exactly this path.
    pub(super) fn at(&self, path: &[String]) -> &[&'a Rule] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// Whether a path leads to rules: to a rule, into the value of a rule, or to a package or the start of its path.
    pub(super) fn is_touched_by(&self, path: &[String]) -> bool {
        self.used_by(path).next().is_some()
    }

    /// The definitions that a path leads to.
    pub(super) fn used_by<'p>(&'p self, path: &'p [String]) -> impl Iterator<Item = &'a Rule> + 'p {
        let below = self.0.range(path.to_vec()..);
        let below = below.take_while(move |(other, _)| other.starts_with(path));
        let above = (1..path.len()).filter_map(move |end| self.0.get(path.get(..end)?));
        below
            .map(|(_, rules)| rules)
            .chain(above)
            .flatten()
            .copied()
    }

    /// The names of the packages and rules right below a path.
    pub(super) fn names_below<'p>(&'p self, path: &'p [String]) -> impl Iterator<Item = &'p str> {
        let below = self.0.range(path.to_vec()..);
        let below = below.take_while(move |(other, _)| other.starts_with(path));
        below.filter_map(move |(other, _)| other.get(path.len()).map(String::as_str))
    }

    /// The value of a rule that has one definition and no conditions.
    fn constant(&self, path: &[String]) -> Option<&'a Value> {
        let [rule] = self.at(path) else { return None };
        let is_plain = !rule.is_default
            && rule.kind == Kind::Value
            && rule.arguments.is_none()
            && rule.keys.is_empty()
            && rule.elses.is_empty()
            && rule.body.query.is_none();
        rule.body.value.as_ref().filter(|_| is_plain)
    }
}

impl<'a> Locals<'a> {
    /// Finds out what is known about the variables of a rule.
    pub(super) fn of(rule: &Rule, rules: &Rules<'_>, input: Schema<'a>) -> Self {
        let mut locals = Self {
            known: BTreeMap::new(),
        };
        // Two rounds, because authors may use a variable above the line that assigns it.
        for _ in 0..2 {
            for body in std::iter::once(&rule.body).chain(&rule.elses) {
                if let Some(query) = &body.query {
                    locals.query(query, rules, input);
                }
            }
        }
        locals
    }

    fn query(&mut self, query: &Query, rules: &Rules<'_>, input: Schema<'a>) {
        for literal in &query.literals {
            self.literal(literal, rules, input);
        }
    }

    fn literal(&mut self, literal: &Literal, rules: &Rules<'_>, input: Schema<'a>) {
        if !literal.with.is_empty() {
            return;
        }
        match &literal.kind {
            LiteralKind::Condition(Condition::Unify(left, right)) => {
                for (one, other) in [(left, right), (right, left)] {
                    if let Value::Local(local) = one {
                        let shape = self.shape(other, rules, input);
                        self.learn(*local, shape);
                    }
                }
            }
            LiteralKind::SomeIn {
                value: Value::Local(local),
                collection,
                ..
            } => {
                let elements = self.elements(collection, rules, input);
                self.learn(*local, elements);
            }
            LiteralKind::Every {
                value,
                domain,
                body,
                ..
            } => {
                let elements = self.elements(domain, rules, input);
                if let Some(local) = value {
                    self.learn(*local, elements);
                }
                self.query(body, rules, input);
            }
            _ => {}
        }
    }

    fn learn(&mut self, local: Local, shape: Option<Shape<'a>>) {
        if let Some(shape) = shape {
            self.known.entry(local).or_insert(shape);
        }
    }

    /// The elements of a value.
    pub(super) fn elements(
        &self,
        value: &Value,
        rules: &Rules<'_>,
        input: Schema<'a>,
    ) -> Option<Shape<'a>> {
        Some(match self.shape(value, rules, input)? {
            Shape::Collection(all) => Shape::Constants(all),
            Shape::Part(part) => Shape::Part(Part {
                path: format!("{}[_]", part.path),
                schema: part.schema.elements()?,
            }),
            Shape::Constants(_) => return None,
        })
    }

    /// What is known about a value.
    pub(super) fn shape(
        &self,
        value: &Value,
        rules: &Rules<'_>,
        input: Schema<'a>,
    ) -> Option<Shape<'a>> {
        match value {
            Value::Scalar(scalar) => Some(Shape::Constants(vec![scalar.clone()])),
            Value::Array(items) | Value::Set(items) => {
                let constant = |item: &Value| match item {
                    Value::Scalar(scalar) => Some(scalar.clone()),
                    _ => None,
                };
                let all: Option<Vec<_>> = items.iter().map(constant).collect();
                all.map(Shape::Collection)
            }
            Value::Local(local) => self.known.get(local).cloned(),
            Value::Document { path, way } => self.document(path, way, rules, input),
            Value::Inside(head, way) => {
                let Shape::Part(part) = self.shape(head, rules, input)? else {
                    return None;
                };
                follow(part, way)
            }
            Value::Call(Function::Builtin { name, .. }, arguments) if name == "object.get" => {
                let [from, key, _] = arguments.as_slice() else {
                    return None;
                };
                let Shape::Part(part) = self.shape(from, rules, input)? else {
                    return None;
                };
                match key {
                    Value::Array(keys) => follow(part, keys),
                    key => follow(part, std::slice::from_ref(key)),
                }
            }
            _ => None,
        }
    }

    fn document(
        &self,
        path: &[String],
        way: &[Value],
        rules: &Rules<'_>,
        input: Schema<'a>,
    ) -> Option<Shape<'a>> {
        if let [first, rest @ ..] = path
            && first == "input"
        {
            let part = Part {
                path: path.join("."),
                schema: input.at(rest)?,
            };
            return follow(part, way);
        }
        if !way.is_empty() {
            return None;
        }
        match rules.constant(path)? {
            value @ (Value::Scalar(_) | Value::Array(_) | Value::Set(_)) => {
                self.shape(value, rules, input)
            }
            // The rule is another name for a part of `input`. Names for names are not followed, so there can be no
            // endless loop.
            Value::Document { path, way } if path.first().is_some_and(|first| first == "input") => {
                self.document(path, way, rules, input)
            }
            _ => None,
        }
    }
}

/// The part that the keys in `way` lead to.
fn follow<'a>(part: Part<'a>, way: &[Value]) -> Option<Shape<'a>> {
    let mut part = part;
    for step in way {
        part = match step {
            Value::Scalar(Scalar::String(name)) => match part.schema.member(name) {
                Member::Known(schema) => Part {
                    path: format!("{}.{name}", part.path),
                    schema,
                },
                Member::Open | Member::None => return None,
            },
            _ => Part {
                path: format!("{}[_]", part.path),
                schema: part.schema.elements()?,
            },
        };
    }
    Some(Shape::Part(part))
}
