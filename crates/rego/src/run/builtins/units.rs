//! Amounts with units, such as `1.5Ki`, calculated as in OPA.

use regorus::Value;

use super::{Builtin, errors, strings::lower, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "units.parse",
        arity: 1,
        call: |arguments| parsed(text(arguments, 0)?),
    },
    Builtin {
        name: "units.parse_bytes",
        arity: 1,
        call: |arguments| parsed_bytes(text(arguments, 0)?),
    },
];

/// The largest number of digits of an exponent in OPA.
const MAX_EXPONENT_DIGITS: usize = 6;
/// The largest amount in thousandths. In OPA a thousandth is not exact, which would show above it.
const MAX_THOUSANDTHS: u128 = 1_000_000_000;
/// How many digits after the point `units.parse` gives.
const PLACES: i32 = 10;

fn too_long() -> String {
    errors::refuse("the amount has too many digits")
}

fn parsed(text: &str) -> Result<Value, String> {
    let text = text.replace('"', "");
    let (amount, unit) = number_and_unit(&text)?;
    let mut letters = unit.chars();
    let unit: String = letters
        .next()
        .into_iter()
        .chain(letters.map(lower))
        .collect();
    let mut amount = Amount::of(amount)?;
    let factor = if unit == "m" {
        if amount.digits > MAX_THOUSANDTHS {
            return Err(too_long());
        }
        amount.exponent -= 3;
        1
    } else {
        factor(&unit.to_ascii_lowercase()).ok_or_else(unknown)?
    };
    amount.digits = amount
        .digits
        .checked_mul(u128::from(factor))
        .ok_or_else(too_long)?;
    amount.rounded_to_places()
}

fn parsed_bytes(text: &str) -> Result<Value, String> {
    let text: String = text.chars().filter(|c| *c != '"').map(lower).collect();
    let (amount, unit) = number_and_unit(&text)?;
    let prefix = match unit {
        "b" => return Err(unknown()),
        unit => unit.strip_suffix('b').unwrap_or(unit),
    };
    let factor = factor(prefix).ok_or_else(unknown)?;
    let amount = Amount::of(amount)?;
    let bytes = amount.whole_bytes(factor).ok_or_else(too_long)?;
    amount.signed(bytes)
}

fn unknown() -> String {
    "the unit is not known".to_owned()
}

fn factor(unit: &str) -> Option<u64> {
    let (letter, base) = match unit.strip_suffix('i') {
        Some(letter) => (letter, 1024_u64),
        None => (unit, 1000),
    };
    let power = match letter {
        "" if base == 1000 => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "e" => 6,
        _ => return None,
    };
    base.checked_pow(power)
}

/// The number at the beginning of a text, and its unit. An `e` before a digit or a sign begins an exponent, which other
/// units do not.
fn number_and_unit(text: &str) -> Result<(&str, &str), String> {
    if text.contains(' ') {
        return Err("the amount has spaces".to_owned());
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_sign = |at: usize| matches!(bytes.get(at), Some(b'+' | b'-'));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' if is_digit(at + 1) || is_sign(at + 1) => {
                at += usize::from(is_sign(at + 1));
                let digits = (at + 1..).take_while(|at| is_digit(*at));
                if digits.take(MAX_EXPONENT_DIGITS + 1).count() > MAX_EXPONENT_DIGITS {
                    return Err("the exponent is too large".to_owned());
                }
            }
            _ => break,
        }
        at += 1;
    }
    match text.split_at_checked(at) {
        Some((number, unit)) if !number.is_empty() => Ok((number, unit)),
        _ => Err("the amount has no number".to_owned()),
    }
}

/// A decimal number: its digits times ten to the power of its exponent.
struct Amount {
    is_negative: bool,
    digits: u128,
    exponent: i32,
}

impl Amount {
    fn of(text: &str) -> Result<Self, String> {
        let fault = || "the amount is not a number".to_owned();
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse().map_err(|_| fault())?),
            None => (unsigned, 0_i32),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let are_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            return Err(fault());
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}");
        let digits = digits.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Ok(Self {
                is_negative: false,
                digits: 0,
                exponent: 0,
            });
        }
        let places = i32::try_from(fraction.len()).map_err(|_| too_long())?;
        let zeros = i32::try_from(digits.len() - kept.len()).map_err(|_| too_long())?;
        Ok(Self {
            is_negative: text.starts_with('-'),
            digits: kept.parse().map_err(|_| too_long())?,
            exponent: exponent - places + zeros,
        })
    }

    /// The value with `PLACES` digits after the point, rounded half away from zero.
    fn rounded_to_places(&self) -> Result<Value, String> {
        let Ok(places) = u32::try_from(-self.exponent) else {
            return self.signed(self.grown().ok_or_else(too_long)?);
        };
        let one = 10_u128.pow(PLACES.unsigned_abs());
        let parts = match self.exponent + PLACES {
            more @ 0.. => 10_u128
                .checked_pow(more.unsigned_abs())
                .and_then(|by| self.digits.checked_mul(by))
                .ok_or_else(too_long)?,
            fewer => match 10_u128.checked_pow(fewer.unsigned_abs()) {
                Some(by) => self.digits / by + u128::from(self.digits % by >= by / 2),
                // The number is less than half of the last place.
                None => 0,
            },
        };
        let is_whole = 10_u128
            .checked_pow(places)
            .is_some_and(|by| self.digits.is_multiple_of(by));
        if is_whole || parts % one == 0 {
            return self.signed(parts / one);
        }
        let sign = if self.is_negative { "-" } else { "" };
        let text = format!("{sign}{}.{:010}", parts / one, parts % one);
        text.parse::<f64>().map(Value::from).map_err(|_| too_long())
    }

    /// The digits times the power of ten, which is not negative.
    fn grown(&self) -> Option<u128> {
        let by = 10_u128.checked_pow(u32::try_from(self.exponent).ok()?)?;
        self.digits.checked_mul(by)
    }

    fn signed(&self, magnitude: u128) -> Result<Value, String> {
        let number = i128::try_from(magnitude).map_err(|_| too_long())?;
        let number = if self.is_negative { -number } else { number };
        Ok(Value::Number(number.into()))
    }

    /// The amount times a factor, without the fraction. OPA calculates with 64 bits.
    fn whole_bytes(&self, factor: u64) -> Option<u128> {
        if self.digits == 0 {
            return Some(0);
        }
        let (dividend, ten) = if self.exponent < 0 {
            let places = self.exponent.unsigned_abs();
            let ten = 10_u128.checked_pow(Some(places).filter(|places| *places <= 18)?)?;
            (u128::from(u64::try_from(self.digits).ok()?), ten)
        } else {
            (self.grown()?, 1)
        };
        let shift = if ten == 1 {
            0
        } else {
            dividend.leading_zeros().checked_sub(64)? + (128 - ten.leading_zeros()) + 2
        };
        let dividend = dividend << shift;
        let quotient = (dividend / ten) | u128::from(dividend % ten != 0);
        let (amount, first) = rounded(quotient);
        let (bytes, second) = rounded(amount.checked_mul(u128::from(factor))?);
        match (first + second).checked_sub(shift) {
            Some(left) => bytes.checked_mul(1_u128.checked_shl(left)?),
            None => Some(bytes.checked_shr(shift - first - second).unwrap_or(0)),
        }
    }
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
