//! Parses files: a package, imports and rules.

use super::{
    cursor::{Cursor, LATER, ParseResult, Unread, closing},
    lexer::SyntaxError,
    token::Kind,
    tree::{Import, Module, Name},
};
use crate::{
    diagnostic::{Code, nearest},
    source::{Span, Version},
};

/// What is known while a file is read.
struct FileParser {
    cursor: Cursor,
    module: Module,
}

/// Reads the words of a file; where there are faults, the module is what could be read beside them.
pub(super) fn read(mut cursor: Cursor, version: Version) -> (Module, Vec<Unread>) {
    if version == Version::V1 {
        cursor.later.extend(LATER);
    }
    let mut reading = FileParser {
        cursor,
        module: Module {
            package: Vec::new(),
            imports: Vec::new(),
            rules: Vec::new(),
            negates_undefined: false,
            is_v1: version == Version::V1,
        },
    };
    reading.run();
    reading.module.negates_undefined = reading.cursor.negates_undefined;
    (reading.module, reading.cursor.unread)
}

impl FileParser {
    fn run(&mut self) {
        match self.package() {
            Ok(path) => self.module.package = path,
            // A file may begin with its first rule, in which there can be faults too.
            Err(fault) if self.cursor.place() == 0 && fault.suggestion.is_none() => {
                let within = fault.span.start..fault.span.start;
                self.cursor.unread.push(Unread {
                    fault: *fault,
                    within,
                });
            }
            Err(fault) => self.failed(*fault, 0),
        }
        while !self.cursor.is_at_end() {
            let start = self.cursor.place();
            let follows_on_line = self.follows_on_line();
            let outcome = if self.cursor.is_keyword("import") {
                self.import()
            } else {
                let is_v1 = self.module.is_v1;
                self.cursor
                    .rules(is_v1)
                    .map(|rules| self.module.rules.extend(rules))
            };
            if let Err(fault) = outcome {
                let fault = follows_on_line.unwrap_or(fault);
                self.failed(*fault, start);
            }
        }
    }

    /// The fault of a next word that begins no line, if nothing can be read there.
    fn follows_on_line(&self) -> Option<Box<SyntaxError>> {
        let is_on_line = self.cursor.token().is_some_and(|t| !t.after_line_break);
        (self.cursor.place() > 0 && is_on_line).then(|| {
            let cursor = &self.cursor;
            cursor
                .misspelt_keyword()
                .unwrap_or_else(|| cursor.unexpected_behind_condition("the end of the line"))
        })
    }

    fn failed(&mut self, fault: SyntaxError, start: usize) {
        // What is wrong further up on the line can be the cause.
        let begin = self.cursor.span_at(start);
        let begin = begin.start.saturating_sub(begin.column as usize);
        let unclosed = self.cursor.unclosed(start, fault.span).map(|(open, next)| {
            let sign = open.kind.shown();
            let before = match self.cursor.token_at(next) {
                Some((Kind::Sign(sign), span)) => format!("the `{sign}` of line {}", span.line),
                Some((Kind::Word(_), span)) if span.column == 1 => {
                    format!("the rule of line {}", span.line)
                }
                Some((other, span)) if *other != Kind::End => {
                    format!("{} in line {}", other.shown(), span.line)
                }
                _ => "the end of the file".to_owned(),
            };
            let fault = SyntaxError {
                code: Code::Syntax,
                span: open.span,
                message: format!("{sign} has no `{}` before {before}", closing(open)),
                cure: Some("close it".to_owned()),
                suggestion: None,
            };
            (fault, next)
        });
        let fault = if let Some((fault, next)) = unclosed {
            self.cursor.go_to_rule_from(next);
            fault
        } else {
            self.cursor.go_to_next_rule(start);
            fault
        };
        let end = if self.cursor.is_at_end() {
            usize::MAX
        } else {
            self.cursor.span().start
        };
        self.cursor.unread.push(Unread {
            fault,
            within: begin..end,
        });
    }

    fn package(&mut self) -> ParseResult<Vec<Name>> {
        if !self.cursor.take_keyword("package") {
            let mut fault = self
                .cursor
                .unexpected_for("`package` and its name", &["package"]);
            fault.cure = Some("a file begins with `package name`".to_owned());
            return Err(fault);
        }
        self.path()
    }

    /// Names separated by points, or strings in brackets.
    fn path(&mut self) -> ParseResult<Vec<Name>> {
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

    fn import(&mut self) -> ParseResult<()> {
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
        if let (None, ["data" | "input", .., last]) = (&alias, words.as_slice())
            && self.cursor.is_reserved(last)
        {
            return Err(self.fault(
                span,
                &format!("the path of an import ends with the keyword `{last}`"),
                "write `as` and another name behind it",
            ));
        }
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
                self.cursor.negates_undefined = true;
            }
            ["future", "keywords", "not"] => self.cursor.negates_undefined = true,
            ["future", "keywords", word] => {
                let Some(word) = LATER.iter().find(|known| *known == word) else {
                    let mut fault = self.fault(
                        span,
                        &format!("there is no keyword `{word}` to import"),
                        "known are `contains`, `every`, `if`, `in` and `not`",
                    );
                    fault.suggestion = nearest(word, LATER);
                    return Err(fault);
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
                let path = words.join(".");
                let mut fault = self.fault(
                    span,
                    &format!("there is no `{path}` to import"),
                    "imports begin with `data`, `input`, `rego.v1` or `future.keywords`",
                );
                let known = LATER.map(|word| format!("future.keywords.{word}"));
                let known = known.iter().map(String::as_str);
                let last = words.last().copied().unwrap_or_default();
                fault.suggestion = match words.first() {
                    Some(&"future") if LATER.contains(&last) => {
                        Some(format!("future.keywords.{last}"))
                    }
                    Some(&"future" | &"rego") => {
                        nearest(&path, known.chain(["rego.v1", "future.keywords"]))
                    }
                    // Most likely another file's package.
                    _ => nearest(&path, known.chain(["rego.v1"]))
                        .or_else(|| Some(format!("data.{path}"))),
                };
                return Err(fault);
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
