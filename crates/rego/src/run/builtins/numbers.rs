//! Numbers: JSON texts of numbers, and ranges and shifts within limits.

use regorus::Value;

use super::{Builtin, budget, by_regorus, errors, text, whole};

pub(super) const ALL: [Builtin; 11] = [
    Builtin {
        name: "to_number",
        arity: 1,
        call: to_number,
    },
    Builtin {
        name: "units.parse",
        arity: 1,
        call: |arguments| units("units.parse", arguments),
    },
    Builtin {
        name: "units.parse_bytes",
        arity: 1,
        call: |arguments| units("units.parse_bytes", arguments),
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

fn to_number(arguments: &[Value]) -> Result<Value, String> {
    match arguments {
        [Value::String(text)] if !is_json_number(text) => {
            Err("operand 1 must be the text of a number".to_owned())
        }
        [Value::String(text)] if has_long_exponent(text) => {
            Err(errors::refuse("exponents have at most 3 digits"))
        }
        [Value::String(text)] if is_long_integer(text) => {
            Err(errors::refuse("integers have at most 64 bits"))
        }
        _ => by_regorus("to_number", arguments),
    }
}

/// Whether a text is a number of JSON (RFC 8259, section 6).
fn is_json_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        ),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
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

/// For larger numbers, regorus gives no value and no error, so check them first.
fn bits(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    for index in 0..arguments.len() {
        whole(arguments, index)?;
    }
    by_regorus(name, arguments)
}

/// Suffixes that `units.parse` accepts in regorus but not in OPA.
const NO_UNITS: [&str; 16] = [
    "Q", "R", "Y", "Z", "h", "da", "d", "c", "μ", "n", "f", "a", "z", "y", "r", "q",
];

fn units(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let amount = text(arguments, 0)?;
    let unit = amount.trim_matches('"');
    let unit = unit.trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let is_unknown = if name == "units.parse" {
        NO_UNITS.contains(&unit) || ["zi", "yi"].contains(&unit.to_ascii_lowercase().as_str())
    } else {
        unit.to_ascii_lowercase().starts_with(['q', 'r', 'y', 'z'])
    };
    if amount.contains('_') || is_unknown {
        return Err("could not parse the amount".to_owned());
    }
    let value = by_regorus(name, arguments)?;
    let number = amount.trim_matches('"').strip_suffix(unit);
    match number.and_then(|number| number.split_once('.')) {
        Some(parts) if name == "units.parse_bytes" => {
            let one = by_regorus(name, &[super::string(&format!("1{unit}"))])?;
            let bytes = one
                .as_i64()
                .ok()
                .and_then(|factor| whole_bytes(parts, factor));
            bytes
                .map(Value::from)
                .ok_or_else(|| errors::refuse("the amount has too many digits"))
        }
        _ => Ok(value),
    }
}

/// The amount before and after its point, times a factor, without the fraction. OPA calculates with 64 bits.
fn whole_bytes((before, after): (&str, &str), factor: i64) -> Option<i64> {
    let unsigned = before.trim_start_matches(['+', '-']);
    let digits = u128::from(format!("{unsigned}{after}").parse::<u64>().ok()?);
    let ten = 10_u128.checked_pow(
        u32::try_from(after.len())
            .ok()
            .filter(|places| *places <= 18)?,
    )?;
    if digits == 0 {
        return Some(0);
    }
    let shift = digits.leading_zeros().checked_sub(64)? + (128 - ten.leading_zeros()) + 2;
    let dividend = digits << shift;
    let quotient = (dividend / ten) | u128::from(dividend % ten != 0);
    let (amount, first) = rounded(quotient);
    let (bytes, second) = rounded(amount.checked_mul(u128::try_from(factor).ok()?)?);
    let bytes = match (first + second).checked_sub(shift) {
        Some(left) => bytes.checked_mul(1_u128.checked_shl(left)?)?,
        None => bytes.checked_shr(shift - first - second).unwrap_or(0),
    };
    let bytes = i64::try_from(bytes).ok()?;
    Some(if before.starts_with('-') {
        -bytes
    } else {
        bytes
    })
}

/// A number rounded to 64 bits, halves to even, and how many bits it lost.
fn rounded(number: u128) -> (u128, u32) {
    let lost = 64_u32.saturating_sub(number.leading_zeros());
    if lost == 0 {
        return (number, 0);
    }
    let (high, low) = (number >> lost, number & ((1 << lost) - 1));
    let half = 1 << (lost - 1);
    let up = low > half || low == half && high % 2 == 1;
    (high + u128::from(up), lost)
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
    by_regorus("bits.lsh", arguments)
}
