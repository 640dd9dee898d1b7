//! pygeoapi's routes. A path has exactly one route, or is refused.

use std::borrow::Cow;

use super::{
    Backend,
    refusal::{Refusal, Rule},
};

/// Words that end the id of a collection. After them comes a part of that collection.
const RESERVED: [&str; 15] = [
    "schema",
    "queryables",
    "items",
    "coverage",
    "tiles",
    "map",
    "styles",
    "locations",
    "instances",
    "position",
    "area",
    "cube",
    "radius",
    "trajectory",
    "corridor",
];
/// Queries of OGC API - Environmental Data Retrieval (OGC 19-086r6).
const EDR_QUERIES: [&str; 6] = [
    "position",
    "area",
    "cube",
    "radius",
    "trajectory",
    "corridor",
];

/// A route with the values of its variables.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Route {
    /// A page without variables: `landing`, `openapi`, ...
    Page(&'static str),
    TileMatrixSet(String),
    Collection {
        collection: String,
        part: Part,
    },
    Process(String),
    Execute(String),
    Job(String),
    JobResults(String),
    Stac(String),
    Static(String),
    /// A file of OGC's schemas, if `ogc_schemas_location` is set.
    Schema(String),
    AdminResource(String),
}

/// A part of a collection.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub(super) enum Part {
    Describe,
    Schema,
    Queryables,
    Items,
    Item(String),
    Coverage,
    Map {
        style: Option<String>,
    },
    Tiles,
    Tileset {
        tms: String,
    },
    Tile {
        tms: String,
        z: String,
        row: String,
        col: String,
    },
    Edr {
        query: String,
        instance: Option<String>,
        location: Option<String>,
    },
    Instances,
    Instance(String),
}

impl Route {
    /// The route of a path without its base path.
    pub(super) fn find(path: &[Cow<'_, str>], backend: Backend) -> Result<Self, Refusal> {
        let words: Vec<&str> = path.iter().map(Cow::as_ref).collect();
        Ok(match words.as_slice() {
            [] => Self::Page("landing"),
            ["openapi"] => Self::Page("openapi"),
            ["asyncapi"] => Self::Page("asyncapi"),
            ["conformance"] => Self::Page("conformance"),
            ["TileMatrixSets"] => Self::Page("TileMatrixSets"),
            ["TileMatrixSets", tms] => Self::TileMatrixSet((*tms).to_owned()),
            ["collections"] => Self::Page("collections"),
            ["collections", rest @ ..] => collection(rest, backend)?,
            ["processes"] => Self::Page("processes"),
            ["processes", process] => Self::Process((*process).to_owned()),
            ["processes", process, "execution"] => Self::Execute((*process).to_owned()),
            ["jobs"] => Self::Page("jobs"),
            ["jobs", job] => Self::Job((*job).to_owned()),
            ["jobs", job, "results"] => Self::JobResults((*job).to_owned()),
            ["stac"] => Self::Page("stac-root"),
            ["stac", rest @ ..] => Self::Stac(rest.join("/")),
            ["stac-api"] => Self::Page("stac-api"),
            ["stac-api", "search"] => Self::Page("stac-search"),
            ["static", rest @ ..] if !rest.is_empty() => Self::Static(rest.join("/")),
            ["schemas", rest @ ..] if !rest.is_empty() => Self::Schema(schema(rest)?),
            ["admin", "config"] => Self::Page("admin-config"),
            ["admin", "config", "resources"] => Self::Page("admin-resources"),
            ["admin", "config", "resources", resource] => {
                Self::AdminResource((*resource).to_owned())
            }
            _ => {
                return Err(Refusal::about(
                    Rule::UnknownRoute,
                    "pygeoapi has no such path: ",
                    words.join("/").as_bytes(),
                ));
            }
        })
    }

    /// Whether pygeoapi ignores a slash at the end of the path. Flask serves such a path. Starlette redirects it, or
    /// finds nothing for `/collections/` and `/stac/`.
    ///
    /// On other routes the slash becomes part of an id, in at least one of the two.
    pub(super) fn takes_slash(&self) -> bool {
        match self {
            Self::Page(page) => !matches!(*page, "landing" | "admin-resources"),
            Self::TileMatrixSet(_)
            | Self::Process(_)
            | Self::Execute(_)
            | Self::Job(_)
            | Self::JobResults(_)
            | Self::Stac(_) => true,
            Self::Collection { .. }
            | Self::Static(_)
            | Self::Schema(_)
            | Self::AdminResource(_) => false,
        }
    }
}

/// On Flask, pygeoapi removes `..` and `./` from the path of a schema, and would serve another file.
fn schema(words: &[&str]) -> Result<String, Refusal> {
    match words
        .iter()
        .find(|word| word.contains("..") || word.ends_with('.'))
    {
        Some(word) => Err(Refusal::about(
            Rule::DotSegment,
            "a segment of a schema's path holds `..`, or ends with `.`: ",
            word.as_bytes(),
        )),
        None => Ok(words.join("/")),
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// The id is the text before the first reserved word. The rest must be exactly one route.
fn collection(words: &[&str], backend: Backend) -> Result<Route, Refusal> {
    let at = words
        .iter()
        .position(|word| is_reserved(word))
        .unwrap_or(words.len());
    let (id, rest) = words.split_at(at);
    if id.is_empty() {
        return Err(reserved(words));
    }
    let part = part(rest, backend)?;
    if let (
        Part::Edr {
            instance: Some(instance),
            ..
        },
        Some(last),
    ) = (&part, rest.last())
        && last.ends_with(instance.as_str())
    {
        // pygeoapi reads a path that ends like the id of the instance as a request for the instance itself.
        return Err(reserved(words));
    }
    Ok(Route::Collection {
        collection: id.join("/"),
        part,
    })
}

fn reserved(words: &[&str]) -> Refusal {
    Refusal::about(
        Rule::ReservedWord,
        "expected an id or the end of the path, found a word of pygeoapi's routes or more segments: ",
        words.join("/").as_bytes(),
    )
}

fn part(rest: &[&str], backend: Backend) -> Result<Part, Refusal> {
    let free = |word: &str| {
        if is_reserved(word) {
            Err(reserved(rest))
        } else {
            Ok(word.to_owned())
        }
    };
    Ok(match rest {
        [] => Part::Describe,
        ["schema"] => Part::Schema,
        ["queryables"] => Part::Queryables,
        ["items"] => Part::Items,
        ["items", item @ ..] => {
            for word in item {
                free(word)?;
            }
            Part::Item(item.join("/"))
        }
        ["coverage"] => Part::Coverage,
        ["map"] => Part::Map { style: None },
        ["styles", style, "map"] if backend == Backend::Flask => Part::Map {
            style: Some(free(style)?),
        },
        ["tiles"] => Part::Tiles,
        ["tiles", tms] | ["tiles", tms, "metadata"] => Part::Tileset { tms: free(tms)? },
        ["tiles", tms, z, row, col] => Part::Tile {
            tms: free(tms)?,
            z: tile_index(z)?,
            row: tile_index(row)?,
            col: tile_index(col)?,
        },
        ["locations"] => edr("locations", None, None),
        ["locations", location] => edr("locations", None, Some(edr_id(location, rest)?)),
        ["instances"] => Part::Instances,
        ["instances", instance] => Part::Instance(edr_id(instance, rest)?),
        ["instances", instance, "locations"] => {
            edr("locations", Some(edr_id(instance, rest)?), None)
        }
        ["instances", instance, "locations", location] => edr(
            "locations",
            Some(edr_id(instance, rest)?),
            Some(edr_id(location, rest)?),
        ),
        ["instances", instance, query] if EDR_QUERIES.contains(query) => {
            edr(query, Some(edr_id(instance, rest)?), None)
        }
        [query] if EDR_QUERIES.contains(query) => edr(query, None, None),
        _ => return Err(reserved(rest)),
    })
}

fn edr(query: &str, instance: Option<String>, location: Option<String>) -> Part {
    Part::Edr {
        query: query.to_owned(),
        instance,
        location,
    }
}

/// pygeoapi recognises EDR requests by the end of their path, so an id must not end like a query.
fn edr_id(word: &str, rest: &[&str]) -> Result<String, Refusal> {
    let ends_like_a_route = RESERVED.iter().any(|reserved| word.ends_with(reserved));
    if ends_like_a_route {
        Err(reserved(rest))
    } else {
        Ok(word.to_owned())
    }
}

/// Tile indices are inserted unescaped into the address of the backend, so they must be digits.
fn tile_index(word: &str) -> Result<String, Refusal> {
    if (1..=10).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_digit()) {
        Ok(word.to_owned())
    } else {
        Err(Refusal::about(
            Rule::TileIndex,
            "a tile's index must be 1 to 10 digits: ",
            word.as_bytes(),
        ))
    }
}
