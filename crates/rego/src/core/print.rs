//! Prints a policy in its few forms. Only this module makes text. Every statement is on the author's line, if it has
//! one.

use std::fmt::Write as _;

use super::{Body, Module, Rule, Statement, Step, Term};
use crate::resolve::tree::{Collection, Kind, Local, Scalar};

/// Keywords. A field with such a name is written in brackets, and no rule can have it.
pub(crate) const RESERVED: [&str; 15] = [
    "as", "contains", "default", "else", "every", "false", "if", "import", "in", "not", "null",
    "package", "some", "true", "with",
];

/// The text of a file. The names of variables begin with `prefix`, which no name of the policy does.
pub fn print(module: &Module, prefix: &str) -> String {
    let mut printer = Printer {
        text: String::new(),
        line: 1,
        prefix,
        locals: &[],
    };
    printer.push("package ");
    for (index, name) in module.package.iter().enumerate() {
        printer.step(name, index == 0);
    }
    for rule in &module.rules {
        let line = printer.line;
        printer.go_to(rule.span.line);
        if printer.line == line {
            printer.push(" ");
        }
        printer.rule(rule);
    }
    printer.push("\n");
    printer.text
}

/// The text of a path, `data` first.
pub fn path(names: &[String]) -> String {
    let mut printer = Printer {
        text: String::new(),
        line: 1,
        prefix: "",
        locals: &[],
    };
    for (index, name) in names.iter().enumerate() {
        printer.step(name, index == 0);
    }
    printer.text
}

/// Whether a name can follow a `.`.
pub(crate) fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !RESERVED.contains(&name)
}

struct Printer<'a> {
    text: String,
    line: u32,
    prefix: &'a str,
    locals: &'a [String],
}

impl<'a> Printer<'a> {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn go_to(&mut self, line: u32) {
        while self.line < line {
            self.text.push('\n');
            self.line += 1;
        }
    }

    fn step(&mut self, name: &str, is_first: bool) {
        if is_first {
            self.push(name);
        } else if is_name(name) {
            self.push(".");
            self.push(name);
        } else {
            self.push("[");
            self.string(name);
            self.push("]");
        }
    }

    fn rule(&mut self, rule: &'a Rule) {
        self.locals = &rule.locals;
        if rule.is_default {
            self.push("default ");
        }
        for (index, name) in rule.path.iter().enumerate() {
            self.step(name, index == 0);
        }
        if let Some(arguments) = &rule.arguments {
            self.push("(");
            for (index, argument) in arguments.iter().enumerate() {
                self.separate(index, ", ");
                match argument {
                    Some(argument) => self.term(argument),
                    None => self.push("_"),
                }
            }
            self.push(")");
        }
        if let Some(key) = &rule.key {
            self.push("[");
            self.term(key);
            self.push("]");
        }
        for (index, body) in rule.bodies.iter().enumerate() {
            if index > 0 {
                self.go_to(body.span.line);
                self.push(" else");
            }
            self.push(match rule.kind {
                Kind::Member => " contains ",
                Kind::Value => " := ",
            });
            self.term(&body.value);
            self.body(body, index > 0);
        }
    }

    fn body(&mut self, body: &'a Body, is_else: bool) {
        if body.statements.is_empty() {
            if is_else {
                self.push(" if { true }");
            }
            return;
        }
        self.push(" if { ");
        self.statements(&body.statements);
        self.push(" }");
    }

    fn statements(&mut self, statements: &'a [Statement]) {
        for (index, statement) in statements.iter().enumerate() {
            self.separate(index, "; ");
            self.go_to(statement.span.line);
            self.one(&statement.step);
            for (target, value) in &statement.with {
                self.push(" with ");
                self.term(target);
                self.push(" as ");
                self.term(value);
            }
        }
        if statements.is_empty() {
            self.push("true");
        }
    }

    fn one(&mut self, step: &'a Step) {
        match step {
            Step::Bind(local, value) => {
                self.local(*local);
                self.push(" := ");
                self.term(value);
            }
            Step::Test(value) => self.term(value),
            Step::Same(left, right) => {
                self.term(left);
                self.push(" == ");
                self.term(right);
            }
            Step::Member(value, collection) => {
                self.term(value);
                self.push(" in ");
                self.term(collection);
            }
            Step::Each(key, value, collection) => {
                self.push("some ");
                if let Some(key) = key {
                    self.local(*key);
                    self.push(", ");
                }
                match value {
                    Some(value) => self.local(*value),
                    None => self.push("_"),
                }
                self.push(" in ");
                self.term(collection);
            }
            Step::Not(step) => {
                self.push("not ");
                self.one(step);
            }
            Step::Every(key, value, domain, body) => self.every(*key, *value, domain, body),
        }
    }

    /// Inside an `every`, its variables are assigned again. In brackets, the engine would otherwise search for them.
    fn every(
        &mut self,
        key: Option<Local>,
        value: Option<Local>,
        domain: &'a Term,
        body: &'a [Statement],
    ) {
        self.push("every ");
        if let Some(key) = key {
            self.local(key);
            self.push("e, ");
        }
        match value {
            Some(value) => {
                self.local(value);
                self.push("e");
            }
            None => self.push("_"),
        }
        self.push(" in ");
        self.term(domain);
        self.push(" { ");
        for local in key.into_iter().chain(value) {
            self.local(local);
            self.push(" := ");
            self.local(local);
            self.push("e; ");
        }
        self.statements(body);
        self.push(" }");
    }

    fn local(&mut self, local: Local) {
        let name = self.locals.get(local).map_or("", String::as_str);
        self.text.push_str(self.prefix);
        self.text.push_str(name);
        self.text.push('_');
        self.text.push_str(&local.to_string());
    }

    fn separate(&mut self, index: usize, by: &str) {
        if index > 0 {
            self.push(by);
        }
    }

    fn list(&mut self, open: &str, items: &'a [Term], close: &str) {
        self.push(open);
        for (index, item) in items.iter().enumerate() {
            self.separate(index, ", ");
            self.term(item);
        }
        self.push(close);
    }

    fn term(&mut self, term: &'a Term) {
        match term {
            Term::Scalar(scalar) => self.scalar(scalar),
            Term::Local(local) => self.local(*local),
            Term::Document(path, way) => {
                for (index, name) in path.iter().enumerate() {
                    self.step(name, index == 0);
                }
                self.way(way);
            }
            Term::Inside(local, way) => {
                self.local(*local);
                self.way(way);
            }
            Term::Call(function, arguments) => {
                self.term(function);
                self.list("(", arguments, ")");
            }
            Term::Infix(operator, operands) => {
                self.term(&operands.0);
                self.push(" ");
                self.push(operator.sign());
                self.push(" ");
                self.term(&operands.1);
            }
            Term::Array(items) => self.list("[", items, "]"),
            Term::Set(items) if items.is_empty() => self.push("set()"),
            Term::Set(items) => self.list("{", items, "}"),
            Term::Object(pairs) => {
                self.push("{");
                for (index, (key, value)) in pairs.iter().enumerate() {
                    self.separate(index, ", ");
                    self.term(key);
                    self.push(": ");
                    self.term(value);
                }
                self.push("}");
            }
            Term::Comprehension(collection, first, second, query) => {
                let (open, close) = match collection {
                    Collection::Array => ("[", "]"),
                    Collection::Set | Collection::Object => ("{", "}"),
                };
                self.push(open);
                self.term(first);
                if let Some(second) = second {
                    self.push(": ");
                    self.term(second);
                }
                self.push(" | ");
                self.statements(query);
                self.push(close);
            }
        }
    }

    fn way(&mut self, way: &'a [Term]) {
        for key in way {
            match key {
                Term::Scalar(Scalar::String(name)) => self.step(name, false),
                other => {
                    self.push("[");
                    self.term(other);
                    self.push("]");
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &Scalar) {
        match scalar {
            Scalar::Null => self.push("null"),
            Scalar::Bool(truth) => self.push(if *truth { "true" } else { "false" }),
            Scalar::Number(text) => self.push(text),
            Scalar::String(text) => self.string(text),
        }
    }

    /// A JSON string (RFC 8259, section 7).
    fn string(&mut self, text: &str) {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                c if c < ' ' || c == '\u{7f}' || c == '\u{2028}' || c == '\u{2029}' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}
