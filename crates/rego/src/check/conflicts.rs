//! Rules that cannot stand beside each other, as OPA's compiler sees it: by the part of their paths that is constant.

use std::collections::BTreeMap;

use crate::{
    diagnostic::{Code, Diagnostic},
    resolve::{
        File,
        tree::{Kind, Rule, Scalar, Value},
    },
    source::Span,
};

/// A constant key, such that `1` is not `"1"`.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Debug)]
enum Key {
    Name(String),
    Other(String),
}

/// A rule and where it is.
#[derive(Clone, Copy)]
struct Found<'a> {
    file: &'a str,
    rule: &'a Rule,
    /// Whether all of its path is constant.
    is_constant: bool,
}

/// What rules of one path must have in common.
#[derive(PartialEq)]
struct Form {
    kind: Kind,
    arguments: usize,
    /// Whether it gives all of the value, and not one member of a set or an object.
    is_whole: bool,
}

/// Adds a diagnostic for each rule that conflicts with another one.
pub(super) fn check(files: &[File], diagnostics: &mut Vec<Diagnostic>) {
    let mut rules: BTreeMap<Vec<Key>, Vec<Found<'_>>> = BTreeMap::new();
    for file in files {
        for rule in &file.rules {
            let (path, is_constant) = path(file, rule);
            let found = Found {
                file: &file.name,
                rule,
                is_constant,
            };
            rules.entry(path).or_default().push(found);
        }
    }
    for (path, found) in &rules {
        let conflict = inside(path, found, &rules).or_else(|| beside(path, found));
        let is_told = |other: &Diagnostic| {
            let same = |one: &Diagnostic| one.file == other.file && one.span == other.span;
            diagnostics.iter().any(same)
        };
        let conflict = conflict.filter(|conflict| !is_told(conflict));
        diagnostics.extend(conflict);
    }
}

/// The constant keys that a rule's full path begins with, and whether these are all.
fn path(file: &File, rule: &Rule) -> (Vec<Key>, bool) {
    let mut path: Vec<Key> = file.path(rule).into_iter().map(Key::Name).collect();
    for key in &rule.keys {
        match key {
            Value::Scalar(Scalar::String(name)) => path.push(Key::Name(name.clone())),
            Value::Scalar(Scalar::Number(text)) => path.push(Key::Other(text.clone())),
            Value::Scalar(Scalar::Bool(truth)) => path.push(Key::Other(truth.to_string())),
            Value::Scalar(Scalar::Null) => path.push(Key::Other("null".to_owned())),
            _ => return (path, false),
        }
    }
    (path, true)
}

/// A rule that has a whole value, and another rule whose path goes on inside of that value.
fn inside(
    path: &[Key],
    found: &[Found<'_>],
    rules: &BTreeMap<Vec<Key>, Vec<Found<'_>>>,
) -> Option<Diagnostic> {
    let whole = found.iter().find(|found| found.is_constant)?;
    let (below, others) = rules.range(path.to_vec()..).nth(1)?;
    let other = others.first().filter(|_| below.starts_with(path))?;
    Some(whole.diagnostic(
        Code::Rule,
        format!(
            "`{}` has a value of its own, and `{}` is defined at {}",
            shown(path),
            shown(below),
            other.place()
        ),
        "give one of them another name, or the whole value by one rule",
    ))
}

/// Two rules of one path that are not of one form, or two defaults.
fn beside(path: &[Key], found: &[Found<'_>]) -> Option<Diagnostic> {
    let (first, rest) = found.split_first()?;
    let form = first.form();
    if let Some(other) = rest.iter().find(|other| other.form() != form) {
        return Some(other.diagnostic(
            Code::Rule,
            format!(
                "{} by this rule, and {} at {}",
                other.gives(&shown(path)),
                first.gives("it"),
                first.place()
            ),
            "write all rules of one name in one form, or give one of them another name",
        ));
    }
    let mut defaults = found.iter().filter(|found| found.rule.is_default);
    let first = defaults.next()?;
    let second = defaults.next()?;
    Some(second.diagnostic(
        Code::Rule,
        format!("`{}` has another default at {}", shown(path), first.place()),
        "keep one",
    ))
}

impl Found<'_> {
    fn form(&self) -> Form {
        Form {
            kind: self.rule.kind,
            arguments: self.rule.arguments.as_ref().map_or(0, Vec::len),
            is_whole: self.rule.kind == Kind::Value && self.is_constant,
        }
    }

    /// What the rule gives under a name.
    fn gives(&self, name: &str) -> String {
        let form = self.form();
        let name = if name == "it" {
            name.to_owned()
        } else {
            format!("`{name}`")
        };
        match (form.kind, form.arguments) {
            (Kind::Member, _) if self.is_constant => format!("{name} is a set"),
            (Kind::Member, _) => format!("{name} is an object with sets"),
            (Kind::Value, 0) if self.is_constant => format!("{name} is one value"),
            (Kind::Value, 0) => format!("{name} is an object by its keys"),
            (Kind::Value, count) => format!("{name} is a function of {count} arguments"),
        }
    }

    fn place(&self) -> String {
        let Span { line, column, .. } = self.rule.span;
        format!("{}:{line}:{column}", self.file)
    }

    fn diagnostic(&self, code: Code, message: String, cure: &str) -> Diagnostic {
        Diagnostic {
            code,
            file: self.file.to_owned(),
            span: self.rule.span,
            message,
            cure: Some(cure.to_owned()),
            ..Diagnostic::default()
        }
    }
}

fn shown(path: &[Key]) -> String {
    let names = path.iter().map(|key| match key {
        Key::Name(name) | Key::Other(name) => name.as_str(),
    });
    names.collect::<Vec<_>>().join(".")
}
