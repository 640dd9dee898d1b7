//! The query parameters that the handler of each route reads, and their form: pygeoapi 0.24, `pygeoapi/api/*.py`.
//!
//! The differential test (`tests/differential`, `--values`) compares these tables with the values that pygeoapi passes
//! to its providers.

use super::{
    super::{
        Action,
        route::{Part, Route},
    },
    kind::Kind,
};

type Named = &'static [(&'static str, Kind)];

/// The parameters that one handler reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handler {
    named: Named,
    /// Whether the client can choose the format and the language of the answer.
    is_negotiated: bool,
    fields: Fields,
}

/// What the handler does with unknown names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fields {
    /// It ignores them.
    Ignored,
    /// It compares data fields with them, except for these names.
    Compared { except: &'static [&'static str] },
}

const FORMAT_AND_LANGUAGE: Named = &[("f", Kind::Text), ("lang", Kind::Text)];
const FILTER_LANGUAGES: &[&str] = &["cql-json", "cql-text", "cql2-text", "cql2-json"];

const ITEMS: Named = &[
    ("bbox", Kind::Bbox),
    ("bbox-crs", Kind::Text),
    ("crs", Kind::Text),
    ("limit", Kind::Limit),
    ("offset", Kind::Integer),
    ("datetime", Kind::Datetime),
    ("properties", Kind::Names),
    ("sortby", Kind::Sort),
    ("skipGeometry", Kind::Truth),
    ("q", Kind::FreeText),
    ("filter", Kind::FreeText),
    ("filter-crs", Kind::Text),
    ("filter-lang", Kind::OneOf(FILTER_LANGUAGES)),
    ("resulttype", Kind::OneOf(&["results", "hits"])),
];
const ITEM: Named = &[("crs", Kind::Text)];
const QUERYABLES: Named = &[("properties", Kind::NonemptyNames), ("profile", Kind::Text)];
const COVERAGE: Named = &[
    ("bbox", Kind::Bbox),
    ("bbox-crs", Kind::Text),
    ("datetime", Kind::Datetime),
    ("properties", Kind::NonemptyNames),
    ("subset", Kind::Subset),
];
const MAP: Named = &[
    ("bbox", Kind::FlatBbox),
    ("bbox-crs", Kind::Text),
    ("crs", Kind::Text),
    ("datetime", Kind::Datetime),
    ("width", Kind::Integer),
    ("height", Kind::Integer),
    ("transparent", Kind::Text),
    ("properties", Kind::Names),
    ("subset", Kind::Subset),
];

/// The parameters of each query of OGC API - Environmental Data Retrieval (OGC 19-086r6).
macro_rules! edr {
    ($($own:tt),* $(,)?) => {
        &[
            ("crs", Kind::Text),
            ("datetime", Kind::Datetime),
            ("parameter-name", Kind::Names),
            ("z", Kind::Text),
            ("limit", Kind::Limit),
            $($own),*
        ]
    };
}
const BY_COORDINATES: Named = edr![("coords", Kind::Wkt)];
const BY_BOX: Named = edr![("bbox", Kind::FlatBbox)];
/// A location by its id. Whether a box has an effect depends on the provider.
const LOCATION: Named = edr![];
const RADIUS: Named = edr![
    ("coords", Kind::Wkt),
    ("within", Kind::Measure),
    ("within-units", Kind::Text),
];
const CORRIDOR: Named = edr![
    ("coords", Kind::Wkt),
    ("corridor-width", Kind::Measure),
    ("width-units", Kind::Text),
    ("corridor-height", Kind::Measure),
    ("height-units", Kind::Text),
];

const OPENAPI: Named = &[("ui", Kind::Text)];

/// Members of a STAC item search that pygeoapi never reads. They are not data fields either.
const OF_STAC: &[&str] = &["collections", "ids", "intersects", "query", "fields"];

/// Whether pygeoapi reads a parameter of this name on any route.
pub fn is_parameter(name: &str) -> bool {
    let tables = [
        FORMAT_AND_LANGUAGE,
        ITEMS,
        ITEM,
        QUERYABLES,
        COVERAGE,
        MAP,
        BY_COORDINATES,
        BY_BOX,
        RADIUS,
        CORRIDOR,
        OPENAPI,
    ];
    let mut known = tables.iter().copied().flatten();
    known.any(|(known, _)| *known == name) || OF_STAC.contains(&name)
}

impl Handler {
    /// The handler of `action` on `route`.
    pub(super) fn of(route: &Route, action: Action) -> Self {
        let negotiated = |named| Self {
            named,
            is_negotiated: true,
            fields: Fields::Ignored,
        };
        let reads_nothing = Self {
            is_negotiated: false,
            ..negotiated(&[])
        };
        let searches = matches!(action, Action::Read | Action::Search);
        match route {
            Route::Static(_) | Route::Schema(_) => reads_nothing,
            Route::Page("stac-search") if searches => Self {
                fields: Fields::Compared { except: OF_STAC },
                ..negotiated(ITEMS)
            },
            Route::Page("jobs") => negotiated(&[("limit", Kind::Limit), ("offset", Kind::Integer)]),
            Route::Page("processes") => negotiated(&[("limit", Kind::Limit)]),
            Route::Page("openapi") => negotiated(OPENAPI),
            Route::Collection { part, .. } => match part {
                Part::Items if searches => Self {
                    fields: Fields::Compared { except: &[] },
                    ..negotiated(ITEMS)
                },
                Part::Item(_) if action == Action::Read => negotiated(ITEM),
                Part::Queryables => negotiated(QUERYABLES),
                Part::Coverage => negotiated(COVERAGE),
                Part::Map { .. } => negotiated(MAP),
                // A format must be named, but the provider sends its own.
                Part::Tile { .. } => reads_nothing,
                Part::Edr {
                    query, location, ..
                } => negotiated(match (query.as_str(), location) {
                    ("locations", Some(_)) => LOCATION,
                    ("locations", None) | ("cube", _) => BY_BOX,
                    ("radius", _) => RADIUS,
                    ("corridor", _) => CORRIDOR,
                    _ => BY_COORDINATES,
                }),
                _ => negotiated(&[]),
            },
            _ => negotiated(&[]),
        }
    }

    /// The name in the table and the form of the value; `None` if the handler ignores the parameter.
    pub(super) fn reads(self, name: &str) -> Option<(Option<&'static str>, Kind)> {
        let common = if self.is_negotiated {
            FORMAT_AND_LANGUAGE
        } else {
            &[]
        };
        let known = self.named.iter().chain(common);
        if let Some((known, kind)) = known.into_iter().find(|(known, _)| *known == name) {
            return Some((Some(known), *kind));
        }
        match self.fields {
            Fields::Compared { except } if !except.contains(&name) => Some((None, Kind::FreeText)),
            _ => None,
        }
    }
}
