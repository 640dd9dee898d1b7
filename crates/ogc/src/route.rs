//! pygeoapi's routes, and how a path finds the only one it can mean.

use std::borrow::Cow;

use super::{
    Backend,
    refusal::{Refusal, Rule},
};

/// Words that end a collection's id: what follows them is a route of that collection.
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
    /// A page that has no variables: `landing`, `openapi`, ...
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
    /// A file of OGC's schemas, where `ogc_schemas_location` names a folder.
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
    /// The route of a path below the base path.
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

    /// Whether a slash behind the path means nothing: Flask serves such a path, and Starlette redirects it to the one
    /// without (or finds nothing for `/collections/` and `/stac/`).
    ///
    /// Elsewhere the slash becomes a part of an id, on one of them at least.
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

/// pygeoapi on Flask takes `..` and `./` out of the text of a schema's path, so that another file would be served.
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

/// The id is what stands before the first reserved word; the rest must be one route exactly.
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
        // pygeoapi takes a path that ends like the instance's id for a request for the instance itself.
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
        "a word of pygeoapi's routes stands where an id belongs, or its route goes on too long: ",
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

/// pygeoapi tells EDR requests apart by how their path ends, so an id must not end like a query.
fn edr_id(word: &str, rest: &[&str]) -> Result<String, Refusal> {
    let ends_like_a_route = RESERVED.iter().any(|reserved| word.ends_with(reserved));
    if ends_like_a_route {
        Err(reserved(rest))
    } else {
        Ok(word.to_owned())
    }
}

/// Tile indices go unescaped into the backend's address, so they are digits and nothing else.
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
