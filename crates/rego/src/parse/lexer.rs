//! Splits text into words.

mod strings;

use super::{
    foreign,
    token::{Kind, Token},
};
use crate::{diagnostic::Code, source::Span};

/// An error in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) code: Code,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) cure: Option<String>,
    /// The word that the author may have meant.
    pub(super) suggestion: Option<String>,
}

/// Signs, longer ones before those that they begin with.
const SIGNS: [&str; 25] = [
    ":=", "==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "|", "&", ",", ";", ":",
    ".", "[", "]", "{", "}", "(", ")",
];

/// A word that is none.
struct Broken {
    message: String,
    cure: Option<String>,
    /// What it is read as, so that more faults can be found behind it.
    read_as: Option<Kind>,
    /// Whether the rest of its line is left out.
    ends_line: bool,
}

impl Broken {
    fn sign(message: String, cure: &str, read_as: Option<Kind>) -> Self {
        Self {
            message,
            cure: Some(cure.to_owned()),
            read_as,
            ends_line: false,
        }
    }
}

/// A string or template that has no end or a wrong escape.
type NoText = (&'static str, Option<&'static str>);

impl From<NoText> for Broken {
    fn from((message, cure): NoText) -> Self {
        Self {
            message: message.to_owned(),
            cure: cure.map(str::to_owned),
            read_as: Some(Kind::String(String::new())),
            ends_line: true,
        }
    }
}

/// The words of a text, and the faults of its form.
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

    fn fault(&mut self, start: (usize, u32, usize), message: String, cure: Option<String>) {
        let span = self.span(start);
        self.faults.push(SyntaxError {
            code: Code::Syntax,
            span,
            message,
            cure,
            suggestion: None,
        });
    }

    fn skip_line(&mut self) {
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
                Err(broken) => {
                    self.fault(start, broken.message, broken.cure);
                    if broken.ends_line {
                        self.skip_line();
                    }
                    // Where nothing stands in its place, what follows is no part of what is before it.
                    let is_gap = broken.read_as.is_none();
                    if let Some(kind) = broken.read_as {
                        self.push(kind, start, before);
                    }
                    before = (is_gap, is_gap);
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

    fn word(&mut self, first: char) -> Result<Kind, Broken> {
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
                Ok(Kind::String(self.quoted()?))
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
                Ok(self.template(raw)?)
            }
            '}' if self.templates.last().is_some_and(|t| t.braces == 0) => {
                let raw = self.templates.pop().is_some_and(|template| template.raw);
                self.advance(1);
                Ok(self.template(raw)?)
            }
            _ => self.sign(first),
        }
    }

    fn sign(&mut self, first: char) -> Result<Kind, Broken> {
        if let Some(broken) = self.foreign(first) {
            return Err(broken);
        }
        let rest = self.rest();
        let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
            return Err(self.unknown(first));
        };
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

    /// What another language writes: a sign, a comment, or a string between other quotation marks.
    fn foreign(&mut self, first: char) -> Option<Broken> {
        let rest = self.rest();
        if let Some(found) = foreign::sign_of(rest) {
            self.advance(found.text.len());
            return Some(Broken::sign(
                format!("`{}` is no operator of Rego", found.text),
                found.cure,
                found.read_as.map(Kind::Sign),
            ));
        }
        if rest.starts_with("//") {
            let broken = Broken::sign(
                "`//` begins no comment".to_owned(),
                "begin it with `#`",
                None,
            );
            self.advance(2);
            return Some(Broken {
                ends_line: true,
                ..broken
            });
        }
        if rest.starts_with("/*") {
            let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
            self.advance(end);
            return Some(Broken::sign(
                "`/*` begins no comment".to_owned(),
                "begin each line of it with `#`",
                None,
            ));
        }
        let closing = foreign::closing_quote(first)?;
        let inside = rest.get(first.len_utf8()..).unwrap_or_default();
        let line = inside.lines().next().unwrap_or_default();
        let text = line.split(closing).next().unwrap_or_default();
        let is_closed = text.len() < line.len();
        let end = line.get(text.len()..).and_then(|end| end.chars().next());
        let text = text.to_owned();
        self.advance(first.len_utf8() + if is_closed { text.len() } else { 0 });
        self.advance(end.filter(|_| is_closed).map_or(0, char::len_utf8));
        let cure = if is_closed && !text.contains(['"', '\\']) {
            format!("write `\"{text}\"`")
        } else {
            "write \"..\"".to_owned()
        };
        Some(Broken {
            ends_line: !is_closed,
            ..Broken::sign(
                "strings stand between straight double quotes".to_owned(),
                &cure,
                Some(Kind::String(text)),
            )
        })
    }

    /// Characters that no word of Rego has.
    fn unknown(&mut self, first: char) -> Broken {
        let rest = self.rest();
        let code = format!("U+{:04X}", u32::from(first));
        if first == '\u{feff}' && rest.len() == self.text.len() {
            self.advance(first.len_utf8());
            return Broken::sign(
                "the file begins with a byte order mark, which is none of Rego's characters"
                    .to_owned(),
                "save the file as UTF-8 without a byte order mark (BOM)",
                None,
            );
        }
        if let Some(meant) = foreign::looks_like(first) {
            self.advance(first.len_utf8());
            return Broken::sign(
                format!("the character {code} looks like {meant} and is none of Rego's"),
                &format!("replace it by {meant}"),
                None,
            );
        }
        let end = rest
            .find(|c: char| c.is_ascii() && c != first)
            .unwrap_or(rest.len());
        self.advance(end.max(first.len_utf8()));
        Broken {
            cure: first
                .is_alphabetic()
                .then(|| "names have the letters a to z, digits and `_`; other texts stand between double quotes".to_owned()),
            ..Broken::sign(
                format!("the character {code} has no meaning outside of strings"),
                "",
                None,
            )
        }
    }

    /// Digits, a fraction, an exponent (RFC 8259, section 6); the sign is a word of its own.
    fn number(&mut self) -> Result<Kind, Broken> {
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
            let word = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            self.advance(word.unwrap_or(rest.len()).max(end));
            return Err(Broken::sign(
                "a number is written as in JSON".to_owned(),
                "without leading zeros or letters",
                Some(Kind::Number("0".to_owned())),
            ));
        }
        let text = rest.get(..end).unwrap_or_default().to_owned();
        self.advance(end);
        Ok(Kind::Number(text))
    }
}
