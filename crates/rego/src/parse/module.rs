//! Parses files: a package, imports and rules.

use super::{
    cursor::{Cursor, LATER, Outcome},
    lexer::SyntaxError,
    token::Kind,
    tree::{Import, Module, Name},
};
use crate::{
    diagnostic::Code,
    source::{Span, Version},
};

/// The state while a file is read.
struct Reading {
    cursor: Cursor,
    module: Module,
    faults: Vec<SyntaxError>,
}

/// Parses the words of a file. If there are errors, the module is the rest that could be read.
pub(super) fn read(mut cursor: Cursor, version: Version) -> (Module, Vec<SyntaxError>) {
    if version == Version::V1 {
        cursor.later.extend(LATER);
    }
    let mut reading = Reading {
        cursor,
        module: Module {
            package: Vec::new(),
            imports: Vec::new(),
            rules: Vec::new(),
            negates_undefined: false,
            is_v1: version == Version::V1,
        },
        faults: Vec::new(),
    };
    reading.run();
    (reading.module, reading.faults)
}

impl Reading {
    fn run(&mut self) {
        match self.package() {
            Ok(path) => self.module.package = path,
            Err(fault) => self.failed(&fault, 0),
        }
        while !self.cursor.is_at_end() {
            let start = self.cursor.place();
            let outcome = if self.cursor.is_keyword("import") {
                self.import()
            } else {
                let is_v1 = self.module.is_v1;
                self.cursor
                    .rules(is_v1)
                    .map(|rules| self.module.rules.extend(rules))
            };
            if let Err(fault) = outcome {
                self.failed(&fault, start);
            }
        }
    }

    fn failed(&mut self, fault: &SyntaxError, start: usize) {
        self.faults.push(fault.clone());
        self.cursor.go_to_next_rule(start);
    }

    fn package(&mut self) -> Outcome<Vec<Name>> {
        if !self.cursor.take_keyword("package") {
            let mut fault = self.cursor.unexpected("`package` and its name");
            fault.cure = Some("a file begins with `package name`".to_owned());
            return Err(fault);
        }
        self.path()
    }

    /// Names separated by points, or strings in brackets.
    fn path(&mut self) -> Outcome<Vec<Name>> {
        let cursor = &mut self.cursor;
        let mut path = Vec::new();
        let first = cursor.span();
        match cursor.kind().clone() {
            Kind::Word(word) if cursor.name().is_some() || LATER.contains(&word.as_str()) => {
                path.push(Name {
                    text: word,
                    span: first,
                });
                cursor.advance();
            }
            _ => return Err(cursor.unexpected("a name")),
        }
        loop {
            let span = cursor.span();
            if cursor.is_attached(".") {
                cursor.advance();
                let Kind::Word(word) = cursor.kind().clone() else {
                    return Err(cursor.unexpected("a name behind `.`"));
                };
                path.push(Name {
                    text: word,
                    span: cursor.span(),
                });
                cursor.advance();
            } else if cursor.is_attached("[") {
                cursor.advance();
                let Kind::String(text) = cursor.kind().clone() else {
                    return Err(cursor.unexpected("a string between brackets"));
                };
                cursor.advance();
                cursor.expect_sign("]", "behind the string")?;
                path.push(Name { text, span });
            } else {
                return Ok(path);
            }
        }
    }

    fn import(&mut self) -> Outcome<()> {
        let start = self.cursor.span();
        self.cursor.advance();
        let path = self.path()?;
        let alias = if self.cursor.take_keyword("as") {
            let span = self.cursor.span();
            match self.cursor.name().map(str::to_owned) {
                Some(text) => {
                    self.cursor.advance();
                    Some(Name { text, span })
                }
                None => return Err(self.cursor.unexpected("a name behind `as`")),
            }
        } else {
            None
        };
        let span = start.to(self.cursor.last_span());
        let words: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
        match words.as_slice() {
            ["future" | "rego", ..] if alias.is_some() => {
                return Err(self.fault(
                    span,
                    "what brings keywords has no other name",
                    "remove `as ..`",
                ));
            }
            ["future", "keywords"] => {
                self.cursor.later.extend(LATER);
                self.module.negates_undefined = true;
            }
            ["future", "keywords", "not"] => self.module.negates_undefined = true,
            ["future", "keywords", word] => {
                let Some(word) = LATER.iter().find(|known| *known == word) else {
                    return Err(self.fault(
                        span,
                        &format!("there is no keyword `{word}` to import"),
                        "known are `contains`, `every`, `if`, `in` and `not`",
                    ));
                };
                self.cursor.later.insert(word);
                if *word == "every" {
                    // The text is invalid without it.
                    self.cursor.later.insert("in");
                }
            }
            ["rego", "v1"] => {
                self.cursor.later.extend(LATER);
                self.module.is_v1 = true;
            }
            ["input" | "data", ..] => self.module.imports.push(Import { path, alias, span }),
            _ => {
                return Err(self.fault(
                    span,
                    &format!("there is no `{}` to import", words.join(".")),
                    "imports begin with `data`, `input`, `rego.v1` or `future.keywords`",
                ));
            }
        }
        Ok(())
    }

    fn fault(&self, span: Span, message: &str, cure: &str) -> Box<SyntaxError> {
        let mut fault = self.cursor.at(span, message);
        fault.code = Code::Import;
        fault.cure = Some(cure.to_owned());
        fault
    }
}
