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

/// A line that cannot be parsed. The text is not quoted: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DotenvError {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

/// Parses a file. `${NAME}` and `${NAME:-default}` are replaced from `process` or from the lines above.
///
/// python-dotenv (1.2) ignores a line that it cannot parse, and fastgeoapi runs without the variable. Here such a line
/// is an error.
pub(super) fn parse(
    text: &str,
    process: &BTreeMap<String, String>,
) -> Result<Variables, DotenvError> {
    let mut all = Variables::new();
    let mut reader = Reader { text, rest: text };
    loop {
        reader.skip(char::is_whitespace);
        let line = reader.line();
        let fault = |message| DotenvError { line, message };
        let Some(first) = reader.peek() else {
            return Ok(all);
        };
        if first == '#' {
            reader.skip(|c| !is_line_end(c));
            continue;
        }
        let name = reader.name().map_err(fault)?;
        let value = reader.value().map_err(fault)?;
        let value = expand(&value, process, &all);
        all.insert(name, Variable { value, line });
    }
}

/// The text, and the position that has been read up to.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

/// White space within a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && !is_line_end(c)
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

    /// The line number, from 1. A line ends with `
    /// `, `\r` or both.
    fn line(&self) -> usize {
        let read = self.text.get(..self.text.len() - self.rest.len());
        let read = read.unwrap_or_default().replace("\r\n", "\n");
        1 + read.matches(is_line_end).count()
    }

    /// Parses a name and the `=` after it.
    fn name(&mut self) -> Result<String, &'static str> {
        if let Some(rest) = self.rest.strip_prefix("export")
            && rest.starts_with(is_blank)
        {
            self.rest = rest.trim_start_matches(is_blank);
        }
        let name = if self.skip_one('\'') {
            let name = self.skip(|c| c != '\'');
            if !self.skip_one('\'') {
                return Err("expected a closing quote, found none");
            }
            name
        } else {
            self.skip(|c| !c.is_whitespace() && !matches!(c, '=' | '#'))
        };
        self.skip(is_blank);
        if name.is_empty() {
            return Err("expected a name before `=`");
        }
        if self.skip_one('=') {
            Ok(name.to_owned())
        } else {
            Err("expected NAME=value")
        }
    }

    /// Parses a value and the rest of its line.
    fn value(&mut self) -> Result<String, &'static str> {
        let blank = self.skip(is_blank);
        let value = match self.peek() {
            Some(quote @ ('\'' | '"')) => {
                self.skip_one(quote);
                self.quoted(quote)
                    .ok_or("expected a closing quote, found none")?
            }
            // A comment. A hash without white space before it is part of the value.
            Some('#') if !blank.is_empty() => String::new(),
            _ => return Ok(until_comment(self.skip(|c| !is_line_end(c)))),
        };
        self.skip(is_blank);
        if self.peek() == Some('#') {
            self.skip(|c| !is_line_end(c));
        }
        if self.peek().is_none_or(is_line_end) {
            Ok(value)
        } else {
            Err(
                "expected the end of the line after the closing quote, found more text: quote the whole value",
            )
        }
    }

    /// The text up to the closing quote, which may be on a later line.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut value = String::new();
        let mut chars = self.rest.chars();
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
        .find(|before| before.ends_with(char::is_whitespace))
        .unwrap_or(text);
    value.trim_end().to_owned()
}

fn expand(text: &str, process: &BTreeMap<String, String>, above: &Variables) -> String {
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
        let known = process
            .get(name)
            .or_else(|| above.get(name).map(|variable| &variable.value));
        expanded.push_str(known.map_or(default, String::as_str));
        rest = behind;
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_python_dotenv_reads_them() {
        let text = r#"
# a comment
PLAIN=a b # and a comment
HASH=a#b
export EXPORTED = x
SINGLE='a "b" # c'
DOUBLE="a\tb \"c\""
EMPTY=
DOLLAR=pa$word
FROM=${PLAIN}-${HOME_OF}-${NONE:-none}
PLAIN=last
"#;
        let process = BTreeMap::from([("HOME_OF".to_owned(), "h".to_owned())]);
        let all = parse(text, &process).unwrap();
        for (name, value) in [
            ("PLAIN", "last"),
            ("HASH", "a#b"),
            ("EXPORTED", "x"),
            ("SINGLE", "a \"b\" # c"),
            ("DOUBLE", "a\tb \"c\""),
            ("EMPTY", ""),
            ("DOLLAR", "pa$word"),
            ("FROM", "a b-h-none"),
        ] {
            assert_eq!(all[name].value, value, "{name}");
        }
        assert_eq!(all["HASH"].line, 4);
    }

    /// Each of these was read by python-dotenv 1.2.4.
    #[test]
    fn every_form_is_read_as_python_dotenv_reads_it() {
        for (text, values) in [
            ("A='x\ny'\nB=1", &[("A", "x\ny"), ("B", "1")][..]),
            ("A=\"x\ny\" # c\nB=1", &[("A", "x\ny"), ("B", "1")]),
            ("A\t=\tx\t# c", &[("A", "x")]),
            ("A=x\t#c", &[("A", "x")]),
            ("A= #x", &[("A", "")]),
            ("A=#x", &[("A", "#x")]),
            ("A='a\\'b'", &[("A", "a'b")]),
            ("A='a\\\\'", &[("A", "a\\")]),
            ("A=\"a\\tb\\a\\x\\\\\\\"\"", &[("A", "a\tb\u{7}\\x\\\"")]),
            ("export\tA=1", &[("A", "1")]),
            ("'A B'=1", &[("A B", "1")]),
            ("A.B=1", &[("A.B", "1")]),
            ("A=x\r\nB=y\rC=z", &[("A", "x"), ("B", "y"), ("C", "z")]),
            ("A=${B:x}-${C:-d}-${D}", &[("A", "${B:x}-d-")]),
            ("A=''# c", &[("A", "")]),
            ("A=a\\nb", &[("A", "a\\nb")]),
            ("A='a\\nb'", &[("A", "a\\nb")]),
            ("  A = 'x'  ", &[("A", "x")]),
            ("A=x #\nB=2", &[("A", "x"), ("B", "2")]),
            ("A=a 'b' # c", &[("A", "a 'b'")]),
            ("# c\n\n\tA=1", &[("A", "1")]),
            ("A=1\u{b}B=2", &[("A", "1\u{b}B=2")]),
        ] {
            let all = parse(text, &BTreeMap::new());
            let all = all.unwrap_or_else(|fault| panic!("{text:?}: {fault:?}"));
            let read: Vec<_> = all
                .iter()
                .map(|(name, variable)| (name.as_str(), variable.value.as_str()))
                .collect();
            assert_eq!(read, values, "{text:?}");
        }
        let lines = parse("A='x\ny'\r\nB=1\rC=2", &BTreeMap::new()).unwrap();
        assert_eq!(
            (lines["A"].line, lines["B"].line, lines["C"].line),
            (1, 3, 4)
        );
    }

    #[test]
    fn a_line_that_sets_nothing_is_told_without_its_text() {
        for (text, line) in [
            ("A=1\nsecret", 2),
            ("=x", 1),
            ("A B=1", 1),
            ("A='x", 1),
            ("B=1\nA='x' y", 2),
            ("A=\"x\"y", 1),
        ] {
            assert_eq!(
                parse(text, &BTreeMap::new()).unwrap_err().line,
                line,
                "{text}"
            );
        }
    }
}
