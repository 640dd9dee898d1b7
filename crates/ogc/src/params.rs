//! Query parameters: the values that the handler of the route reads, parsed as it does, and the names of those that it
//! ignores.

mod breaking;
mod datetime;
mod geometry;
mod handler;
mod kind;
mod number;
mod subset;

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;

pub use self::handler::is_parameter;
use self::{handler::Handler, kind::Kind};
use super::{
    Action,
    query::{self, Pair},
    refusal::{Refusal, Rule},
    route::Route,
};

/// The CRS of a bbox without a CRS (OGC 17-069r4, requirement /req/core/fc-bbox-definition).
const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
/// The language of every `filter` in a query: pygeoapi ignores `filter-lang` there (OGC 21-065r2).
const FILTER_LANG: &str = "cql2-text";
/// The members that a STAC search by POST reads from its body.
const OF_A_STAC_BODY: [&str; 4] = ["bbox", "datetime", "limit", "offset"];

/// The parameters of one request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Params {
    /// The parameters that the handler reads: decoded names and values, in order.
    read: Vec<(Cow<'static, str>, Value)>,
    /// The names of the parameters that it ignores, sorted.
    ignored: Vec<String>,
}

impl Params {
    /// The parameters in `pairs` that the handler of `action` on `route` reads. A value that pygeoapi and a policy
    /// could understand differently is refused.
    pub(super) fn read(pairs: &[Pair<'_>], route: &Route, action: Action) -> Result<Self, Refusal> {
        let mut all = Self {
            read: Vec::with_capacity(pairs.len()),
            ignored: Vec::new(),
        };
        let handler = Handler::of(route, action);
        for (name, text) in pairs {
            all.add(name, text, handler, route)?;
        }
        Ok(all.settled())
    }

    /// Rewrites values in the strict spelling that pygeoapi must receive. A line break outside of free text is refused.
    pub(super) fn spell(
        pairs: &mut [Pair<'_>],
        route: &Route,
        action: Action,
    ) -> Result<(), Refusal> {
        let handler = Handler::of(route, action);
        for (name, text) in pairs {
            let kind = handler.reads(name).map(|(_, kind)| kind);
            if kind != Some(Kind::FreeText) && text.contains(query::BREAKS) {
                return Err(Refusal::about_value(
                    Rule::ControlCharacter,
                    "the value has a tab or line break, which only free text may have: ",
                    name.as_bytes(),
                ));
            }
            if kind == Some(Kind::Datetime)
                && let Cow::Owned(strict) = datetime::strict(text)
                // An error quotes what the client sent.
                && datetime::interval(&strict).is_some()
            {
                *text = strict.into();
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        text: &str,
        handler: Handler,
        route: &Route,
    ) -> Result<(), Refusal> {
        if *route == Route::Page("stac-search") {
            breaking::check(name, text)?;
        }
        let value = match handler.reads(name) {
            // A data field may be compared with an empty value.
            Some((None, Kind::FreeText)) => Some((name.to_owned().into(), Value::from(text))),
            Some((Some(known), kind)) => {
                let value = kind.read(known, text)?;
                value.map(|value| (Cow::Borrowed(known), value))
            }
            Some((None, _)) | None => None,
        };
        match value {
            Some(read) => self.read.push(read),
            None => self.ignored.push(name.to_owned()),
        }
        Ok(())
    }

    /// Without the parameters that only have a meaning together with another one.
    fn settled(mut self) -> Self {
        let has_filter = self.get("filter").is_some();
        let has_bbox = self.get("bbox").is_some();
        let Self { read, ignored } = &mut self;
        read.retain(|(name, value)| {
            let counts = match name.as_ref() {
                "filter-lang" => has_filter && value == FILTER_LANG,
                "bbox-crs" => has_bbox,
                _ => true,
            };
            if !counts {
                ignored.push(name.to_string());
            }
            counts
        });
        ignored.sort_unstable();
        ignored.dedup();
        self
    }

    /// The value of a parameter, if the handler reads it.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.read
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    }

    /// The names of parameters and body members that the handler ignores.
    pub(super) fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Reads the body of a POST to `/stac-api/search`. pygeoapi takes four parameters from it, which replace those of
    /// the query, and ignores all other members.
    pub(super) fn take_from_body(&mut self, body: &Value, route: &Route) -> Result<(), Refusal> {
        let (Route::Page("stac-search"), Some(members)) = (route, body.as_object()) else {
            return Ok(());
        };
        let handler = Handler::of(route, Action::Search);
        for (name, value) in members {
            if !OF_A_STAC_BODY.contains(&name.as_str()) {
                self.ignored.push(name.clone());
                continue;
            }
            // Even null: pygeoapi uses it instead of the query's value.
            if self.get(name).is_some() || self.ignored.contains(name) {
                return Err(Refusal::about_value(
                    Rule::TwoFilters,
                    "the query and the body both have this parameter, send it in one of them: ",
                    name.as_bytes(),
                ));
            }
            match value {
                Value::Null => self.ignored.push(name.clone()),
                Value::String(text) => self.add(name, text, handler, route)?,
                Value::Array(numbers) if name == "bbox" => {
                    self.add(name, &joined(numbers), handler, route)?;
                }
                other => self.add(name, &other.to_string(), handler, route)?,
            }
        }
        *self = std::mem::take(self).settled();
        Ok(())
    }

    /// Whether the body sets this parameter, so that the query cannot.
    pub(super) fn is_decided_by(body: Option<&Value>, route: &Route, name: &str) -> bool {
        *route == Route::Page("stac-search")
            && OF_A_STAC_BODY.contains(&name)
            && body.is_some_and(|body| body.get(name).is_some())
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
        let crs = (self.get("bbox").is_some() && self.get("bbox-crs").is_none())
            .then(|| ("bbox-crs", Value::from(CRS84)));
        let language = (self.get("filter").is_some() && self.get("filter-lang").is_none())
            .then(|| ("filter-lang", Value::from(FILTER_LANG)));
        let read = self.read.iter().map(|(name, value)| (name.as_ref(), value));
        let implied = crs
            .iter()
            .chain(&language)
            .map(|(name, value)| (*name, value));
        serializer.collect_map(read.chain(implied))
    }
}

#[cfg(test)]
mod tests;
