//! The value of a plain scalar, by the YAML 1.1 of Go's library.

use regorus::Value;

/// The value of a plain scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Value(Value),
    /// It is not null, a boolean or a number.
    Text,
    /// It is a number that JSON does not have: infinity or NaN.
    NoJson,
}

pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Value(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Plain::Value(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Plain::Value(Value::Bool(false));
        }
        ".nan" | ".NaN" | ".NAN" => return Plain::NoJson,
        _ => {}
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Plain::NoJson;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return Plain::Text;
    }
    let digits = text.replace('_', "");
    if let Some(whole) = whole(&digits) {
        return Plain::Value(whole);
    }
    float(&digits).map_or(Plain::Text, |number| Plain::Value(Value::from(number)))
}

/// An integer with the prefixes of Go. A leading zero also means octal.
fn whole(text: &str) -> Option<Value> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let number = u64::from_str_radix(digits, base).ok()?;
    if is_negative {
        let number = i64::try_from(-i128::from(number)).ok()?;
        Some(Value::from(number))
    } else {
        Some(Value::from(number))
    }
}

fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (unsigned, "0"),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let is_number = all_digits(before)
        && all_digits(after)
        && !(before.is_empty() && after.is_empty())
        && !exponent.is_empty()
        && all_digits(exponent);
    is_number
        .then(|| text.parse::<f64>().ok())
        .flatten()
        .filter(|number| number.is_finite())
}

/// Whether Go's library would read the text as a time or as a number in base 60.
pub(super) fn is_like_time(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let is_date = parts
        .next()
        .is_some_and(|year| year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit()))
        && parts.next().is_some_and(|month| {
            (1..=2).contains(&month.len()) && month.bytes().all(|b| b.is_ascii_digit())
        })
        && parts
            .next()
            .is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()));
    let is_sixty = text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c))
        && text.contains(':')
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-:._".contains(&b));
    is_date || is_sixty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_those_of_yaml_1_1() {
        for (text, json) in [
            ("yes", "true"),
            ("Off", "false"),
            ("~", "null"),
            ("010", "8"),
            ("0o10", "8"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("-0b11", "-3"),
            ("1_000", "1000"),
            ("08", "8"),
            (".5", "0.5"),
            ("12e03", "12000"),
            ("9223372036854775808", "9223372036854775808"),
        ] {
            let value = Value::from_json_str(json).unwrap();
            assert_eq!(resolve(text), Plain::Value(value), "{text}");
        }
        for text in [
            "tRue",
            "1:30",
            "2001-01-01",
            "1e",
            "0x",
            "1e400",
            "e1",
            "=",
            "-",
            "+",
            ".",
            "0x-1",
        ] {
            assert_eq!(resolve(text), Plain::Text, "{text}");
        }
        for text in [".nan", ".inf", "-.Inf"] {
            assert_eq!(resolve(text), Plain::NoJson, "{text}");
        }
    }
}
