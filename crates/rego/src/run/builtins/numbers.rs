//! Numbers: their texts, and ranges, shifts and calculations within limits.

use regorus::Value;

use super::{Builtin, budget, by_regorus, errors, whole};

pub(super) const ALL: [Builtin; 9] = [
    Builtin {
        name: "to_number",
        arity: 1,
        call: to_number,
    },
    Builtin {
        name: "numbers.range",
        arity: 2,
        call: range,
    },
    Builtin {
        name: "numbers.range_step",
        arity: 3,
        call: range_step,
    },
    Builtin {
        name: "bits.lsh",
        arity: 2,
        call: shift_left,
    },
    Builtin {
        name: "bits.rsh",
        arity: 2,
        call: |arguments| bits("bits.rsh", arguments),
    },
    Builtin {
        name: "bits.and",
        arity: 2,
        call: |arguments| bits("bits.and", arguments),
    },
    Builtin {
        name: "bits.or",
        arity: 2,
        call: |arguments| bits("bits.or", arguments),
    },
    Builtin {
        name: "bits.xor",
        arity: 2,
        call: |arguments| bits("bits.xor", arguments),
    },
    Builtin {
        name: "bits.negate",
        arity: 1,
        call: |arguments| bits("bits.negate", arguments),
    },
];

/// The largest number of bits to shift by.
const MAX_SHIFT: i64 = 4096;

/// The longest text of a number.
const MAX_TEXT: usize = 400;
/// The largest number of digits of an integer that is calculated.
const MAX_DIGITS: usize = 2000;

fn to_number(arguments: &[Value]) -> Result<Value, String> {
    let [Value::String(text)] = arguments else {
        return by_regorus("to_number", arguments);
    };
    if text.len() > MAX_TEXT {
        return Err(errors::refuse(format!(
            "texts of numbers have at most {MAX_TEXT} bytes"
        )));
    }
    if is_hexadecimal(text) {
        return Err(errors::refuse("hexadecimal numbers are not supported"));
    }
    let fault = || "operand 1 must be the text of a number".to_owned();
    let number = json_number(text).ok_or_else(fault)?;
    if has_long_exponent(&number) {
        return Err(errors::refuse("exponents have at most 3 digits"));
    }
    if number.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err("the number is too large".to_owned());
    }
    if is_long_integer(&number) {
        return Err(errors::refuse("integers have at most 64 bits"));
    }
    by_regorus("to_number", &[super::string(&number)])
}

/// A text that may be a hexadecimal number of Go, such as `0x1p4`.
fn is_hexadecimal(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    digits
        .get(..2)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("0x"))
        && digits.contains(['p', 'P'])
}

/// The number of JSON (RFC 8259, section 6) for a decimal number of Go, which has also forms such as `+7`, `07`, `.7`,
/// `7.` and `1_0`.
fn json_number(text: &str) -> Option<String> {
    if !are_underscores_between_digits(text) {
        return None;
    }
    let text = text.replace('_', "");
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => ("-", text),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_exponent = |text: &str| {
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        !digits.is_empty() && are_digits(digits)
    };
    let is_number = !(whole.is_empty() && fraction.is_empty())
        && are_digits(whole)
        && are_digits(fraction)
        && exponent.is_none_or(is_exponent);
    if !is_number {
        return None;
    }
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let exponent = exponent.map(|digits| format!("e{digits}"));
    Some(format!(
        "{sign}{whole}{point}{fraction}{}",
        exponent.unwrap_or_default()
    ))
}

fn are_underscores_between_digits(text: &str) -> bool {
    let text = text.as_bytes();
    let is_digit = |index: Option<usize>| {
        let byte = index.and_then(|index| text.get(index));
        byte.is_some_and(u8::is_ascii_digit)
    };
    let mut underscores = text.iter().enumerate().filter(|(_, byte)| **byte == b'_');
    underscores.all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)))
}

/// Numbers with longer exponents are too large or too small to represent.
fn has_long_exponent(text: &str) -> bool {
    let exponent = text.split_once(['e', 'E']).map_or("", |(_, after)| after);
    exponent.trim_start_matches(['+', '-']).len() > 3
}

/// Whether a text is an integer that would lose digits.
fn is_long_integer(text: &str) -> bool {
    !text.contains(['.', 'e', 'E']) && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}

/// The value, unless it is an integer with too many digits. Otherwise a product of many could grow without bound.
pub(super) fn bounded(value: Value) -> Result<Value, String> {
    match &value {
        Value::Number(number)
            if number.is_integer()
                && number.as_i64().is_none()
                && number.format_decimal().len() > MAX_DIGITS =>
        {
            Err(errors::refuse(format!(
                "integers have at most {MAX_DIGITS} digits"
            )))
        }
        _ => Ok(value),
    }
}

/// For larger numbers, regorus gives no value and no error, so check them first.
fn bits(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    for index in 0..arguments.len() {
        whole(arguments, index)?;
    }
    by_regorus(name, arguments)
}

fn range(arguments: &[Value]) -> Result<Value, String> {
    count(whole(arguments, 0)?, whole(arguments, 1)?, 1)?;
    by_regorus("numbers.range", arguments)
}

fn range_step(arguments: &[Value]) -> Result<Value, String> {
    let ends = (whole(arguments, 0)?, whole(arguments, 1)?);
    if let Some(value @ Value::Number(step)) = arguments.get(2)
        && step.is_integer()
        && step.as_i64().is_none()
        && *value > Value::from(0)
        && i64::try_from(ends.0.abs_diff(ends.1)).is_ok()
    {
        // The step is longer than the whole range.
        return Ok(Value::from(vec![Value::from(ends.0)]));
    }
    let step = whole(arguments, 2)?;
    if step <= 0 {
        return Err("step must be a positive integer".to_owned());
    }
    count(ends.0, ends.1, step)?;
    by_regorus("numbers.range_step", arguments)
}

fn count(from: i64, to: i64, step: i64) -> Result<(), String> {
    let steps = from.abs_diff(to) / step.unsigned_abs();
    budget::elements(
        usize::try_from(steps)
            .unwrap_or(usize::MAX)
            .saturating_add(1),
    )
}

fn shift_left(arguments: &[Value]) -> Result<Value, String> {
    let by = whole(arguments, 1)?;
    if by > MAX_SHIFT {
        return Err(errors::refuse(format!(
            "numbers are shifted by at most {MAX_SHIFT} bits"
        )));
    }
    by_regorus("bits.lsh", arguments).and_then(bounded)
}
