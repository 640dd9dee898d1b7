//! Says which mistake a syntax error most likely is, and what to do. The parser's own words tell its state instead.
//!
//! Nothing of the document is quoted: it may be a secret.

use super::YamlError;

/// A bracket that is open where the parser stopped.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bracket {
    /// Its line, from 1.
    pub(super) line: usize,
    /// `[` or `{`.
    pub(super) symbol: char,
}

/// The error for what the parser said of a line.
pub(super) fn explain(text: &str, line: usize, said: &str, open: Option<Bracket>) -> YamlError {
    let lines = Lines(text.lines().collect());
    let mistake = tab(&lines, line, said)
        .or_else(|| quote(line, said))
        .or_else(|| other(line, said))
        .or_else(|| bracket(line, said, open))
        .or_else(|| colon(&lines, line, said))
        .or_else(|| indentation(&lines, line, said));
    let (line, message) = mistake.unwrap_or_else(|| (line, said.to_owned()));
    YamlError { line, message }
}

/// The line of a mistake and what to say of it.
type Mistake = (usize, String);

fn at(line: usize, told: &str) -> Mistake {
    (line, told.to_owned())
}

fn tab(lines: &Lines<'_>, line: usize, said: &str) -> Option<Mistake> {
    if !said.contains("tabs ") && !said.contains("a tab") {
        return None;
    }
    // The parser may name the line where the text before the tab begins.
    let is_tabbed = |line: &usize| lines.get(*line).1.contains('\t');
    let found = (line..=lines.0.len()).find(is_tabbed);
    Some(at(
        found.unwrap_or(line),
        "expected spaces as indentation, found a tab: replace each tab by spaces",
    ))
}

fn quote(line: usize, said: &str) -> Option<Mistake> {
    if said.contains("trailing content after") {
        return Some(at(
            line,
            "expected the end of the value behind its closing quote, found more text: write a quote inside '..' twice, and as `\\\"` inside \"..\"",
        ));
    }
    if !said.contains("quoted scalar") {
        return None;
    }
    Some(at(
        line,
        if said.contains("escape") {
            "expected an escape such as `\\n` behind `\\`, found an unknown one: put the text into single quotes, in which `\\` means itself"
        } else {
            "expected the closing quote of the text that begins in this line, found none: add it"
        },
    ))
}

fn bracket(line: usize, said: &str, open: Option<Bracket>) -> Option<Mistake> {
    let Some(Bracket { line: at, symbol }) = open else {
        return said.contains("misplaced bracket").then(|| {
            let told = "expected an opening bracket before its closing one, found only the latter: remove it, or put the text into quotes";
            (line, told.to_owned())
        });
    };
    let close = if symbol == '[' { ']' } else { '}' };
    Some((
        at,
        format!(
            "expected `,` or `{close}` behind each entry of the bracket `{symbol}` in this line, found neither up to line {line}: close it, or add the comma"
        ),
    ))
}

fn colon(lines: &Lines<'_>, line: usize, said: &str) -> Option<Mistake> {
    let is_late = said.contains("simple key expect");
    if !is_late && !said.contains("mapping values are not allowed") {
        return None;
    }
    let before = lines.before(line);
    let suspects = if is_late {
        [before, line]
    } else {
        [line, before]
    };
    let lacks_space = |line: &usize| lacks_space(lines.get(*line).0);
    if let Some(found) = suspects.into_iter().find(lacks_space) {
        let told = "expected a space behind `:`, found none: write `key: value`";
        return Some(at(found, told));
    }
    let (content, indentation) = lines.get(line);
    if content.matches(": ").count() > 1 {
        let told = "expected one `: ` in a line, found two: put the value into quotes";
        return Some(at(line, told));
    }
    let (_, indentation_before) = lines.get(before);
    // The text of the line before is a whole value, so this line cannot begin a deeper one.
    if !is_late && indentation.len() > indentation_before.len() {
        return Some(deeper(line, indentation));
    }
    let told = "expected `key: value`, found a line without `: `: add it, or indent the line if it belongs to a text above";
    Some(at(before, told))
}

fn indentation(lines: &Lines<'_>, line: usize, said: &str) -> Option<Mistake> {
    let says = |part: &&str| said.contains(*part);
    let parts = ["expected key", "expected '-'", "<document start>"];
    if !parts.iter().any(says) {
        return None;
    }
    let (content, indentation) = lines.get(line);
    let (content_before, indentation_before) = lines.get(lines.before(line));
    let is_entry = |content: &str| content == "-" || content.starts_with("- ");
    if indentation == indentation_before && is_entry(content) != is_entry(content_before) {
        let told = if is_entry(content) {
            "expected `key: value` as in the line above, found an entry of a list: write a key, or indent the list below its key"
        } else {
            "expected an entry of the list, `- value`, as in the line above, found a key: begin it with `- `, or indent it by less"
        };
        return Some(at(line, told));
    }
    Some(deeper(line, indentation))
}

fn deeper(line: usize, indentation: &str) -> Mistake {
    let count = indentation.chars().count();
    let plural = if count == 1 { "" } else { "s" };
    (
        line,
        format!(
            "expected the indentation of a line above, found {count} space{plural}: align the line with the other keys or entries beside it"
        ),
    )
}

fn other(line: usize, said: &str) -> Option<Mistake> {
    let told = if said.contains("duplicated key") {
        REPEATED_KEY
    } else if said.contains("block sequence entries are not allowed") {
        "expected `-` at the begin of a line, found it behind a key: put each entry of the list on a line of its own"
    } else if said.contains("unexpected character") || said.contains("anchor") {
        "expected a value, found one that begins with a character that YAML itself uses, such as `@`, `*`, `&` or `%`: put the text into quotes"
    } else {
        return None;
    };
    Some(at(line, told))
}

/// Without the name of the key, which may be a secret in the wrong place.
pub(super) const REPEATED_KEY: &str =
    "expected unique keys, found this one twice: remove one of the two";

/// The lines of a text, from 1.
struct Lines<'a>(Vec<&'a str>);

impl<'a> Lines<'a> {
    /// The content of a line, and the white space before it.
    fn get(&self, line: usize) -> (&'a str, &'a str) {
        let index = line.checked_sub(1);
        let whole = index.and_then(|index| self.0.get(index)).copied();
        let whole = whole.unwrap_or_default();
        let content = whole.trim_start();
        let indentation = whole.strip_suffix(content).unwrap_or_default();
        (content.trim_end(), indentation)
    }

    /// The last line before this one that is neither empty nor a comment; this one if there is none.
    fn before(&self, line: usize) -> usize {
        let is_content = |line: &usize| {
            let (content, _) = self.get(*line);
            !content.is_empty() && !content.starts_with('#')
        };
        (1..line).rev().find(is_content).unwrap_or(line)
    }
}

/// Whether a line begins with `key:value`. A URL does not: there, `//` follows.
fn lacks_space(content: &str) -> bool {
    let content = content.trim_start_matches("- ");
    let Some((key, value)) = content.split_once(':') else {
        return false;
    };
    let is_plain = |c: char| c.is_alphanumeric() || "_-.".contains(c);
    !key.is_empty()
        && key.chars().all(is_plain)
        && !value.starts_with("//")
        && value.starts_with(|c: char| !c.is_whitespace())
}
