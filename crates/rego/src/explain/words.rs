//! Writes terms of the core language in the author's notation, with the values that their variables had.

use std::collections::BTreeMap;

use regorus::Value;

use super::notes::{Meaning, Notes, RuleNote};
use crate::{
    arrange::Places,
    core::{self, Term},
    resolve::tree::{Collection, Local, Scalar},
    run::term,
};

/// Longer values are shortened, in characters.
const MAX_SHOWN: usize = 200;
/// The largest depth of a term that is written.
const MAX_DEPTH: usize = 32;

/// The values that are known at a statement.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The values of variables.
    pub locals: BTreeMap<Local, Value>,
    /// The values of references in the statement.
    pub terms: Vec<(Term, Value)>,
}

impl Known {
    /// The value of a variable or a reference.
    pub(super) fn get(&self, term: &Term) -> Option<&Value> {
        match term {
            Term::Local(local) => self.locals.get(local),
            term => {
                let found = self.terms.iter().find(|(other, _)| other == term);
                found.map(|(_, value)| value)
            }
        }
    }
}

/// What is needed to write the terms of one query.
pub(super) struct Words<'a> {
    pub notes: &'a Notes,
    pub places: &'a Places,
    pub rule: &'a RuleNote,
    pub known: &'a Known,
}

impl Words<'_> {
    /// A term in the author's notation.
    pub(super) fn text(&self, term: &Term) -> String {
        self.deep(term, MAX_DEPTH)
    }

    fn deep(&self, term: &Term, depth: usize) -> String {
        let Some(depth) = depth.checked_sub(1) else {
            return "..".to_owned();
        };
        let list = |terms: &[Term]| {
            let all: Vec<String> = terms.iter().map(|term| self.deep(term, depth)).collect();
            all.join(", ")
        };
        match term {
            Term::Scalar(scalar) => of_scalar(scalar),
            Term::Local(local) => self.local(*local, depth),
            Term::Document(path, way) => {
                let mut text = self.path(path);
                self.way(&mut text, way, depth);
                text
            }
            Term::Inside(local, way) => {
                let mut text = self.local(*local, depth);
                self.way(&mut text, way, depth);
                text
            }
            Term::Call(function, arguments) => self.call(function, arguments, depth),
            Term::Infix(sign, operands) => {
                let (left, right) = (&operands.0, &operands.1);
                format!(
                    "{} {sign} {}",
                    self.deep(left, depth),
                    self.deep(right, depth)
                )
            }
            Term::Array(items) => format!("[{}]", list(items)),
            Term::Set(items) if items.is_empty() => "set()".to_owned(),
            Term::Set(items) => format!("{{{}}}", list(items)),
            Term::Object(pairs) => {
                let all: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| {
                        format!("{}: {}", self.deep(key, depth), self.deep(value, depth))
                    })
                    .collect();
                format!("{{{}}}", all.join(", "))
            }
            Term::Comprehension(Collection::Array, ..) => "[.. | ..]".to_owned(),
            Term::Comprehension(Collection::Set, ..) => "{.. | ..}".to_owned(),
            Term::Comprehension(Collection::Object, ..) => "{..: .. | ..}".to_owned(),
        }
    }

    /// The path of a document in the author's notation. A rule of the same package is written by its name alone.
    pub(super) fn path(&self, place: &[String]) -> String {
        let path = self.places.written(place);
        let rule = self
            .notes
            .rules
            .iter()
            .find(|rule| place.starts_with(&rule.place));
        let package = rule.map_or(0, |rule| rule.package);
        let is_own = package > 0 && self.rule.package == package && {
            let own = self.rule.place.get(..package);
            own.is_some_and(|own| place.starts_with(own))
        };
        match path.get(package..) {
            Some(names) if is_own && !names.is_empty() => core::path(names),
            _ => core::path(&path),
        }
    }

    fn way(&self, text: &mut String, way: &[Term], depth: usize) {
        for key in way {
            let value = self.known.get(key);
            let name = match (key, value) {
                (Term::Scalar(Scalar::String(name)), _) => Some(name.clone()),
                (_, Some(Value::String(name))) => Some(name.to_string()),
                _ => None,
            };
            if let Some(name) = name {
                let step = core::path(&["x".to_owned(), name]);
                text.push_str(step.get(1..).unwrap_or_default());
            } else {
                let shown = value.map_or_else(|| self.deep(key, depth), shown);
                text.push('[');
                text.push_str(&shown);
                text.push(']');
            }
        }
    }

    fn local(&self, local: Local, depth: usize) -> String {
        if let Some(name) = self.name(local) {
            return name.to_owned();
        }
        match self.rule.meanings.get(&local) {
            Some(Meaning::Value(term)) => self.deep(term, depth),
            Some(Meaning::Element(key, over)) => {
                let mut text = self.deep(over, depth);
                match key {
                    Some(key) => self.way(&mut text, &[Term::Local(*key)], depth),
                    None => text.push_str("[_]"),
                }
                text
            }
            Some(Meaning::Key(over)) => format!("a key of {}", self.deep(over, depth)),
            None => "_".to_owned(),
        }
    }

    /// The name of a variable, if the author wrote it.
    pub(super) fn name(&self, local: Local) -> Option<&str> {
        let name = self.rule.names.get(local).map(String::as_str);
        name.filter(|name| !name.is_empty())
    }

    fn call(&self, function: &Term, arguments: &[Term], depth: usize) -> String {
        let of = |index: usize| {
            let argument = arguments.get(index);
            argument
                .map(|term| self.deep(term, depth))
                .unwrap_or_default()
        };
        let name = match function {
            Term::Document(path, _) if path.first().is_some_and(|first| first == "data") => {
                self.path(path)
            }
            Term::Document(path, _) => path.join("."),
            other => self.deep(other, depth),
        };
        let sign = match name.as_str() {
            "internal.lt" => "<",
            "internal.lte" => "<=",
            "internal.gt" => ">",
            "internal.gte" => ">=",
            "internal.plus" => "+",
            "internal.minus" => "-",
            "internal.mul" => "*",
            "internal.div" => "/",
            "internal.rem" => "%",
            "internal.or" => "|",
            "internal.and" => "&",
            "internal.member_2" => "in",
            "internal.member_3" => return format!("{}, {} in {}", of(0), of(1), of(2)),
            "internal.same" | "internal.iterable" => return of(0),
            "internal.is_collection" => return format!("{} is a collection", of(0)),
            "internal.array_of" => return format!("{} is an array of {}", of(0), of(1)),
            "internal.object_of" => return format!("{} is an object of the keys {}", of(0), of(1)),
            "internal.template_string" => return "the template string".to_owned(),
            "internal.note" => return format!("trace({})", of(0)),
            _ => {
                let all: Vec<String> = arguments
                    .iter()
                    .map(|term| self.deep(term, depth))
                    .collect();
                return format!("{name}({})", all.join(", "));
            }
        };
        format!("{} {sign} {}", of(0), of(1))
    }
}

fn of_scalar(scalar: &Scalar) -> String {
    match scalar {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(truth) => truth.to_string(),
        Scalar::Number(text) => text.clone(),
        Scalar::String(text) => serde_json::Value::from(text.as_str()).to_string(),
    }
}

/// A value as OPA writes it, shortened if it is long.
pub(super) fn shown(value: &Value) -> String {
    let mut text = String::new();
    let mut left = 4 * MAX_SHOWN;
    let whole = term::write(value, &mut text, &mut |bytes| {
        left = left.checked_sub(bytes).ok_or("too long")?;
        Ok(())
    });
    let is_long = text.chars().count() > MAX_SHOWN;
    if whole.is_err() || is_long {
        text = text.chars().take(MAX_SHOWN).collect();
        text.push_str("..");
    }
    text
}
