//! Query parameters: what selects data becomes a typed value, read as pygeoapi reads it.

mod datetime;
mod geometry;
mod number;
mod subset;

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{
    query::Pair,
    refusal::{Refusal, Rule},
    route::{Part, Route},
};

/// The CRS of a bbox that names none (OGC 17-069r4, requirement /req/core/fc-bbox-definition).
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
/// The language of a filter that names none (OGC 19-079r2).
const FILTER_LANG: &str = "cql2-text";

/// Decoded names and their values, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Params(Vec<(Cow<'static, str>, Value)>);

/// What a parameter's text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bbox,
    Datetime,
    Limit,
    Integer,
    Measure,
    Names,
    Sort,
    Truth,
    Subset,
    Wkt,
    OneOf(&'static [&'static str]),
}

const QUERYABLES: &[(&str, Kind)] = &[("properties", Kind::Names)];
const ITEMS: &[(&str, Kind)] = &[
    ("bbox", Kind::Bbox),
    ("limit", Kind::Limit),
    ("offset", Kind::Integer),
    ("datetime", Kind::Datetime),
    ("properties", Kind::Names),
    ("sortby", Kind::Sort),
    ("skipGeometry", Kind::Truth),
    (
        "filter-lang",
        Kind::OneOf(&["cql-json", "cql-text", "cql2-text", "cql2-json"]),
    ),
    ("resulttype", Kind::OneOf(&["results", "hits"])),
];
const COVERAGE: &[(&str, Kind)] = &[
    ("bbox", Kind::Bbox),
    ("datetime", Kind::Datetime),
    ("properties", Kind::Names),
    ("subset", Kind::Subset),
];
const MAP: &[(&str, Kind)] = &[
    ("bbox", Kind::Bbox),
    ("datetime", Kind::Datetime),
    ("width", Kind::Integer),
    ("height", Kind::Integer),
    ("properties", Kind::Names),
    ("subset", Kind::Subset),
];
const EDR: &[(&str, Kind)] = &[
    ("coords", Kind::Wkt),
    ("bbox", Kind::Bbox),
    ("datetime", Kind::Datetime),
    ("limit", Kind::Limit),
    ("parameter-name", Kind::Names),
    ("within", Kind::Measure),
    ("corridor-width", Kind::Measure),
    ("corridor-height", Kind::Measure),
];
const LIST: &[(&str, Kind)] = &[("limit", Kind::Limit), ("offset", Kind::Integer)];

/// The typed names of a route; the same name means nothing, or a field of the data, elsewhere.
fn kinds(route: &Route) -> &'static [(&'static str, Kind)] {
    match route {
        Route::Collection { part, .. } => match part {
            Part::Items => ITEMS,
            Part::Queryables => QUERYABLES,
            Part::Coverage => COVERAGE,
            Part::Map { .. } => MAP,
            Part::Edr { .. } => EDR,
            _ => &[],
        },
        Route::Page("stac-search") => ITEMS,
        Route::Page("jobs" | "processes") => LIST,
        _ => &[],
    }
}

impl Params {
    /// The typed values of `pairs` on `route`; a text that is no such value is refused.
    ///
    /// An empty text stays one: pygeoapi takes it for nothing, or refuses it itself.
    pub(super) fn read(pairs: Vec<Pair<'_>>, route: &Route) -> Result<Self, Refusal> {
        let kinds = kinds(route);
        let mut all = Vec::with_capacity(pairs.len());
        for (name, text) in pairs {
            let known = kinds.iter().find(|(known, _)| *known == name);
            all.push(match known {
                Some((known, kind)) if !text.is_empty() => {
                    let value = kind.read(&text);
                    let value = value.ok_or_else(|| kind.refusal(known, &text))?;
                    (Cow::Borrowed(*known), value)
                }
                _ => (
                    Cow::Owned(name.into_owned()),
                    Value::String(text.into_owned()),
                ),
            });
        }
        Ok(Self(all))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The search by a POST to `/stac-api/search`: pygeoapi takes these from the body, over those of the query.
    pub(super) fn take_from_body(&mut self, body: &Value, route: &Route) -> Result<(), Refusal> {
        if *route != Route::Page("stac-search") {
            return Ok(());
        }
        for name in ["bbox", "datetime", "limit", "offset"] {
            let text = match body.get(name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.clone(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::Array(numbers)) if name == "bbox" => joined(numbers),
                Some(other) => other.to_string(),
            };
            if self.get(name).is_some() {
                return Err(Refusal::about(
                    Rule::TwoFilters,
                    "the query and the body both have ",
                    name.as_bytes(),
                ));
            }
            let read = Self::read(vec![(name.into(), text.into())], route)?;
            self.0.extend(read.0);
        }
        Ok(())
    }
}

fn joined(numbers: &[Value]) -> String {
    numbers
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join(",")
}

impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_typed_bbox = self.get("bbox").is_some_and(Value::is_array);
        let crs = (is_typed_bbox && self.get("bbox-crs").is_none())
            .then(|| ("bbox-crs", Value::from(CRS84)));
        let language = (self.get("filter").is_some() && self.get("filter-lang").is_none())
            .then(|| ("filter-lang", Value::from(FILTER_LANG)));
        let given = self.0.iter().map(|(name, value)| (name.as_ref(), value));
        let implied = crs
            .iter()
            .chain(&language)
            .map(|(name, value)| (*name, value));
        serializer.collect_map(given.chain(implied))
    }
}

impl Kind {
    fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Bbox => geometry::bbox(text),
            Self::Datetime => datetime::interval(text),
            Self::Limit => number::limit(text).map(Value::from),
            Self::Integer => number::integer(text).filter(|n| *n >= 0).map(Value::from),
            Self::Measure => number::finite(text).filter(|n| *n >= 0.0).map(|n| json!(n)),
            Self::Names => Some(text.split(',').collect()),
            Self::Sort => Some(text.split(',').map(sort_key).collect()),
            Self::Truth => Some(Value::Bool(is_true(text))),
            Self::Subset => subset::read(text),
            Self::Wkt => geometry::wkt(text),
            Self::OneOf(words) => words.contains(&text).then(|| Value::from(text)),
        }
    }

    fn refusal(self, name: &str, text: &str) -> Refusal {
        let expected = match self {
            Self::Bbox => {
                "four or six finite numbers, minima before maxima (minx may be over maxx)"
            }
            Self::Datetime => {
                "an RFC 3339 date or date-time, or an interval of two with `/` and `..`"
            }
            Self::Limit => "a positive integer without leading zeros",
            Self::Integer => "an integer of zero or more",
            Self::Measure => "a finite number of zero or more",
            Self::Subset => "`axis(value)` or `axis(low:high)`, separated by commas, no axis twice",
            Self::Wkt => "a geometry in WKT, of finite numbers",
            Self::Names | Self::Sort | Self::Truth => "a list",
            Self::OneOf(_) => "one of the values of the standard",
        };
        Refusal::about(
            Rule::Parameter,
            &format!("the query parameter `{name}` must be {expected}: "),
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

/// What pygeoapi takes for true; it takes everything else for false.
fn is_true(text: &str) -> bool {
    ["yes", "true", "t", "1", "on"].contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests;
