//! Parses numbers like Python's `int` and `float`, which pygeoapi uses.

use serde_json::Value;

/// The zeros of the decimal digits (Unicode 15.0). The other nine digits follow each of them.
const ZEROS: [u32; 68] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x11f50, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950,
    0x1fbf0,
];

/// The size of a page: an integer from 1. With a leading zero, pygeoapi reads it as text.
pub(super) fn limit(text: &str) -> Option<i64> {
    let is_text = text.len() > 1 && text.starts_with('0');
    integer(text).filter(|n| *n > 0 && !is_text)
}

/// An integer of any decimal digits, with white space around it and `_` between digits.
pub(super) fn integer(text: &str) -> Option<i64> {
    if is_plain(text) {
        return text.parse().ok();
    }
    ascii(text)?.parse().ok()
}

/// A number that is neither infinite nor NaN: comparisons with NaN are always false.
pub(super) fn finite(text: &str) -> Option<f64> {
    if is_plain(text) {
        return text.parse().ok().filter(|n: &f64| n.is_finite());
    }
    let ascii = ascii(text)?;
    let is_numeral = ascii
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    let number: f64 = ascii.parse().ok().filter(|_| is_numeral)?;
    number.is_finite().then_some(number)
}

/// The value of an untyped text in pygeoapi: a number with a point, an integer without leading zeros, or text.
pub(super) fn typed(text: &str) -> Value {
    if text.contains('.') {
        return finite(text).map_or_else(|| Value::from(text), Value::from);
    }
    let is_text = text.len() > 1 && text.starts_with('0');
    match text.to_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => integer(text)
            .filter(|_| !is_text)
            .map_or_else(|| Value::from(text), Value::from),
    }
}

fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_digit() || b == b'-' || b == b'.')
}

/// The number in ASCII, without the `_` that may be between digits.
fn ascii(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut before_is_digit = false;
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        if c == '_' {
            let is_between = before_is_digit && rest.peek().copied().and_then(digit).is_some();
            if !is_between {
                return None;
            }
            before_is_digit = false;
            continue;
        }
        let value = digit(c);
        before_is_digit = value.is_some();
        plain.push(value.unwrap_or(c));
    }
    Some(plain)
}

/// A decimal digit of any script, as an ASCII digit.
fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c).filter(char::is_ascii_digit);
    }
    let code = u32::from(c);
    let after = ZEROS.partition_point(|zero| *zero <= code);
    let zero = ZEROS.get(after.checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}
