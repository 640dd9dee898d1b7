//! Translates RE2's syntax to that of Rust's `regex`, which reads some patterns differently.

use std::fmt::Write as _;

/// The largest count of a repetition in RE2.
const MAX_REPEAT: u32 = 1000;

/// The names of classes such as `[:alpha:]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];
/// The scripts whose names have four letters.
const SHORT: [&str; 9] = [
    "Ahom", "Cham", "Kawi", "Lisu", "Miao", "Modi", "Newa", "Thai", "Toto",
];

/// The pattern that means in Rust what `pattern` means in RE2, or `None` if RE2 rejects it.
pub(super) fn from_re2(pattern: &str) -> Option<String> {
    let mut made = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern.chars().peekable();
    let mut is_repeated = false;
    while let Some(c) = rest.next() {
        if let '*' | '+' | '?' = c {
            made.push(c);
            // After a repetition, another `?` makes it lazy. Any other repetition sign is an error.
            if is_repeated {
                return None;
            }
            is_repeated = true;
            if rest.next_if_eq(&'?').is_some() {
                made.push('?');
            }
            continue;
        }
        let was_repeated = std::mem::take(&mut is_repeated);
        match c {
            '\\' => escape(rest.next()?, false, &mut rest, &mut made)?,
            '[' => class(&mut rest, &mut made)?,
            '(' => {
                made.push('(');
                if rest.next_if_eq(&'?').is_some() {
                    made.push('?');
                    group(&mut rest, &mut made)?;
                }
            }
            '{' => {
                is_repeated = repeat(&mut rest, &mut made)?;
                if is_repeated {
                    if was_repeated {
                        return None;
                    }
                    made.extend(rest.by_ref().take_while(|c| *c != '}'));
                    made.push('}');
                    if rest.next_if_eq(&'?').is_some() {
                        made.push('?');
                    }
                }
            }
            other => made.push(other),
        }
    }
    Some(made)
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn escape(c: char, in_class: bool, rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    match (c, in_class) {
        ('d', _) => made.push_str("[0-9]"),
        ('D', _) => made.push_str("[^0-9]"),
        ('w', _) => made.push_str("[0-9A-Za-z_]"),
        ('W', _) => made.push_str("[^0-9A-Za-z_]"),
        ('s', _) => made.push_str(r"[\t\n\f\r ]"),
        ('S', _) => made.push_str(r"[^\t\n\f\r ]"),
        ('b', false) => made.push_str(r"(?-u:\b)"),
        ('B', false) => made.push_str(r"(?-u:\B)"),
        ('A' | 'z', false) | ('a' | 'f' | 'n' | 'r' | 't' | 'v' | 'p' | 'P' | 'x', _) => {
            if let 'p' | 'P' = c
                && rest.next_if_eq(&'{').is_some()
            {
                return property(c, rest, made);
            }
            made.push('\\');
            made.push(c);
            if c == 'x' && rest.next_if_eq(&'{').is_some() {
                made.push('{');
                made.extend(rest.by_ref().take_while(|c| *c != '}'));
                made.push('}');
            }
        }
        // Copy the text up to `\E` unchanged.
        ('Q', false) => {
            let mut text = String::new();
            while let Some(c) = rest.next() {
                if c == '\\' && rest.next_if_eq(&'E').is_some() {
                    break;
                }
                text.push(c);
            }
            made.push_str(&regex::escape(&text));
        }
        ('0'..='7', _) => octal(c, rest, made)?,
        // Escape by Rust's rules: after a backslash, some of these have another meaning there, such as `\<`.
        (c, _) if c.is_ascii_punctuation() => made.push_str(&regex::escape(&c.to_string())),
        _ => return None,
    }
    Some(())
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

/// An octal escape: `\0`, `\01`, `\123`. A single digit other than 0 would be a back reference, which RE2 does not
/// have.
fn octal(first: char, rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    let mut code = first.to_digit(8)?;
    let mut digits = 1;
    while digits < 3
        && let Some(digit) = rest.peek().and_then(|c| c.to_digit(8))
    {
        rest.next();
        code = code * 8 + digit;
        digits += 1;
    }
    if first != '0' && digits == 1 {
        return None;
    }
    write!(made, "\\x{{{code:x}}}").ok()
}

/// A character class. Only `[:name:]` is a class inside it. Characters that Rust uses for set operations are plain.
fn class(rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    made.push('[');
    if rest.next_if_eq(&'^').is_some() {
        made.push('^');
    }
    let mut is_first = true;
    loop {
        let c = rest.next()?;
        match c {
            ']' if !is_first => {
                made.push(']');
                return Some(());
            }
            '\\' => escape(rest.next()?, true, rest, made)?,
            '[' if let Some(name) = named_class(rest) => {
                if !CLASSES.contains(&name.strip_prefix('^').unwrap_or(&name)) {
                    return None;
                }
                rest.nth(name.chars().count() + 2)?;
                write!(made, "[:{name}:]").ok()?;
            }
            ']' | '[' | '&' | '~' | '^' => {
                made.push('\\');
                made.push(c);
            }
            // `-` is plain at the start or the end of a class, and makes a range elsewhere. Reject `--`: a range that
            // ends at `-` is surely a mistake.
            '-' if is_first || rest.peek() == Some(&']') => made.push_str("\\-"),
            '-' if rest.peek() == Some(&'-') => return None,
            other => made.push(other),
        }
        is_first = false;
    }
}

/// The name in `[:name:]`, whose first bracket was read. A text that does not go on like that has plain characters.
fn named_class(rest: &Rest<'_>) -> Option<String> {
    let ahead: String = rest.clone().collect();
    let (name, _) = ahead.strip_prefix(':')?.split_once(":]")?;
    Some(name.to_owned())
}

/// The text after `(?`. RE2 knows the flags i, m, s and U, named groups, and groups that capture nothing.
fn group(rest: &mut Rest<'_>, made: &mut String) -> Option<()> {
    match rest.peek()? {
        'P' | '<' => {
            // Named groups look the same in Rust. RE2 does not have `(?<=`, `(?<!`, `(?P=` and `(?P>`.
            if rest.next_if_eq(&'P').is_some() {
                made.push('P');
            }
            rest.next_if_eq(&'<')?;
            made.push('<');
            let first = *rest.peek()?;
            (first.is_ascii_alphabetic() || first == '_').then_some(())
        }
        _ => loop {
            let c = rest.next()?;
            made.push(c);
            match c {
                ':' | ')' => return Some(()),
                'i' | 'm' | 's' | 'U' | '-' => {}
                _ => return None,
            }
        },
    }
}

/// Whether a brace begins a repetition: `{n}`, `{n,}` or `{n,m}`. Any other brace is a plain character.
fn repeat(rest: &mut Rest<'_>, made: &mut String) -> Option<bool> {
    let ahead: String = rest.clone().take_while(|c| *c != '}').collect();
    let is_closed = rest.clone().nth(ahead.chars().count()) == Some('}');
    let counts: Vec<&str> = ahead.splitn(2, ',').collect();
    let is_count = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_repeat = is_closed
        && match counts.as_slice() {
            [count] | [count, ""] => is_count(count),
            [least, most] => is_count(least) && is_count(most),
            _ => false,
        };
    if !is_repeat {
        made.push_str("\\{");
        return Some(false);
    }
    for count in counts.iter().filter(|count| !count.is_empty()) {
        if count.parse::<u32>().ok()? > MAX_REPEAT {
            return None;
        }
    }
    made.push('{');
    Some(true)
}

#[cfg(test)]
mod tests;
