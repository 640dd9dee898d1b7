//! Durations such as `1h30m`, read as in Go. OPA also knows days, weeks and years of 365 days.

use regorus::Value;

use super::text;

/// The units and their nanoseconds.
const UNITS: [(&str, u64); 11] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
    ("y", 31_536_000_000_000_000),
];

/// One more than the largest number of nanoseconds. Only a negative duration can have as many.
const LIMIT: u64 = 1 << 63;

pub(super) fn parse(arguments: &[Value]) -> Result<Value, String> {
    let text = text(arguments, 0)?;
    let fault = || "the text is not a duration".to_owned();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(Value::from(0));
    }
    let total = nanoseconds(unsigned).ok_or_else(fault)?;
    let total = i128::from(total);
    let signed = if text.starts_with('-') { -total } else { total };
    i64::try_from(signed).map(Value::from).map_err(|_| fault())
}

fn nanoseconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut rest = text;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (whole, after) = digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit());
        let (unit, after) = after.split_at_checked(end.unwrap_or(after.len()))?;
        let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let amount = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        let sum = unit
            .checked_mul(amount)
            .and_then(|sum| sum.checked_add(part(*unit, fraction)))?;
        total = total.checked_add(sum).filter(|total| *total <= LIMIT)?;
        rest = after;
    }
    Some(total)
}

/// The digits at the beginning of a text, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    text.split_at_checked(text.len() - rest.len())
        .unwrap_or(("", text))
}

/// The part of a unit that a fraction is. Go calculates it with 53 bits, and takes no digits beyond 63 bits.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go rounds here too"
)]
fn part(unit: u64, fraction: &str) -> u64 {
    let (mut amount, mut scale) = (0_u64, 1_f64);
    for digit in fraction.bytes().map(|digit| u64::from(digit - b'0')) {
        let next = Some(amount)
            .filter(|amount| *amount <= (LIMIT - 1) / 10)
            .map(|amount| amount * 10 + digit)
            .filter(|next| *next <= LIMIT);
        let Some(next) = next else { break };
        amount = next;
        scale *= 10.0;
    }
    (amount as f64 * (unit as f64 / scale)) as u64
}
