//! Parses the value of a parameter as pygeoapi does.

use serde_json::{Value, json};

use super::{
    super::refusal::{Refusal, Rule},
    datetime, geometry, number, subset,
};

/// The form of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Four or six numbers.
    Bbox,
    /// Four numbers. Six are refused, since pygeoapi would drop the heights, and then the box.
    FlatBbox,
    Datetime,
    Limit,
    Integer,
    Measure,
    /// Names separated by commas; empty names are kept.
    Names,
    /// Names separated by commas; empty names are dropped.
    NonemptyNames,
    Sort,
    Truth,
    Subset,
    Wkt,
    OneOf(&'static [&'static str]),
    /// The text as it is.
    Text,
    /// The text as it is. It may contain tabs and line breaks.
    FreeText,
}

impl Kind {
    /// The value of `text`; an error if pygeoapi and a policy could understand it differently.
    ///
    /// `None` if pygeoapi treats the parameter as absent.
    pub(super) fn read(self, name: &str, text: &str) -> Result<Option<Value>, Refusal> {
        if text.is_empty() || (self == Self::NonemptyNames && text.split(',').all(str::is_empty)) {
            return Ok(None);
        }
        match self.value(text) {
            Some(value) => Ok(Some(value)),
            None => Err(self.refusal(name, text)),
        }
    }

    fn value(self, text: &str) -> Option<Value> {
        match self {
            Self::Bbox => geometry::bbox(text),
            Self::FlatBbox => geometry::bbox(text)
                .filter(|bbox| bbox.as_array().is_some_and(|all| all.len() == 4)),
            Self::Datetime => datetime::interval(text),
            Self::Limit => number::limit(text).map(Value::from),
            Self::Integer => number::integer(text).filter(|n| *n >= 0).map(Value::from),
            Self::Measure => number::finite(text).filter(|n| *n >= 0.0).map(|n| json!(n)),
            Self::Names => Some(text.split(',').collect()),
            Self::NonemptyNames => Some(text.split(',').filter(|name| !name.is_empty()).collect()),
            Self::Sort => Some(text.split(',').map(sort_key).collect()),
            Self::Truth => Some(Value::Bool(is_true(text))),
            Self::Subset => subset::read(text),
            Self::Wkt => geometry::wkt(text),
            Self::OneOf(words) => words.contains(&text).then(|| Value::from(text)),
            Self::Text | Self::FreeText => Some(Value::from(text)),
        }
    }

    fn refusal(self, name: &str, text: &str) -> Refusal {
        let expected = match self {
            Self::Bbox => {
                "four or six finite numbers, minima before maxima (minx may be over maxx)"
            }
            Self::FlatBbox => "four finite numbers, miny before maxy (minx may be over maxx)",
            Self::Datetime => {
                "an RFC 3339 date or date-time, or an interval of two with `/` and `..` (write `%2B` for a `+`)"
            }
            Self::Limit => "a positive integer without leading zeros",
            Self::Integer => "an integer of zero or more",
            Self::Measure => "a finite number of zero or more",
            Self::Subset => "`axis(value)` or `axis(low:high)`, separated by commas, no axis twice",
            Self::Wkt => "a geometry in WKT, of finite numbers",
            Self::Names
            | Self::NonemptyNames
            | Self::Sort
            | Self::Truth
            | Self::Text
            | Self::FreeText => "a text",
            Self::OneOf(_) => "one of the values of the standard",
        };
        Refusal::about_value(
            Rule::Parameter,
            &format!("the parameter `{name}` must be {expected}: "),
            text.as_bytes(),
        )
    }
}

/// `name`, `+name` or `-name` (OGC API - Records, OGC 20-004r1).
fn sort_key(text: &str) -> Value {
    let (property, order) = match (text.strip_prefix('-'), text.strip_prefix('+')) {
        (Some(property), _) => (property, "descending"),
        (None, Some(property)) => (property, "ascending"),
        (None, None) => (text, "ascending"),
    };
    json!({ "property": property, "order": order })
}

/// Whether pygeoapi reads the text as true. It reads every other text as false.
fn is_true(text: &str) -> bool {
    ["yes", "true", "t", "1", "on"].contains(&text.to_lowercase().as_str())
}
