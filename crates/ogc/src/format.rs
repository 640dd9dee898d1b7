//! The format of pygeoapi's answer: by the parameter `f`, or by `Accept` if there is no `f`.
//!
//! pygeoapi reads `Accept` in its own way, and its plugins add media types. So the `Accept` that is sent on names one
//! known media type, or accepts all. Then pygeoapi cannot choose another format than the one that was judged.

use std::borrow::Cow;

use super::{
    Action, Headers,
    query::Pair,
    refusal::{Refusal, Rule},
    route::{Part, Route},
};

/// Media types that pygeoapi knows on every route (`FORMAT_TYPES` in `pygeoapi/formats.py`), and their names for `f`.
const KNOWN: [(&str, &str); 7] = [
    ("text/html", "html"),
    ("application/ld+json", "jsonld"),
    ("application/json", "json"),
    ("image/png", "png"),
    ("image/jpeg", "jpeg"),
    ("application/vnd.mapbox-vector-tile", "mvt"),
    ("application/x-netcdf", "NetCDF"),
];
/// The additional format of items.
const CSV: (&str, &str) = ("text/csv", "csv");
/// The format if none is asked for.
const DEFAULT: &str = "json";
const ANY: &str = "*/*";

/// The format of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Format {
    /// Its name for `f`; `None` if a file or a tile is sent as it is.
    pub(super) name: Option<Cow<'static, str>>,
    /// The `Accept` that pygeoapi must receive instead of the client's.
    pub(super) accept: Option<&'static str>,
}

impl Format {
    /// The format of `action` on `route`. `pairs` are changed to what pygeoapi must receive: `f` without spaces around
    /// it, and `f=csv` if `Accept` asks for CSV, since pygeoapi would answer in another format if it has no CSV.
    pub(super) fn read(
        route: &Route,
        action: Action,
        pairs: &mut Vec<Pair<'_>>,
        headers: &Headers,
    ) -> Result<Self, Refusal> {
        let rule = Negotiation::of(route, action);
        if rule == Negotiation::None {
            return Ok(Self::default());
        }
        let accepted = Accepted::read(headers, rule == Negotiation::Items);
        let by_accept = accepted.and_then(|accepted| accepted.format);
        let given = given(pairs, by_accept);
        let name = match (rule, given) {
            (Negotiation::Json, Some(other))
                if other != DEFAULT && *route == Route::Page("stac-search") =>
            {
                return Err(Refusal::about_value(
                    Rule::Parameter,
                    "a STAC search answers in JSON only; leave `f` out or send `f=json`: ",
                    other.as_bytes(),
                ));
            }
            (Negotiation::Json, _) => DEFAULT.into(),
            (_, Some(given)) => given.into(),
            (Negotiation::Map, None) => "png".into(),
            (_, None) => by_accept.unwrap_or(DEFAULT).into(),
        };
        let accept = match rule {
            Negotiation::Json => {
                accepted.map(|accepted| accepted.instead_of(Some("application/json")))
            }
            _ => accepted.map(|accepted| accepted.instead_of(accepted.media_type)),
        };
        Ok(Self {
            name: Some(name),
            accept: accept.flatten(),
        })
    }
}

/// The value of `f`, in the spelling that pygeoapi must receive.
fn given(pairs: &mut Vec<Pair<'_>>, by_accept: Option<&'static str>) -> Option<String> {
    let at = pairs.iter().position(|(name, _)| name == "f");
    if let Some((_, text)) = at.and_then(|at| pairs.get_mut(at)) {
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let trimmed = trimmed.to_owned();
            if trimmed.len() < text.len() {
                *text = trimmed.clone().into();
            }
            return Some(trimmed);
        }
        pairs.retain(|(name, _)| name != "f");
    }
    (by_accept == Some(CSV.1)).then(|| {
        pairs.push(("f".into(), CSV.1.into()));
        CSV.1.to_owned()
    })
}

/// How a handler chooses its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Negotiation {
    /// It sends the data as they are.
    None,
    /// It always answers in JSON.
    Json,
    /// It only looks at `f`.
    Map,
    /// By `f` or `Accept`, from the known formats and CSV.
    Items,
    /// By `f` or `Accept`, from the known formats.
    Known,
}

impl Negotiation {
    fn of(route: &Route, action: Action) -> Self {
        match route {
            Route::Static(_) | Route::Schema(_) => Self::None,
            Route::Page("stac-api" | "stac-search") => Self::Json,
            Route::Collection { part, .. } => match part {
                Part::Tile { .. } => Self::None,
                Part::Map { .. } => Self::Map,
                Part::Items if matches!(action, Action::Read | Action::Search) => Self::Items,
                _ => Self::Known,
            },
            _ => Self::Known,
        }
    }
}

/// The `Accept` of a request.
#[derive(Debug, Clone, Copy)]
struct Accepted<'a> {
    format: Option<&'static str>,
    media_type: Option<&'static str>,
    /// The value of the header, if there is exactly one.
    only: Option<&'a [u8]>,
}

impl<'a> Accepted<'a> {
    /// The media type with the highest weight that pygeoapi knows; the first one if weights are equal. `None` without
    /// the header.
    fn read(headers: &'a Headers, has_csv: bool) -> Option<Self> {
        let mut only = None;
        let mut count = 0;
        let mut best: Option<(u16, (&'static str, &'static str))> = None;
        for value in headers.all("accept") {
            count += 1;
            only = (count == 1).then_some(value);
            for part in value.split(|b| *b == b',') {
                let Some((media_type, weight)) = weighted(part) else {
                    continue;
                };
                if best.is_some_and(|(most, _)| weight <= most) {
                    continue;
                }
                let mut known = KNOWN.iter().chain(has_csv.then_some(&CSV));
                let known = known.find(|(known, _)| known.as_bytes() == media_type);
                best = known.map(|known| (weight, *known)).or(best);
            }
        }
        let best = best.map(|(_, known)| known);
        (count > 0).then_some(Self {
            format: best.map(|(_, format)| format),
            media_type: best.map(|(media_type, _)| media_type),
            only,
        })
    }

    /// The header value that names only `media_type`, or all media types; `None` if the header has this value already.
    fn instead_of(self, media_type: Option<&'static str>) -> Option<&'static str> {
        let wanted = media_type.unwrap_or(ANY);
        (self.only != Some(wanted.as_bytes())).then_some(wanted)
    }
}

/// A media range and its weight in thousandths. pygeoapi reads this spelling only: `type` or `type;q=weight`.
fn weighted(part: &[u8]) -> Option<(&[u8], u16)> {
    let part = part.trim_ascii();
    let Some(at) = part.iter().position(|b| *b == b';') else {
        return Some((part, 1000));
    };
    let (media_type, parameter) = part.split_at_checked(at)?;
    let weight = thousandths(parameter.strip_prefix(b";q=")?)?;
    (1..=1000).contains(&weight).then_some((media_type, weight))
}

/// `0.5` as 500 (RFC 9110, section 12.4.2: at most three decimals).
fn thousandths(text: &[u8]) -> Option<u16> {
    let (whole, decimals) = match text {
        [whole] => (whole, &[][..]),
        [whole, b'.', decimals @ ..] if decimals.len() <= 3 => (whole, decimals),
        _ => return None,
    };
    let digits = std::iter::once(whole).chain(decimals);
    let places = digits.zip([1000, 100, 10, 1]);
    places
        .map(|(digit, place)| {
            digit
                .is_ascii_digit()
                .then(|| u16::from(digit - b'0') * place)
        })
        .sum()
}

#[cfg(test)]
mod tests;
