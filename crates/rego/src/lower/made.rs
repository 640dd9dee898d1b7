//! Generated rules: groups of rules as objects, functions for built-ins, and the requested document.

use std::collections::BTreeSet;

use super::{Entry, rule};
use crate::{
    arrange::Places,
    core::{self, Module},
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Body, Function, Kind, Rule, Scalar, Value, Variable},
    },
    source::Span,
};

/// The name of their file, which no author uses.
pub(crate) const FILE: &str = "(rules made for others)";

/// The generated rules so far.
pub(super) struct MadeRules<'a> {
    places: &'a Places,
    collections: &'a BTreeSet<Vec<String>>,
    file: File,
    rules: Vec<core::Rule>,
    groups: BTreeSet<Vec<String>>,
}

impl<'a> MadeRules<'a> {
    pub(super) fn new(places: &'a Places, collections: &'a BTreeSet<Vec<String>>) -> Self {
        Self {
            places,
            collections,
            file: File {
                name: FILE.to_owned(),
                package: places.package(),
                rules: Vec::new(),
                imports: Vec::new(),
                negates_undefined: false,
                mentions: Vec::new(),
            },
            rules: Vec::new(),
            groups: BTreeSet::new(),
        }
    }

    /// The place of a document in the engine. It gets a generated rule if no rule of the author's has that path.
    pub(super) fn entry(
        &mut self,
        Entry { path, is_of_data }: Entry,
        files: &[File],
    ) -> Result<Vec<String>, Box<Diagnostic>> {
        let paths = files
            .iter()
            .flat_map(|file| file.rules.iter().map(|rule| file.path(rule)));
        let place = self.places.moved(path.clone());
        let (mut is_rule, mut is_near) = (false, false);
        for other in paths {
            is_rule |= other == place;
            is_near |= other.starts_with(&place) || place.starts_with(&other);
        }
        // The engine only evaluates rules, so a document of the data needs one.
        if is_rule || !is_near && !is_of_data {
            return Ok(place);
        }
        let name = "entry".to_owned();
        self.add(&rule(name.clone(), None, document(path)))?;
        let names = self.file.package.iter().cloned().chain([name]);
        Ok(std::iter::once("data".to_owned()).chain(names).collect())
    }

    /// The file with all generated rules, if there are any.
    pub(super) fn file(mut self, files: &[File]) -> Result<Option<Module>, Box<Diagnostic>> {
        while let Some((path, name, members)) = self.next() {
            for file in files {
                for rule in &file.rules {
                    if rule.replaced.iter().any(|other| path.starts_with(other)) {
                        return Err(Box::new(replaced(&path, file, rule)));
                    }
                }
            }
            if members.is_empty() {
                self.add(&rule(name.clone(), None, Value::Object(Vec::new())))?;
            }
            for member in members {
                let mut below = path.clone();
                below.push(member.clone());
                let key = Value::Scalar(Scalar::String(member));
                self.add(&rule(name.clone(), Some(key), document(below)))?;
            }
            self.groups.insert(path);
        }
        for (builtin, name, arity) in self.places.builtins() {
            self.add(&function(builtin, name, arity))?;
        }
        Ok((!self.rules.is_empty()).then_some(Module {
            name: self.file.name,
            package: self.file.package,
            rules: self.rules,
        }))
    }

    /// A group that is used but not generated yet.
    fn next(&self) -> Option<(Vec<String>, String, Vec<String>)> {
        let asked = self.places.asked().into_iter();
        asked
            .into_iter()
            .find(|(path, ..)| !self.groups.contains(path))
    }

    fn add(&mut self, rule: &Rule) -> Result<(), Box<Diagnostic>> {
        let lowered = rule::lower(rule, &self.file, self.places, self.collections, true)?;
        self.rules.push(lowered);
        Ok(())
    }
}

fn replaced(path: &[String], file: &File, rule: &Rule) -> Diagnostic {
    Diagnostic {
        code: Code::WithGroup,
        file: file.name.clone(),
        span: rule.span,
        message: format!(
            "`with` replaces `{}`, which stands for all rules below it and is used as a whole",
            path.join(".")
        ),
        cure: Some("replace each rule by its whole name".to_owned()),
        ..Diagnostic::default()
    }
}

fn document(path: Vec<String>) -> Value {
    Value::Document {
        path,
        way: Vec::new(),
    }
}

/// `name := value`, or `name[key] := value`.
fn rule(name: String, key: Option<Value>, value: Value) -> Rule {
    let span = Span {
        line: 1,
        column: 1,
        ..Span::default()
    };
    Rule {
        is_default: false,
        path: vec![name],
        keys: key.into_iter().collect(),
        arguments: None,
        kind: Kind::Value,
        body: Body {
            query: None,
            value: Some(value),
            span,
        },
        elses: Vec::new(),
        replaced: Vec::new(),
        locals: Vec::new(),
        span,
    }
}

/// `name(a, b) := builtin(a, b)`.
fn function(builtin: String, name: String, arity: usize) -> Rule {
    let arguments: Vec<Value> = (0..arity).map(Value::Local).collect();
    let locals = (0..arity).map(|_| Variable {
        name: String::new(),
        depth: 0,
    });
    let call = Function::Builtin {
        name: builtin,
        arity,
    };
    Rule {
        arguments: Some(arguments.clone()),
        locals: locals.collect(),
        ..rule(name, None, Value::Call(call, arguments))
    }
}
