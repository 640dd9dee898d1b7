//! Character classes. Only `[:name:]` is a class inside of one, and no character is a set operation.

use std::fmt::Write as _;

use super::{
    Rest,
    escape::{escape, escaped},
    refused,
};

/// The names of classes such as `[:alpha:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Reads a class whose bracket was read.
pub(super) fn class(rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    made.push('[');
    if rest.next_if_eq(&'^').is_some() {
        made.push('^');
    }
    let mut is_first = true;
    while is_first || rest.peek() != Some(&']') {
        is_first = false;
        if rest.peek() == Some(&'[')
            && let Some(name) = named_class(rest)
        {
            if !CLASSES.contains(&name.strip_prefix('^').unwrap_or(&name)) {
                return None;
            }
            rest.nth(name.chars().count() + 3)?;
            write!(made, "[:{name}:]").ok()?;
            continue;
        }
        let mut ahead = rest.clone();
        if ahead.next() == Some('\\')
            && let Some('d' | 'D' | 'w' | 'W' | 's' | 'S' | 'p' | 'P') = ahead.peek()
        {
            rest.next();
            escape(rest.next()?, rest, made)?;
            continue;
        }
        let low = character(rest)?;
        made.push_str(&plain(low));
        let mut ahead = rest.clone();
        // A `-` before the end of the class is plain.
        if ahead.next() == Some('-') && ahead.peek() != Some(&']') {
            rest.next();
            let high = character(rest)?;
            if high < low {
                return None;
            }
            made.push('-');
            made.push_str(&plain(high));
        }
    }
    rest.next();
    made.push(']');
    Some(())
}

fn character(rest: &mut Rest<'_>) -> Option<char> {
    match rest.next()? {
        '\\' => {
            let letter = rest.next()?;
            escaped(letter, rest)
        }
        plain => Some(plain),
    }
}

fn plain(c: char) -> String {
    regex::escape(c.encode_utf8(&mut [0; 4]))
}

/// The longest text in which the end of a name is looked for.
const MAX_NAME: usize = 100;

/// The name in `[:name:]`. A text that does not go on like that has plain characters.
fn named_class(rest: &Rest<'_>) -> Option<String> {
    let mut ahead = rest.clone().skip(1);
    if ahead.next() != Some(':') {
        return None;
    }
    let ahead: String = ahead.take(MAX_NAME).collect();
    match ahead.split_once(":]") {
        Some((name, _)) => Some(name.to_owned()),
        None if ahead.chars().count() == MAX_NAME => refused("`[:` has no end nearby"),
        None => None,
    }
}
