//! `sprintf` with Go's formatting. Go writes mistakes into the text: `%!d(string=a)`, `%!d(MISSING)`, `%!(EXTRA
//! int64=1)`.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::LazyLock;

use regorus::Value;

use super::{Builtin, budget, errors, string, text};

pub(super) const ALL: [Builtin; 1] = [Builtin {
    name: "sprintf",
    arity: 2,
    call: sprintf,
}];

/// The largest width of a field and the largest number of digits after the point.
const MAX_WIDTH: usize = 1000;

/// The flags between `%` and the verb.
#[derive(Debug, Default)]
struct Flags {
    left: bool,
    zero: bool,
    plus: bool,
    width: usize,
    precision: Option<usize>,
}

impl Flags {
    fn is_plain(&self) -> bool {
        !(self.left || self.zero || self.plus) && self.width == 0 && self.precision.is_none()
    }
}

fn sprintf(arguments: &[Value]) -> Result<Value, String> {
    let format = text(arguments, 0)?;
    let Some(Value::Array(values)) = arguments.get(1) else {
        return Err("operand 2 must be an array".to_owned());
    };
    // OPA always gives a value, so every error must refuse the request.
    filled(format, values.iter()).map_err(errors::refuse)
}

fn filled<'a>(format: &str, mut values: impl Iterator<Item = &'a Value>) -> Result<Value, String> {
    let mut made = String::new();
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            made.push(c);
            continue;
        }
        let flags = flags(&mut rest)?;
        let Some(verb) = rest.next() else {
            made.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            made.push('%');
            continue;
        }
        let Some(value) = values.next() else {
            made.push_str("%!");
            made.push(verb);
            made.push_str("(MISSING)");
            continue;
        };
        if !is_fit(verb, value) {
            if !flags.is_plain() {
                return Err(format!(
                    "`%{verb}` with flags cannot format {}",
                    kind(value)
                ));
            }
            let complaint = format!("%!{verb}({})", typed(value)?);
            budget::text(complaint.len())?;
            made.push_str(&complaint);
            continue;
        }
        let field = match (verb, value) {
            ('v', Value::Number(_)) if flags.precision.is_none() && !flags.plus => {
                number_text(value)?
            }
            _ => formatted(verb, &flags, value)?,
        };
        budget::text(field.len().max(flags.width))?;
        pad(&mut made, &field, &flags);
    }
    let extra = values.map(typed).collect::<Result<Vec<_>, _>>()?;
    if !extra.is_empty() {
        made.push_str("%!(EXTRA ");
        made.push_str(&extra.join(", "));
        made.push(')');
    }
    budget::text(made.len())?;
    Ok(string(&made))
}

/// Whether Go can format a value with this verb, even if geowarden cannot. OPA passes Go a string for each value that
/// is not a number.
fn is_fit(verb: char, value: &Value) -> bool {
    match value {
        Value::Number(number) if number.is_integer() && number.as_i64().is_some() => {
            "vdboOxXcqUT".contains(verb)
        }
        Value::Number(number) if number.is_integer() => "vsdboOxXT".contains(verb),
        Value::Number(_) => "vbeEfFgGxXT".contains(verb),
        _ => "vsqxXT".contains(verb),
    }
}

/// A value with the name of its type in Go, as in `int=1`.
fn typed(value: &Value) -> Result<String, String> {
    let name = match value {
        Value::Number(number) if number.is_integer() && number.as_i64().is_some() => "int64",
        Value::Number(number) if number.is_integer() => "*big.Int",
        Value::Number(_) => "float64",
        _ => "string",
    };
    let text = match value {
        Value::Number(_) => number_text(value)?,
        other => shown(other)?,
    };
    Ok(format!("{name}={text}"))
}

/// A number as `%v` writes it: with an exponent if that is below -4 or above 5. In a collection, numbers are written
/// differently.
pub(super) fn number_text(value: &Value) -> Result<String, String> {
    let plain = shown(value)?;
    let float = match value {
        Value::Number(number) if !number.is_integer() => number.as_f64(),
        _ => None,
    };
    let Some(float) = float else {
        return Ok(plain);
    };
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    Ok(if (-4..=5).contains(&exponent) {
        plain
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
    })
}

/// A value as `%v` writes it.
pub(super) fn shown(value: &Value) -> Result<String, String> {
    formatted('v', &Flags::default(), value).map_err(errors::refuse)
}

fn flags(rest: &mut Peekable<Chars<'_>>) -> Result<Flags, String> {
    let mut flags = Flags::default();
    loop {
        match rest.peek() {
            Some('-') => flags.left = true,
            Some('0') => flags.zero = true,
            Some('+') => flags.plus = true,
            Some('#' | ' ') => return Err("the flags `#` and space are not supported".to_owned()),
            _ => break,
        }
        rest.next();
    }
    flags.width = number(rest)?.unwrap_or_default();
    if rest.next_if_eq(&'.').is_some() {
        flags.precision = Some(number(rest)?.unwrap_or_default());
    }
    if let Some('[' | '*') = rest.peek() {
        return Err("argument indexes and widths from arguments are not supported".to_owned());
    }
    Ok(flags)
}

fn number(rest: &mut Peekable<Chars<'_>>) -> Result<Option<usize>, String> {
    let mut found = None;
    while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
        rest.next();
        let digit = usize::try_from(digit).unwrap_or_default();
        let so_far = found.unwrap_or_default() * 10 + digit;
        if so_far > MAX_WIDTH {
            return Err(format!("widths and precisions go up to {MAX_WIDTH}"));
        }
        found = Some(so_far);
    }
    Ok(found)
}

fn formatted(verb: char, flags: &Flags, value: &Value) -> Result<String, String> {
    let unfit = || format!("`%{verb}` cannot format {}", kind(value));
    let cut = |text: &str| match flags.precision {
        Some(length) => text.chars().take(length).collect(),
        None => text.to_owned(),
    };
    let signed = |text: String| {
        if flags.plus && !text.starts_with('-') {
            format!("+{text}")
        } else {
            text
        }
    };
    Ok(match (verb, value) {
        ('s' | 'v', Value::String(text)) => cut(text),
        ('v', Value::Number(number)) if flags.precision.is_none() => {
            signed(number.format_decimal())
        }
        // Only integers of more than 64 bits come here.
        ('s', Value::Number(number)) if number.is_integer() && flags.is_plain() => {
            number.format_decimal()
        }
        ('s' | 'v', Value::Bool(_) | Value::Null) => value.to_string(),
        ('s' | 'v', Value::Array(_) | Value::Set(_) | Value::Object(_)) => {
            let mut text = String::new();
            super::super::term::write(value, &mut text, &mut budget::text)?;
            cut(&text)
        }
        ('q', Value::String(text)) => quoted(&cut(text)),
        ('d', Value::Number(number)) if number.is_integer() => signed(number.format_decimal()),
        ('x' | 'X' | 'o' | 'b', Value::Number(number)) if number.is_integer() => {
            let whole = number.as_i64().ok_or_else(unfit)?;
            let sign = if whole < 0 { "-" } else { "" };
            let whole = whole.unsigned_abs();
            signed(match verb {
                'x' => format!("{sign}{whole:x}"),
                'X' => format!("{sign}{whole:X}"),
                'o' => format!("{sign}{whole:o}"),
                _ => format!("{sign}{whole:b}"),
            })
        }
        ('f', Value::Number(number)) if !number.is_integer() => {
            let number = number.as_f64().ok_or_else(unfit)?;
            signed(format!("{number:.*}", flags.precision.unwrap_or(6)))
        }
        _ => return Err(unfit()),
    })
}

/// A text in quotes, in which Go escapes what it does not print.
fn quoted(text: &str) -> String {
    let mut made = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => made.push_str("\\a"),
            '\u{8}' => made.push_str("\\b"),
            '\u{c}' => made.push_str("\\f"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\u{b}' => made.push_str("\\v"),
            '"' | '\\' => made.extend(['\\', c]),
            ' '..='~' => made.push(c),
            _ if is_printed(c) => made.push(c),
            _ => made.extend(match u32::from(c) {
                code @ ..0x80 => format!("\\x{code:02x}").chars().collect::<Vec<_>>(),
                code @ ..0x1_0000 => format!("\\u{code:04x}").chars().collect(),
                code => format!("\\U{code:08x}").chars().collect(),
            }),
        }
    }
    made.push('"');
    made
}

/// Whether Go prints a character that is not ASCII: letters, marks, numbers, punctuation and symbols.
fn is_printed(c: char) -> bool {
    static PRINTED: LazyLock<Option<regex::Regex>> =
        LazyLock::new(|| regex::Regex::new(r"[\p{L}\p{M}\p{N}\p{P}\p{S}]").ok());
    let printed = PRINTED.as_ref();
    printed.is_some_and(|printed| printed.is_match(c.encode_utf8(&mut [0; 4])))
}

fn pad(made: &mut String, field: &str, flags: &Flags) {
    let missing = flags.width.saturating_sub(field.chars().count());
    if flags.left {
        made.push_str(field);
        made.extend(std::iter::repeat_n(' ', missing));
    } else if flags.zero {
        let (sign, digits) = match field.strip_prefix(['-', '+']) {
            Some(digits) => field.split_at(field.len() - digits.len()),
            None => ("", field),
        };
        made.push_str(sign);
        made.extend(std::iter::repeat_n('0', missing));
        made.push_str(digits);
    } else {
        made.extend(std::iter::repeat_n(' ', missing));
        made.push_str(field);
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_integer() => "an integer",
        Value::Number(_) => "a number with a fraction",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Set(_) => "a set",
        Value::Object(_) => "an object",
        Value::Undefined => "undefined",
    }
}
