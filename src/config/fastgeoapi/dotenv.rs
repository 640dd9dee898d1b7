//! Parses `.env` files as python-dotenv does, which fastgeoapi uses.

use std::collections::BTreeMap;

/// Names and values, each with its line.
pub(super) type Variables = BTreeMap<String, Variable>;

/// One variable of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub(super) value: String,
    pub(super) line: usize,
}

/// A line that is skipped. The text is not quoted: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SkippedLine {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

/// Parses a file. `${NAME}` and `${NAME:-default}` are replaced from the lines above, or else from `process`.
///
/// python-dotenv (1.2) skips a line that it cannot parse with a warning, and a name alone without a warning. Here both are skipped
/// too, and returned with their line and the reason.
pub(super) fn parse(
    text: &str,
    process: &BTreeMap<String, String>,
) -> (Variables, Vec<SkippedLine>) {
    // Python opens a file as text, where every line ends in \n.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut all = BTreeMap::new();
    let mut skipped = Vec::new();
    let mut reader = Reader {
        text: &text,
        rest: &text,
    };
    loop {
        reader.skip(is_space);
        if reader.rest.is_empty() {
            break;
        }
        let line = reader.line();
        match reader.statement() {
            Ok(Statement::Comment) => {}
            Ok(Statement::Value(name, value)) => {
                let value = expand(&value, process, &all);
                all.insert(name, Some(Variable { value, line }));
            }
            Ok(Statement::Name(name)) => {
                let message = "expected NAME=value, found a name alone";
                skipped.push(SkippedLine { line, message });
                all.insert(name, None);
            }
            Err(message) => {
                reader.skip(|c| c != '\n');
                skipped.push(SkippedLine { line, message });
            }
        }
    }
    let set = all
        .into_iter()
        .filter_map(|(name, variable)| Some((name, variable?)));
    (set.collect(), skipped)
}

/// One statement. It ends with its line, or with the last line of its quoted value.
enum Statement {
    Comment,
    Value(String, String),
    /// A name alone. It removes a value that was set above.
    Name(String),
}

/// The text, and the part that has not been read.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

/// White space as Python defines it: Unicode's, and four more control characters.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// White space within a line.
fn is_blank(c: char) -> bool {
    is_space(c) && c != '\n'
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Skips the characters for which `is_in` holds, and returns them.
    fn skip(&mut self, is_in: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !is_in(c)).unwrap_or(self.rest.len());
        let (passed, rest) = self.rest.split_at_checked(end).unwrap_or_default();
        self.rest = rest;
        passed
    }

    fn skip_one(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The line number, from 1.
    fn line(&self) -> usize {
        let read = self.text.get(..self.text.len() - self.rest.len());
        1 + read.unwrap_or_default().matches('\n').count()
    }

    fn statement(&mut self) -> Result<Statement, &'static str> {
        if let Some(rest) = self.rest.strip_prefix("export")
            && rest.starts_with(is_blank)
        {
            self.rest = rest.trim_start_matches(is_blank);
        }
        if self.peek() == Some('#') {
            self.end_of_line("")?;
            return Ok(Statement::Comment);
        }
        let name = self.name()?.to_owned();
        self.skip(is_blank);
        if !self.skip_one('=') {
            self.end_of_line("expected NAME=value")?;
            return Ok(Statement::Name(name));
        }
        let value = self.value()?;
        self.end_of_line(
            "expected the end of the line after the closing quote, found more text: quote the whole value",
        )?;
        Ok(Statement::Value(name, value))
    }

    fn name(&mut self) -> Result<&'a str, &'static str> {
        let name = if let Some(quoted) = self.rest.strip_prefix('\'') {
            let (name, rest) = quoted
                .split_once('\'')
                .ok_or("expected a closing quote, found none")?;
            if !name.is_empty() {
                self.rest = rest;
            }
            name
        } else {
            self.skip(|c| !is_space(c) && !matches!(c, '=' | '#'))
        };
        if name.is_empty() {
            return Err("expected a name before `=`");
        }
        Ok(name)
    }

    fn value(&mut self) -> Result<String, &'static str> {
        let blank = self.skip(is_blank);
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self
                .quoted(quote)
                .ok_or("expected a closing quote, found none"),
            // A comment. A hash without white space before it is part of the value.
            Some('#') if !blank.is_empty() => Ok(String::new()),
            _ => Ok(until_comment(self.skip(|c| c != '\n'))),
        }
    }

    /// Skips a comment. The line must end there.
    fn end_of_line(&mut self, otherwise: &'static str) -> Result<(), &'static str> {
        self.skip(is_blank);
        if self.peek() == Some('#') {
            self.skip(|c| c != '\n');
        }
        match self.peek() {
            None | Some('\n') => Ok(()),
            Some(_) => Err(otherwise),
        }
    }

    /// The text up to the closing quote, which may be on a later line.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest.strip_prefix(quote)?.chars();
        loop {
            match chars.next()? {
                '\\' => {
                    let escaped = chars.next()?;
                    match unescaped(escaped, quote) {
                        Some(c) => value.push(c),
                        None => value.extend(['\\', escaped]),
                    }
                }
                c if c == quote => {
                    self.rest = chars.as_str();
                    return Some(value);
                }
                c => value.push(c),
            }
        }
    }
}

/// The character that an escape sequence stands for; `None` if it is not an escape sequence.
fn unescaped(c: char, quote: char) -> Option<char> {
    match c {
        '\\' | '\'' => Some(c),
        _ if quote == '\'' => None,
        '"' => Some('"'),
        'a' => Some('\u{7}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        _ => None,
    }
}

/// An unquoted value without its comment. White space precedes a comment.
fn until_comment(text: &str) -> String {
    let hashes = text.match_indices('#').map(|(at, _)| at);
    let value = hashes
        .filter_map(|at| text.get(..at))
        .find(|before| before.ends_with(is_space))
        .unwrap_or(text);
    value.trim_end_matches(is_space).to_owned()
}

/// A name that is alone on a line above is empty, even if the process has a variable of this name.
fn expand(
    text: &str,
    process: &BTreeMap<String, String>,
    above: &BTreeMap<String, Option<Variable>>,
) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else {
            break;
        };
        expanded.push_str(before);
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        if name.contains(':') {
            // The text is not a valid reference, so it stays as it is.
            expanded.push_str("${");
            rest = after;
            continue;
        }
        let known = above
            .get(name)
            .map(|variable| variable.as_ref().map_or("", |variable| &variable.value))
            .or_else(|| process.get(name).map(String::as_str));
        expanded.push_str(known.unwrap_or(default));
        rest = behind;
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests;
