//! Writes YAML as Go's library does. Values that the library would break into several lines are refused.

use std::{cmp::Ordering, fmt::Write as _};

use regorus::Value;

use super::{
    super::{budget, errors, format, json},
    scalar::{Plain, is_like_time, resolve},
};

/// Values nested deeper are not written.
const MAX_DEPTH: usize = 200;
/// The library breaks longer lines at spaces.
const WIDTH: usize = 80;

pub(super) fn document(value: &Value) -> Result<String, String> {
    // Convert to JSON first: sets become arrays, and keys become strings.
    let value = json::read(&json::text(value)?)?;
    let mut writer = Writer {
        text: String::new(),
    };
    writer.node(&value, 0, false)?;
    budget::text(writer.text.len())?;
    Ok(writer.text)
}

struct Writer {
    text: String,
}

impl Writer {
    /// Writes a value at the current position. `is_inline` is true after a dash.
    fn node(&mut self, value: &Value, indent: usize, is_inline: bool) -> Result<(), String> {
        if indent > MAX_DEPTH {
            return Err(errors::refuse("the value is nested too deep"));
        }
        match value {
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    self.begin(indent, is_inline && index == 0);
                    self.text.push_str("- ");
                    self.node(item, indent + 2, true)?;
                }
            }
            Value::Object(members) if !members.is_empty() => {
                let mut members: Vec<(&str, &Value)> = members
                    .iter()
                    .map(|(key, value)| (key.as_string().map_or("", |key| &**key), value))
                    .collect();
                members.sort_by(|(a, _), (b, _)| natural(a, b));
                for (index, (key, value)) in members.into_iter().enumerate() {
                    self.begin(indent, is_inline && index == 0);
                    if key.contains('\n') || key.len() > 128 {
                        return Err(errors::refuse("a key is too long to be written"));
                    }
                    self.string(key, indent)?;
                    self.text.push(':');
                    match value {
                        Value::Object(inner) if !inner.is_empty() => {
                            self.text.push('\n');
                            self.node(value, indent + 2, false)?;
                        }
                        // A list in a mapping is not indented.
                        Value::Array(inner) if !inner.is_empty() => {
                            self.text.push('\n');
                            self.node(value, indent, false)?;
                        }
                        _ => {
                            self.text.push(' ');
                            self.node(value, indent + 2, true)?;
                        }
                    }
                }
            }
            scalar => {
                self.scalar(scalar, indent)?;
                if !self.text.ends_with('\n') {
                    self.text.push('\n');
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, indent: usize, is_begun: bool) {
        if !is_begun {
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize) -> Result<(), String> {
        match value {
            Value::Array(_) => self.text.push_str("[]"),
            Value::Object(_) => self.text.push_str("{}"),
            Value::String(text) => return self.string(text, indent),
            Value::Number(_) => self.text.push_str(&format::number_text(value)?),
            other => self.text.push_str(&other.to_string()),
        }
        Ok(())
    }

    fn string(&mut self, text: &str, indent: usize) -> Result<(), String> {
        budget::text(text.len())?;
        if text.is_empty() || resolve(text) != Plain::Text || is_like_time(text) {
            self.quoted(text)?;
        } else if text.contains('\n') {
            return self.literal(text, indent);
        } else if !text.chars().all(is_printed) {
            self.quoted(text)?;
        } else if is_plain(text) {
            self.text.push_str(text);
        } else {
            self.text.push('\'');
            self.text.push_str(&text.replace('\'', "''"));
            self.text.push('\'');
        }
        let line = self.text.rsplit('\n').next().unwrap_or_default();
        if line.chars().count() > WIDTH && text.contains(' ') {
            return Err(errors::refuse("a text is too long for one line"));
        }
        Ok(())
    }

    /// Writes a text in double quotes, with escapes.
    fn quoted(&mut self, text: &str) -> Result<(), String> {
        self.text.push('"');
        for c in text.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\r' => self.text.push_str("\\r"),
                c if is_printed(c) => self.text.push(c),
                c if u32::from(c) < 0x80 => {
                    let _ = write!(self.text, "\\x{:02X}", u32::from(c));
                }
                c if u32::from(c) > 0xffff => {
                    let _ = write!(self.text, "\\U{:08X}", u32::from(c));
                }
                _ => return Err(errors::refuse("a character is not supported")),
            }
        }
        self.text.push('"');
        Ok(())
    }

    /// Writes a text as a block of lines after `|`.
    fn literal(&mut self, text: &str, indent: usize) -> Result<(), String> {
        let is_simple = text.chars().all(|c| c == '\n' || is_printed(c))
            && !text.starts_with([' ', '\n'])
            && !text.contains(" \n")
            && !text.ends_with([' '])
            && !text.ends_with("\n\n");
        if !is_simple {
            return Err(errors::refuse("a text of several lines is not supported"));
        }
        self.text.push('|');
        let lines = text.strip_suffix('\n').unwrap_or(text);
        if lines.len() == text.len() {
            self.text.push('-');
        }
        // At the top level and after a dash, the lines have the same indent as the surrounding values.
        for line in lines.split('\n') {
            self.text.push('\n');
            if !line.is_empty() {
                self.text.extend(std::iter::repeat_n(' ', indent.max(2)));
                self.text.push_str(line);
            }
        }
        self.text.push('\n');
        Ok(())
    }
}

fn is_printed(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a1}'..='\u{2027}' | '\u{2030}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// Whether a text needs no quotes.
fn is_plain(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next().unwrap_or(' ');
    let second = letters.next();
    let is_indicated = "#,[]{}&*!|>'\"%@`".contains(first)
        || "-?:".contains(first) && second.is_none_or(|c| c == ' ');
    !(is_indicated
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with("---")
        || text.starts_with("..."))
}

/// Compares letters as characters, and runs of digits as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else {
        return a.len().cmp(&b.len());
    };
    let (Some(&x), Some(&y)) = (a.get(at), b.get(at)) else {
        return Ordering::Equal;
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let digits = |text: &[char]| {
        let digits: Vec<u128> = text
            .iter()
            .skip(at)
            .map_while(|c| c.to_digit(10).map(u128::from))
            .take(18)
            .collect();
        let number = digits.iter().fold(0, |number, digit| number * 10 + digit);
        (number, digits.len())
    };
    // A zero at this position counts as a digit only if a digit other than 0 is before it.
    let is_inside = a
        .get(..at)
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|c| c.is_ascii_digit())
        .any(|c| *c != '0');
    let ((mut one, one_length), (mut other, other_length)) = (digits(&a), digits(&b));
    if (x == '0' || y == '0') && is_inside {
        one += 10_u128.pow(u32::try_from(one_length).unwrap_or_default());
        other += 10_u128.pow(u32::try_from(other_length).unwrap_or_default());
    }
    one.cmp(&other)
        .then(one_length.cmp(&other_length))
        .then(x.cmp(&y))
}
