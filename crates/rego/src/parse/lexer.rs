//! Splits text into words.

use super::token::{Kind, Token};
use crate::{diagnostic::Code, source::Span};

/// An error in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) code: Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) cure: Option<String>,
}

/// Signs. Longer ones come before their prefixes.
const SIGNS: [&str; 26] = [
    ":=", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "|", "&", ",", ";", ":",
    ".", "[", "]", "{", "}", "(", ")", "!",
];

/// The words of a text, and its lexical errors. After an error, reading continues with the next line.
pub(super) fn words(text: &str) -> (Vec<Token>, Vec<SyntaxError>) {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        templates: Vec::new(),
        tokens: Vec::new(),
        faults: Vec::new(),
    };
    lexer.run();
    (lexer.tokens, lexer.faults)
}

/// A template string whose expression is being read.
struct Template {
    raw: bool,
    /// The open braces of the expression.
    braces: usize,
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    templates: Vec<Template>,
    tokens: Vec<Token>,
    faults: Vec<SyntaxError>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn span(&self, start: (usize, u32, usize)) -> Span {
        let (start, line, line_start) = start;
        let before = self.text.get(line_start..start).unwrap_or_default();
        Span {
            start,
            end: self.at,
            line,
            column: u32::try_from(before.chars().count()).map_or(u32::MAX, |n| n.saturating_add(1)),
        }
    }

    fn place(&self) -> (usize, u32, usize) {
        (self.at, self.line, self.line_start)
    }

    fn advance(&mut self, bytes: usize) {
        let end = self.at + bytes;
        for (index, _) in self
            .text
            .get(self.at..end)
            .unwrap_or_default()
            .match_indices('\n')
        {
            self.line = self.line.saturating_add(1);
            self.line_start = self.at + index + 1;
        }
        self.at = end;
    }

    fn fault(&mut self, start: (usize, u32, usize), message: &str, cure: Option<&str>) {
        let span = self.span(start);
        self.faults.push(SyntaxError {
            code: Code::Syntax,
            span,
            message: message.to_owned(),
            cure: cure.map(str::to_owned),
        });
        let line = self.rest().find('\n').unwrap_or(self.rest().len());
        self.advance(line);
        self.templates.clear();
    }

    fn run(&mut self) {
        let mut before = (true, true);
        loop {
            let (space, line_break) = self.skip_space();
            before = (before.0 || space, before.1 || line_break);
            let start = self.place();
            let Some(first) = self.rest().chars().next() else {
                self.push(Kind::End, start, before);
                return;
            };
            match self.word(first) {
                Ok(kind) => {
                    self.push(kind, start, before);
                    before = (false, false);
                }
                Err((message, cure)) => {
                    self.fault(start, message, cure);
                    before = (true, true);
                }
            }
        }
    }

    fn push(&mut self, kind: Kind, start: (usize, u32, usize), before: (bool, bool)) {
        let span = self.span(start);
        self.tokens.push(Token {
            kind,
            span,
            after_space: before.0,
            after_line_break: before.1,
        });
    }

    /// Skips white space and comments. Returns whether there was any, and whether it had a line break.
    fn skip_space(&mut self) -> (bool, bool) {
        let start = self.at;
        let line = self.line;
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
            self.advance(space);
            if !self.rest().starts_with('#') {
                break;
            }
            let comment = self.rest().find('\n').unwrap_or(self.rest().len());
            self.advance(comment);
        }
        (self.at > start, self.line > line)
    }

    fn word(&mut self, first: char) -> Result<Kind, (&'static str, Option<&'static str>)> {
        let rest = self.rest();
        if first.is_ascii_alphabetic() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let word = rest.get(..end).unwrap_or_default().to_owned();
            self.advance(end);
            return Ok(Kind::Word(word));
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        match first {
            '"' => {
                self.advance(1);
                self.quoted().map(Kind::String)
            }
            '`' => {
                self.advance(1);
                let end = self.rest().find('`').ok_or((
                    "a string between backquotes (`) has no end",
                    Some("close it with another backquote"),
                ))?;
                let text = self.rest().get(..end).unwrap_or_default().to_owned();
                self.advance(end + 1);
                Ok(Kind::String(text))
            }
            '$' if rest.starts_with("$\"") || rest.starts_with("$`") => {
                let raw = rest.starts_with("$`");
                self.advance(2);
                self.template(raw)
            }
            '}' if self.templates.last().is_some_and(|t| t.braces == 0) => {
                let raw = self.templates.pop().is_some_and(|template| template.raw);
                self.advance(1);
                self.template(raw)
            }
            _ => self.sign(first),
        }
    }

    fn sign(&mut self, first: char) -> Result<Kind, (&'static str, Option<&'static str>)> {
        let rest = self.rest();
        for (wrong, message, cure) in [
            (
                "&&",
                "`&&` is no operator of Rego",
                "write each condition on a line of its own",
            ),
            (
                "||",
                "`||` is no operator of Rego",
                "write a second rule of the same name, or `in`",
            ),
            ("//", "`//` begins no comment", "begin it with `#`"),
        ] {
            if rest.starts_with(wrong) {
                return Err((message, Some(cure)));
            }
        }
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
            return Err(match first {
                '\'' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => (
                    "strings stand between straight double quotes",
                    Some("write \"..\""),
                ),
                _ => ("this character has no meaning outside of strings", None),
            });
        };
        if *sign == "!" {
            return Err(("`!` is no operator of Rego", Some("write `not`, or `!=`")));
        }
        if let Some(template) = self.templates.last_mut() {
            match *sign {
                "{" => template.braces += 1,
                "}" => template.braces = template.braces.saturating_sub(1),
                _ => {}
            }
        }
        self.advance(sign.len());
        Ok(Kind::Sign(sign))
    }

    /// Digits, a fraction, an exponent (RFC 8259, section 6). The sign is a separate word.
    fn number(&mut self) -> Result<Kind, (&'static str, Option<&'static str>)> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let digits = |from: usize| {
            let tail = bytes.get(from..).unwrap_or_default();
            from + tail.iter().take_while(|b| b.is_ascii_digit()).count()
        };
        let mut end = digits(0);
        let leads = end > 1 && bytes.first() == Some(&b'0');
        if bytes.get(end) == Some(&b'.') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        let follows = bytes
            .get(end)
            .is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        if leads || follows {
            return Err((
                "a number is written as in JSON",
                Some("without leading zeros or letters"),
            ));
        }
        let text = rest.get(..end).unwrap_or_default().to_owned();
        self.advance(end);
        Ok(Kind::Number(text))
    }

    /// The rest of a string in double quotes (RFC 8259, section 7).
    fn quoted(&mut self) -> Result<String, (&'static str, Option<&'static str>)> {
        let mut text = String::new();
        loop {
            if self.character(&mut text, &['"'])?.is_some() {
                return Ok(text);
            }
        }
    }

    /// One character of a quoted text, with its escape. The end is reported and not added.
    fn character(
        &mut self,
        text: &mut String,
        ends: &[char],
    ) -> Result<Option<char>, (&'static str, Option<&'static str>)> {
        const OPEN: (&str, Option<&str>) = (
            "a string has no end on its line",
            Some("close it with `\"`"),
        );
        let next = self.rest().chars().next().ok_or(OPEN)?;
        if next == '\n' {
            return Err(OPEN);
        }
        self.advance(next.len_utf8());
        if ends.contains(&next) {
            return Ok(Some(next));
        }
        if next == '\\' {
            let c = self.escape(ends.contains(&'{'))?;
            text.push(c);
        } else if next < ' ' && next != '\t' {
            return Err((
                "a string holds a control character",
                Some("write its escape, such as `\\n`"),
            ));
        } else {
            text.push(next);
        }
        Ok(None)
    }

    fn escape(&mut self, in_template: bool) -> Result<char, (&'static str, Option<&'static str>)> {
        const WRONG: (&str, Option<&str>) = (
            "this escape is none of JSON's",
            Some("write `\\\\` for a backslash, or a string between backquotes"),
        );
        let next = self.rest().chars().next().ok_or(WRONG)?;
        self.advance(next.len_utf8());
        Ok(match next {
            '"' | '\\' | '/' => next,
            '{' | '}' if in_template => next,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.unit().ok_or(WRONG)?;
                let mut units = vec![high];
                if (0xd800..0xdc00).contains(&high) && self.rest().starts_with("\\u") {
                    let back = self.place();
                    self.advance(2);
                    match self.unit() {
                        Some(low) if (0xdc00..0xe000).contains(&low) => units.push(low),
                        // It is not the second half of a pair, so it stays alone.
                        _ => (self.at, self.line, self.line_start) = back,
                    }
                }
                char::decode_utf16(units)
                    .next()
                    .and_then(Result::ok)
                    .unwrap_or('\u{fffd}')
            }
            _ => return Err(WRONG),
        })
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let unit = u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        self.advance(4);
        Some(unit)
    }

    /// The text of a template up to an expression or its end.
    fn template(&mut self, raw: bool) -> Result<Kind, (&'static str, Option<&'static str>)> {
        let mut text = String::new();
        loop {
            let end = if raw {
                let next = self.rest().chars().next().ok_or((
                    "a template string has no end",
                    Some("close it with a backquote"),
                ))?;
                self.advance(next.len_utf8());
                match next {
                    '`' | '{' => Some(next),
                    '\\' if self.rest().starts_with('{') => {
                        self.advance(1);
                        text.push('{');
                        None
                    }
                    other => {
                        text.push(other);
                        None
                    }
                }
            } else {
                self.character(&mut text, &['"', '{'])?
            };
            match end {
                Some('{') => {
                    self.templates.push(Template { raw, braces: 0 });
                    return Ok(Kind::TemplateText(text));
                }
                Some(_) => return Ok(Kind::TemplateEnd(text)),
                None => {}
            }
        }
    }
}
