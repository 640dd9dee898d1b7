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
pub(super) struct KnownValues {
    /// The values of variables.
    pub locals: BTreeMap<Local, Value>,
    /// The values of references in the statement.
    pub terms: Vec<(Term, Value)>,
}

impl KnownValues {
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
    pub known: &'a KnownValues,
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
            let all = terms.iter();
            let all: Vec<String> = all
                .map(|term| self.operand(term, COMPARISON, depth))
                .collect();
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
                let mut text = self.operand(&Term::Local(*local), VALUE, depth);
                self.way(&mut text, way, depth);
                text
            }
            Term::Call(function, arguments) => self.call(function, arguments, depth),
            Term::Infix(operator, operands) => {
                self.infix(&operands.0, operator.sign(), &operands.1, COMPARISON, depth)
            }
            Term::Array(items) => format!("[{}]", list(items)),
            Term::Set(items) if items.is_empty() => "set()".to_owned(),
            Term::Set(items) => format!("{{{}}}", list(items)),
            Term::Object(pairs) => {
                let all: Vec<String> = pairs
                    .iter()
                    .map(|(key, value)| {
                        let value = self.operand(value, COMPARISON, depth);
                        format!("{}: {value}", self.deep(key, depth))
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
        let path = self.places.author_of(place);
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
                let mut text = self.operand(over, VALUE, depth);
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

    /// Two values with an operator between them. Values whose own operators bind less are in parentheses.
    fn infix(&self, left: &Term, sign: &str, right: &Term, binds: u8, depth: usize) -> String {
        // Operators of one kind are evaluated from the left.
        let left = self.operand(left, binds, depth);
        let right = self.operand(right, binds + 1, depth);
        format!("{left} {sign} {right}")
    }

    /// A value beside an operator that binds as `least` says, or that is followed by a key.
    fn operand(&self, term: &Term, least: u8, depth: usize) -> String {
        let text = self.deep(term, depth);
        if self.binds(term, depth) < least {
            format!("({text})")
        } else {
            text
        }
    }

    /// How strongly the outermost operator of a written term binds.
    fn binds(&self, term: &Term, depth: usize) -> u8 {
        let Some(depth) = depth.checked_sub(1) else {
            return VALUE;
        };
        match term {
            Term::Infix(..) => COMPARISON,
            Term::Call(function, arguments) => match builtin(function) {
                Some(name) if is_unchanged(&name) => {
                    let argument = arguments.first();
                    argument.map_or(VALUE, |argument| self.binds(argument, depth))
                }
                Some(name) if is_shape(&name) => SENTENCE,
                Some(name) if name == MEMBER_OF_PAIRS => MEMBERSHIP,
                Some(name) => operator(&name).map_or(VALUE, |(_, binds)| binds),
                None => VALUE,
            },
            Term::Local(local) if self.name(*local).is_none() => {
                match self.rule.meanings.get(local) {
                    Some(Meaning::Value(term)) => self.binds(term, depth),
                    Some(Meaning::Key(_)) => SENTENCE,
                    Some(Meaning::Element(..)) | None => VALUE,
                }
            }
            _ => VALUE,
        }
    }

    /// Whether the author wrote the term, or can at least read it as Rego.
    pub(super) fn is_rego(&self, term: &Term) -> bool {
        match term {
            Term::Call(function, arguments) => {
                builtin(function).is_none_or(|name| {
                    !name.starts_with("internal.")
                        || operator(&name).is_some()
                        || name == MEMBER_OF_PAIRS
                        || is_unchanged(&name)
                }) && arguments.iter().all(|argument| self.is_rego(argument))
            }
            Term::Infix(_, operands) => self.is_rego(&operands.0) && self.is_rego(&operands.1),
            Term::Local(local) | Term::Inside(local, _) if self.name(*local).is_none() => {
                match self.rule.meanings.get(local) {
                    Some(Meaning::Value(term) | Meaning::Element(_, term)) => self.is_rego(term),
                    Some(Meaning::Key(_)) | None => false,
                }
            }
            _ => true,
        }
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
        if let (Some((sign, binds)), [left, right]) = (operator(&name), arguments) {
            return self.infix(left, sign, right, binds, depth);
        }
        let name = match name.as_str() {
            MEMBER_OF_PAIRS => return format!("{}, {} in {}", of(0), of(1), of(2)),
            name if is_unchanged(name) => return of(0),
            "internal.is_collection" => return format!("{} is a collection", of(0)),
            "internal.array_of" => return format!("{} is an array of {}", of(0), of(1)),
            "internal.object_of" => return format!("{} is an object of the keys {}", of(0), of(1)),
            "internal.template_string" => return "the template string".to_owned(),
            "internal.note" => "trace",
            "internal.walk" => "walk",
            name => name,
        };
        let all: Vec<String> = arguments
            .iter()
            .map(|term| self.operand(term, COMPARISON, depth))
            .collect();
        format!("{name}({})", all.join(", "))
    }
}

/// The built-in for `key, value in collection`.
const MEMBER_OF_PAIRS: &str = "internal.member_3";

/// How strongly a text binds that is no term of Rego.
const SENTENCE: u8 = 0;
const MEMBERSHIP: u8 = 1;
const COMPARISON: u8 = 2;
/// How strongly a term without operators binds.
const VALUE: u8 = 7;

/// The author's sign for a built-in that is an operator, and how strongly it binds in OPA.
fn operator(name: &str) -> Option<(&'static str, u8)> {
    Some(match name {
        "internal.member_2" => ("in", MEMBERSHIP),
        "internal.lt" => ("<", COMPARISON),
        "internal.lte" => ("<=", COMPARISON),
        "internal.gt" => (">", COMPARISON),
        "internal.gte" => (">=", COMPARISON),
        "internal.or" => ("|", 3),
        "internal.and" => ("&", 4),
        "internal.plus" => ("+", 5),
        "internal.minus" => ("-", 5),
        "internal.mul" => ("*", 6),
        "internal.div" => ("/", 6),
        "internal.rem" => ("%", 6),
        _ => return None,
    })
}

/// Whether a built-in returns its argument unchanged.
fn is_unchanged(name: &str) -> bool {
    matches!(name, "internal.same" | "internal.iterable")
}

/// Whether a built-in only tests the form of a value.
fn is_shape(name: &str) -> bool {
    matches!(
        name,
        "internal.is_collection" | "internal.array_of" | "internal.object_of"
    )
}

/// The name of a built-in.
fn builtin(function: &Term) -> Option<String> {
    match function {
        Term::Document(path, _) if path.first().is_none_or(|first| first != "data") => {
            Some(path.join("."))
        }
        _ => None,
    }
}

/// Whether a function of the core only tests the form of a value.
pub(super) fn is_shape_test(function: &Term) -> bool {
    builtin(function).is_some_and(|name| is_shape(&name))
}

/// Whether a function of the core returns its argument unchanged.
pub(super) fn is_transparent(function: &Term) -> bool {
    builtin(function).is_some_and(|name| is_unchanged(&name))
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
