//! Strings and template strings.

use super::{Lexer, NoText, Template};
use crate::parse::token::Kind;

impl Lexer<'_> {
    /// The rest of a string in double quotes (RFC 8259, section 7).
    pub(super) fn quoted(&mut self) -> Result<String, NoText> {
        let mut text = String::new();
        loop {
            if self.character(&mut text, &['"'])?.is_some() {
                return Ok(text);
            }
        }
    }

    /// One character of a quoted text, with its escape; an end is told and not added.
    fn character(&mut self, text: &mut String, ends: &[char]) -> Result<Option<char>, NoText> {
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

    fn escape(&mut self, in_template: bool) -> Result<char, NoText> {
        const UNKNOWN_ESCAPE: (&str, Option<&str>) = (
            "this escape is none of JSON's",
            Some("write `\\\\` for a backslash, or a string between backquotes"),
        );
        let next = self.rest().chars().next().ok_or(UNKNOWN_ESCAPE)?;
        self.advance(next.len_utf8());
        Ok(match next {
            '"' | '\\' | '/' => next,
            '{' if in_template => next,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = self.unit().ok_or(UNKNOWN_ESCAPE)?;
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
            _ => return Err(UNKNOWN_ESCAPE),
        })
    }

    fn unit(&mut self) -> Option<u16> {
        let digits = self.rest().get(..4)?;
        let is_hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
        let unit = u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        self.advance(4);
        Some(unit)
    }

    /// Text of a template up to an expression or to its end.
    pub(super) fn template(&mut self, raw: bool) -> Result<Kind, NoText> {
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
