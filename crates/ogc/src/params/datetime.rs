//! `datetime`: an instant or an interval (OGC 17-069r4, /req/core/fc-time-definition; RFC 3339, section 5.6).

use std::borrow::Cow;

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat,
    TimeDelta, Utc,
};
use serde_json::{Value, json};

/// `YYYY-MM-DD`.
const DATE_LENGTH: usize = 10;

/// The first and the last moment of a date or time.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// `{"start": .., "end": ..}` in UTC, null if the interval is open.
///
/// A date means its whole day, and a month or a year all of it, since servers use different moments.
pub(super) fn interval(text: &str) -> Option<Value> {
    let (start, end) = match text.split_once('/') {
        Some((start, end)) => (half(start)?, half(end)?),
        None => (Some(instant(text)?), Some(instant(text)?)),
    };
    let start = start.map(|(first, _)| first);
    let end = end.map(|(_, last)| last);
    if let (Some(start), Some(end)) = (start, end)
        && start > end
    {
        return None;
    }
    let show = |moment: Option<DateTime<Utc>>| {
        moment.map(|moment| moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    };
    Some(json!({ "start": show(start), "end": show(end) }))
}

/// Rewrites an instant in strict spelling: `T` for a `t` or a space, `Z` for `z` (RFC 3339, section 5.6). Other texts
/// are unchanged.
///
/// Some providers compare times as texts, so they must get one spelling.
pub(super) fn strict(text: &str) -> Cow<'_, str> {
    let is_loose = |half: &str| {
        matches!(half.as_bytes().get(DATE_LENGTH), Some(b't' | b' ')) || half.ends_with('z')
    };
    if !text.split('/').any(is_loose) {
        return text.into();
    }
    let halves: Vec<String> = text.split('/').map(strict_instant).collect();
    halves.join("/").into()
}

fn strict_instant(half: &str) -> String {
    let (Some(day), Some(time)) = (half.get(..DATE_LENGTH), half.get(DATE_LENGTH..)) else {
        return half.to_owned();
    };
    let Some(time) = time.strip_prefix(['t', 'T', ' ']) else {
        return half.to_owned();
    };
    match time.strip_suffix('z') {
        Some(time) => format!("{day}T{time}Z"),
        None => format!("{day}T{time}"),
    }
}

/// One side of an interval. The inner `None` is an open side.
#[allow(clippy::option_option)] // no date at all, or an open side
fn half(text: &str) -> Option<Option<Span>> {
    match text {
        "" | ".." => Some(None),
        text => instant(text).map(Some),
    }
}

fn instant(text: &str) -> Option<Span> {
    if let Some((day, time)) = text.split_once('T') {
        let day = date(day)?.0;
        return moment(day, time);
    }
    let (first, after) = date(text)?;
    let first = first.and_time(NaiveTime::MIN).and_utc();
    let after = after.and_time(NaiveTime::MIN).and_utc();
    Some((first, after - TimeDelta::microseconds(1)))
}

/// The first day of `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, and the first day after it.
fn date(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let mut fields = text.split('-');
    let year = fields.next().and_then(|text| digits(text, 4))?;
    let month = fields.next().map(|text| digits(text, 2));
    let day = fields.next().map(|text| digits(text, 2));
    if fields.next().is_some() || year == 0 {
        return None;
    }
    let year = i32::try_from(year).ok()?;
    let first = match (month, day) {
        (None, _) => NaiveDate::from_ymd_opt(year, 1, 1)?,
        (Some(month), None) => NaiveDate::from_ymd_opt(year, month?, 1)?,
        (Some(month), Some(day)) => NaiveDate::from_ymd_opt(year, month?, day?)?,
    };
    let after = match (month, day) {
        (None, _) => first.with_year(year + 1)?,
        (Some(_), None) => first.checked_add_months(Months::new(1))?,
        (Some(_), Some(_)) => first.checked_add_days(Days::new(1))?,
    };
    Some((first, after))
}

/// `HH:MM[:SS[.fraction]]` with `Z`, an offset, or nothing, which pygeoapi reads as UTC.
fn moment(day: NaiveDate, text: &str) -> Option<Span> {
    let (clock, offset) = match text.find(['Z', '+', '-']) {
        Some(at) => (text.get(..at)?, zone(text.get(at..)?)?),
        None => (text, TimeDelta::zero()),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut fields = clock.split(':').map(|text| digits(text, 2));
    let (hour, minute) = (fields.next()??, fields.next()??);
    let second = fields.next();
    let has_fraction = text.contains('.');
    if fields.next().is_some()
        || (second.is_none() && has_fraction)
        || fraction.is_empty()
        || fraction.len() > 9
        || !fraction.bytes().all(|b| b.is_ascii_digit())
    {
        return None;
    }
    let nanoseconds: u32 = format!("{fraction:0<9}").parse().ok()?;
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second.unwrap_or(Some(0))?, nanoseconds)?;
    let length = match (second, has_fraction) {
        (None, _) => TimeDelta::minutes(1) - TimeDelta::microseconds(1),
        _ => TimeDelta::zero(),
    };
    let first = NaiveDateTime::new(day, time)
        .and_utc()
        .checked_sub_signed(offset)?;
    if first.year() < 1 {
        return None;
    }
    Some((first, first.checked_add_signed(length)?))
}

/// `Z`, `+HH:MM` or `-HH:MM`.
fn zone(text: &str) -> Option<TimeDelta> {
    if text == "Z" {
        return Some(TimeDelta::zero());
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// Exactly `count` ASCII digits.
fn digits(text: &str, count: usize) -> Option<u32> {
    let is_number = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
