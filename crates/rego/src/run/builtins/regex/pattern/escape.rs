//! What follows a backslash.

use std::fmt::Write as _;

use super::{Rest, refused};

/// The scripts whose names have four letters.
const SHORT: [&str; 9] = [
    "Ahom", "Cham", "Kawi", "Lisu", "Miao", "Modi", "Newa", "Thai", "Toto",
];

/// The classes, borders and characters that `c` stands for after a backslash.
pub(super) fn escape(c: char, rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    match c {
        'd' => made.push_str("[0-9]"),
        'D' => made.push_str("[^0-9]"),
        'w' => made.push_str("[0-9A-Za-z_]"),
        'W' => made.push_str("[^0-9A-Za-z_]"),
        's' => made.push_str(r"[\t\n\f\r ]"),
        'S' => made.push_str(r"[^\t\n\f\r ]"),
        'b' => made.push_str(r"(?-u:\b)"),
        'B' => made.push_str(r"(?-u:\B)"),
        'A' | 'z' => {
            made.push('\\');
            made.push(c);
        }
        'p' | 'P' if rest.next_if_eq(&'{').is_some() => return property(c, rest, made),
        'p' | 'P' => {
            let category = rest.next().filter(|name| "CLMNPSZ".contains(*name))?;
            write!(made, r"\{c}{category}").ok()?;
        }
        _ => {
            let one = escaped(c, rest)?;
            made.push_str(&regex::escape(one.encode_utf8(&mut [0; 4])));
        }
    }
    Some(())
}

/// The character that `c` stands for after a backslash.
pub(super) fn escaped(c: char, rest: &mut Rest<'_>) -> Option<char> {
    Some(match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return hexadecimal(rest),
        '0'..='7' => return octal(c, rest),
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return None,
    })
}

/// Two digits, or any number of them in braces.
fn hexadecimal(rest: &mut Rest<'_>) -> Option<char> {
    let mut code = 0_u32;
    if rest.next_if_eq(&'{').is_none() {
        for _ in 0..2 {
            code = code * 16 + rest.next()?.to_digit(16)?;
        }
        return char::from_u32(code);
    }
    let mut is_empty = true;
    loop {
        match rest.next()? {
            '}' if is_empty => return None,
            '}' => break,
            digit => code = code * 16 + digit.to_digit(16)?,
        }
        if code > u32::from(char::MAX) {
            return None;
        }
        is_empty = false;
    }
    // RE2 takes half of a pair of surrogates, which no text has.
    char::from_u32(code).or_else(|| refused("a surrogate is no character"))
}

/// An octal escape: `\0`, `\01`, `\123`. A single digit other than 0 would be a back reference, which RE2 does not
/// have.
fn octal(first: char, rest: &mut Rest<'_>) -> Option<char> {
    let mut code = first.to_digit(8)?;
    let mut digits = 1;
    while digits < 3
        && let Some(digit) = rest.peek().and_then(|c| c.to_digit(8))
    {
        rest.next();
        code = code * 8 + digit;
        digits += 1;
    }
    let is_reference = first != '0' && digits == 1;
    char::from_u32(code).filter(|_| !is_reference)
}

/// The property of a character in braces. RE2 knows general categories and scripts, by their names alone.
fn property(letter: char, rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    let name: String = rest.by_ref().take_while(|c| *c != '}').collect();
    let (is_negated, name) = match name.strip_prefix('^') {
        Some(name) => (letter == 'p', name),
        None => (letter == 'P', name.as_str()),
    };
    let is_plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_- ".contains(&b));
    // Rust ignores this beginning.
    let is_other = name.to_ascii_lowercase().starts_with("is");
    let is_known = |of: &str| regex::Regex::new(&format!(r"\p{{{of}={name}}}")).is_ok();
    // Rust knows scripts by their codes of four letters too. Go finds no script whose name has several words.
    let is_short = || SHORT.iter().any(|short| short.eq_ignore_ascii_case(name));
    let is_script =
        || !name.contains(['_', '-', ' ']) && (name.len() != 4 || is_short()) && is_known("sc");
    if !is_plain || is_other || !(is_known("gc") || is_script()) {
        return None;
    }
    let letter = if is_negated { 'P' } else { 'p' };
    write!(made, r"\{letter}{{{name}}}").ok()
}
