//! `subset`: ranges along the axes of a coverage (OGC 19-087).

use serde_json::{Map, Value};

use super::number;

/// Parses `axis(low:high),axis(value)` to `{"axis": [low, high], "axis": [value]}`. Numerals become numbers, even
/// quoted ones, as in pygeoapi.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut all = Map::new();
    for part in text.split(',') {
        let (axis, range) = part.strip_suffix(')')?.split_once('(')?;
        let is_name = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
        if axis.is_empty() || !axis.chars().all(is_name) {
            return None;
        }
        if all.insert(axis.to_owned(), self::range(range)?).is_some() {
            return None;
        }
    }
    Some(Value::Object(all))
}

fn range(text: &str) -> Option<Value> {
    if text.contains(['(', ')']) || text.contains(char::is_whitespace) {
        return None;
    }
    if text.contains('"') {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        return match inner.split_once("\":\"") {
            Some((low, high)) => values(&[low, high]),
            None => values(&[inner]),
        };
    }
    match text.split_once(':') {
        // A time contains colons. Without quotes it is not known which of them separates the range.
        Some((_, high)) if high.contains(':') => None,
        Some((low, high)) => values(&[low, high]),
        None => values(&[text]),
    }
}

fn values(texts: &[&str]) -> Option<Value> {
    texts
        .iter()
        .map(|text| {
            let is_fine = !text.is_empty() && !text.contains('"');
            is_fine.then(|| number::typed(text))
        })
        .collect()
}
