//! What a value in a rule can be: a part of `input`, or one of several constants.

use std::collections::{BTreeMap, BTreeSet};

use super::schema::{Member, Schema};
use crate::resolve::{
    File,
    tree::{Condition, Function, Kind, Literal, LiteralKind, Local, Query, Rule, Scalar, Value},
    uses,
};

/// The rules of all files.
pub(super) struct Rules<'a> {
    /// By their full paths.
    by_path: BTreeMap<Vec<String>, Vec<&'a Rule>>,
    /// The full paths of functions.
    functions: BTreeMap<*const Rule, Vec<String>>,
    /// The part of `input` that all calls of a function give as each argument, by the path of the function.
    given: BTreeMap<Vec<String>, Vec<Option<Shape<'a>>>>,
}

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
    pub(super) fn of(files: &'a [File], input: Schema<'a>) -> Self {
        let mut rules = Self {
            by_path: BTreeMap::new(),
            functions: BTreeMap::new(),
            given: BTreeMap::new(),
        };
        for file in files {
            for rule in &file.rules {
                let path = file.path(rule);
                if rule.arguments.is_some() {
                    rules.functions.insert(rule, path.clone());
                }
                rules.by_path.entry(path).or_default().push(rule);
            }
        }
        // Two rounds, because a function can hand on its arguments to another one.
        for _ in 0..2 {
            rules.given = rules.given(files, input);
        }
        rules
    }

    /// What all calls of each function give as its arguments.
    fn given(
        &self,
        files: &'a [File],
        input: Schema<'a>,
    ) -> BTreeMap<Vec<String>, Vec<Option<Shape<'a>>>> {
        let mut given: BTreeMap<Vec<String>, Vec<Option<Shape<'a>>>> = BTreeMap::new();
        for rule in files.iter().flat_map(|file| &file.rules) {
            let locals = Locals::of(rule, self, input);
            uses::calls(rule, &mut |function, arguments, _| {
                let Function::Rule { path, .. } = function else {
                    return;
                };
                let shapes = arguments.iter().map(|argument| {
                    let shape = locals.shape(argument, self, input);
                    shape.filter(|shape| matches!(shape, Shape::Part(_)))
                });
                match given.get_mut(path) {
                    None => {
                        given.insert(path.clone(), shapes.collect());
                    }
                    Some(before) => {
                        for (before, shape) in before.iter_mut().zip(shapes) {
                            if *before != shape {
                                *before = None;
                            }
                        }
                    }
                }
            });
        }
        given
    }

    /// The definitions at exactly this path.
    pub(super) fn at(&self, path: &[String]) -> &[&'a Rule] {
        self.by_path.get(path).map_or(&[], Vec::as_slice)
    }

    /// Whether a path leads to rules: to a rule, into the value of a rule, or to a package or the start of its path.
    pub(super) fn is_touched_by(&self, path: &[String]) -> bool {
        self.used_by(path).next().is_some()
    }

    /// The definitions that a path leads to.
    pub(super) fn used_by<'p>(&'p self, path: &'p [String]) -> impl Iterator<Item = &'a Rule> + 'p {
        let below = self.by_path.range(path.to_vec()..);
        let below = below.take_while(move |(other, _)| other.starts_with(path));
        let above = (1..path.len()).filter_map(move |end| self.by_path.get(path.get(..end)?));
        below
            .map(|(_, rules)| rules)
            .chain(above)
            .flatten()
            .copied()
    }

    /// The rules that the value of a document can depend on.
    pub(super) fn reached_from(&self, path: &[String]) -> BTreeSet<*const Rule> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![path.to_vec()];
        let mut seen: BTreeSet<Vec<String>> = waiting.iter().cloned().collect();
        while let Some(path) = waiting.pop() {
            for rule in self.used_by(&path) {
                if reached.insert(std::ptr::from_ref(rule)) {
                    uses::of_rule(rule, &mut |path, _| {
                        if seen.insert(path.to_vec()) {
                            waiting.push(path.to_vec());
                        }
                    });
                }
            }
        }
        reached
    }

    /// The names of the packages and rules right below a path.
    pub(super) fn names_below<'p>(&'p self, path: &'p [String]) -> impl Iterator<Item = &'p str> {
        let below = self.by_path.range(path.to_vec()..);
        let below = below.take_while(move |(other, _)| other.starts_with(path));
        below.filter_map(move |(other, _)| other.get(path.len()).map(String::as_str))
    }

    /// The constants that the definitions of a set give. `None` if there is another definition.
    fn members(&self, path: &[String]) -> Option<Vec<Scalar>> {
        let all = self.at(path).iter().map(|rule| match &rule.body.value {
            Some(Value::Scalar(scalar)) if rule.kind == Kind::Member && rule.keys.is_empty() => {
                Some(scalar.clone())
            }
            _ => None,
        });
        let all: Vec<Scalar> = all.collect::<Option<_>>()?;
        (!all.is_empty()).then_some(all)
    }

    /// The constant keys of an object or set that rules make.
    pub(super) fn keys_of(&self, path: &[String]) -> Option<Vec<Scalar>> {
        if !self.at(path).is_empty() {
            let constant = || constant_keys(self.constant(path)?);
            return self.members(path).or_else(constant);
        }
        let below = self.by_path.range(path.to_vec()..);
        let below = below.take_while(|(other, _)| other.starts_with(path));
        let mut keys: Vec<Scalar> = Vec::new();
        for (other, rules) in below {
            // The path of a package is no object of rules.
            let of_rule = rules.first().map_or(0, |rule| rule.path.len());
            if path.len() <= other.len().saturating_sub(of_rule) {
                return None;
            }
            let key = other.get(path.len()).cloned().map(Scalar::String)?;
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        (!keys.is_empty()).then_some(keys)
    }

    /// The value of a rule that has one definition and no conditions.
    pub(super) fn constant(&self, path: &[String]) -> Option<&'a Value> {
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
    pub(super) fn of(rule: &Rule, rules: &Rules<'a>, input: Schema<'a>) -> Self {
        let mut locals = Self {
            known: BTreeMap::new(),
        };
        let path = rules.functions.get(&std::ptr::from_ref(rule));
        let given = path.and_then(|path| rules.given.get(path));
        for (argument, shape) in rule
            .arguments
            .iter()
            .flatten()
            .zip(given.into_iter().flatten())
        {
            if let Value::Local(local) = argument {
                locals.learn(*local, shape.clone());
            }
        }
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
        if let Some((_, rest)) = path.split_first().filter(|(first, _)| *first == "input") {
            let part = Part {
                path: path.join("."),
                schema: input.at(rest)?,
            };
            return follow(part, way);
        }
        if !way.is_empty() {
            return None;
        }
        if let Some(all) = rules.members(path) {
            return Some(Shape::Collection(all));
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

/// The keys of an object or set, if all are constant.
pub(super) fn constant_keys(value: &Value) -> Option<Vec<Scalar>> {
    let constant = |key: &Value| match key {
        Value::Scalar(scalar) => Some(scalar.clone()),
        _ => None,
    };
    match value {
        Value::Object(pairs) => pairs.iter().map(|(key, _)| constant(key)).collect(),
        Value::Set(items) => items.iter().map(constant).collect(),
        _ => None,
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
