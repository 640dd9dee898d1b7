//! Times, read, written and added to as in Go.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate};
use regorus::Value;

use super::{Builtin, by_regorus, duration, errors, regorus_builtins, string, text, whole};

pub(super) const ALL: [Builtin; 5] = [
    Builtin {
        name: "time.parse_rfc3339_ns",
        arity: 1,
        call: |arguments| {
            if is_rfc3339(text(arguments, 0)?) {
                by_regorus("time.parse_rfc3339_ns", arguments)
            } else {
                Err("not a time of RFC 3339".to_owned())
            }
        },
    },
    Builtin {
        name: "time.parse_ns",
        arity: 2,
        call: parse,
    },
    Builtin {
        name: "time.format",
        arity: 1,
        call: format,
    },
    Builtin {
        name: "time.parse_duration_ns",
        arity: 1,
        call: duration::parse,
    },
    Builtin {
        name: "time.add_date",
        arity: 4,
        call: add_date,
    },
];

/// Parses a time. The engine accepts more than Go does. So if the layout has no time zone, the time is written again
/// with the layout and must give the same text.
fn parse(arguments: &[Value]) -> Result<Value, String> {
    let (layout, written) = (text(arguments, 0)?, text(arguments, 1)?);
    let time = regorus_builtins::call("time.parse_ns", arguments)?;
    let has_zone = ["Z07", "-07", "MST"]
        .iter()
        .any(|zone| layout.contains(zone));
    let is_named = layout
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte.is_ascii_digit());
    let time = with_century(layout, has_zone || is_named, time)?;
    if has_zone || is_named {
        return Ok(time);
    }
    let parts = [time.clone(), string("UTC"), string(layout)];
    match regorus_builtins::call("time.format", &[Value::from(parts.to_vec())])? {
        Value::String(made) if *made == *written => Ok(time),
        _ => Err(errors::refuse(
            "the text is not written as the layout says".to_owned(),
        )),
    }
}

/// A year of two digits is one from 1969 to 2068 in Go. The engine reads `69` as 2069.
fn with_century(layout: &str, has_zone: bool, time: Value) -> Result<Value, String> {
    let (Ok(nanoseconds), false) = (time.as_i64(), layout.contains("2006")) else {
        return Ok(time);
    };
    let date = DateTime::from_timestamp_nanos(nanoseconds);
    match date.year() {
        // In another zone it can be another year.
        2068..=2070 if has_zone => Err(errors::refuse("a year of two digits beside a zone")),
        2069 => {
            let earlier = date
                .with_year(1969)
                .and_then(|date| date.timestamp_nanos_opt());
            let fault = || errors::refuse("the year has two digits");
            earlier.map(Value::from).ok_or_else(fault)
        }
        _ => Ok(time),
    }
}

/// Writes a time. Without a layout it is RFC 3339, and Go writes no zeros at the end of a fraction.
fn format(arguments: &[Value]) -> Result<Value, String> {
    let made = regorus_builtins::call("time.format", arguments)?;
    let has_layout = matches!(arguments, [Value::Array(parts)] if parts.len() > 2);
    let Value::String(text) = &made else {
        return Ok(made);
    };
    let Some((before, rest)) = text.split_once('.').filter(|_| !has_layout) else {
        return Ok(made);
    };
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = rest.strip_suffix(zone).unwrap_or(rest);
    Ok(string(&match digits.trim_end_matches('0') {
        "" => format!("{before}{zone}"),
        digits => format!("{before}.{digits}{zone}"),
    }))
}

/// Whether a text is a time of RFC 3339, section 5.6, with a capital `T` and `Z`.
fn is_rfc3339(text: &str) -> bool {
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, place)| match place {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    let Some((begin, rest)) = text.split_at_checked(19) else {
        return false;
    };
    let rest = match rest.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => rest,
    };
    // Go knows no leap seconds.
    shape(begin, "0000-00-00T00:00:00")
        && !begin.ends_with(":60")
        && (rest == "Z" || shape(rest, "+00:00") || shape(rest, "-00:00"))
}

/// The nanoseconds of a time in UTC, with or without the name of its zone and a layout.
fn utc(time: Option<&Value>) -> Result<i64, String> {
    let Some(Value::Array(parts)) = time else {
        let parts: Vec<Value> = time.into_iter().cloned().collect();
        return whole(&parts, 0);
    };
    let texts = parts.iter().skip(1).take(2);
    if !texts.clone().all(|part| matches!(part, Value::String(_))) {
        return Err("operand 1 must be a time, a zone and a layout".to_owned());
    }
    match parts.get(1) {
        Some(Value::String(zone)) if !matches!(zone.as_ref(), "" | "UTC") => {
            Err(errors::refuse("only times in UTC are supported"))
        }
        _ => whole(parts.as_slice(), 0),
    }
}

/// Adds years, months and days. A day that the month lacks continues into the next month: 31 January plus a month is 2
/// or 3 March.
fn add_date(arguments: &[Value]) -> Result<Value, String> {
    let fault = || "the time is out of range".to_owned();
    let (years, months, days) = (
        whole(arguments, 1)?,
        whole(arguments, 2)?,
        whole(arguments, 3)?,
    );
    let nanoseconds = utc(arguments.first())?;
    let time = DateTime::from_timestamp_nanos(nanoseconds).naive_utc();
    let first = NaiveDate::from_ymd_opt(time.year(), time.month(), 1).ok_or_else(fault)?;
    let months = years
        .checked_mul(12)
        .and_then(|more| more.checked_add(months))
        .ok_or_else(fault)?;
    let by = Months::new(u32::try_from(months.unsigned_abs()).map_err(|_| fault())?);
    let month = if months < 0 {
        first.checked_sub_months(by)
    } else {
        first.checked_add_months(by)
    };
    let days = days.checked_add(i64::from(time.day0())).ok_or_else(fault)?;
    let by = Days::new(days.unsigned_abs());
    let day = month.and_then(|month| {
        if days < 0 {
            month.checked_sub_days(by)
        } else {
            month.checked_add_days(by)
        }
    });
    let end = day.ok_or_else(fault)?.and_time(time.time());
    let nanoseconds = end.and_utc().timestamp_nanos_opt().ok_or_else(fault)?;
    Ok(Value::from(nanoseconds))
}
