//! The requested resource, as policies see it: `input.ogc`.

use std::borrow::Cow;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use thiserror::Error;

use super::{
    format::Format,
    method::Action,
    params::Params,
    path, percent, query,
    route::{Part, Route},
};

/// Why pygeoapi would not obey a query parameter that a policy sets or removes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotHonoured {
    /// pygeoapi reads the parameter from the body, which cannot be changed.
    #[error(
        "the policy sets or removes the query parameter `{0}`, but pygeoapi takes it from the body of this request"
    )]
    DecidedByBody(String),
    /// The handler of this route does not read the parameter.
    #[error("the policy sets the query parameter `{0}`, which pygeoapi ignores here")]
    Ignored(String),
    /// pygeoapi does not accept the value.
    #[error("the policy sets a query parameter to a value that pygeoapi does not accept: {0}")]
    Invalid(String),
}

/// A resource of pygeoapi, and what the request does with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    pub(super) route: Route,
    pub(super) action: Action,
    pub(super) params: Params,
    pub(super) format: Format,
    pub(super) content_type: Option<Cow<'static, str>>,
    pub(super) body: Option<Value>,
    pub(super) path: String,
}

impl Resource {
    /// The part of pygeoapi: `collections`, `processes`, `stac`, ...
    pub fn api(&self) -> &'static str {
        match &self.route {
            Route::Page(page) => page,
            Route::TileMatrixSet(_) => "TileMatrixSet",
            Route::Collection { .. } => "collections",
            Route::Process(_) => "process",
            Route::Execute(_) => "execute",
            Route::Job(_) => "job",
            Route::JobResults(_) => "job-results",
            Route::Stac(_) => "stac",
            Route::Static(_) => "static",
            Route::Schema(_) => "schemas",
            Route::AdminResource(_) => "admin-resource",
        }
    }

    /// The part of a collection; the same as [`Self::api`] for other resources.
    pub fn operation(&self) -> &'static str {
        match &self.route {
            Route::Page("collections") => "list",
            Route::Collection { part, .. } => match part {
                Part::Describe => "describe",
                Part::Schema => "schema",
                Part::Queryables => "queryables",
                Part::Items => match self.action {
                    Action::Create => "create",
                    Action::Search => "search",
                    _ => "items",
                },
                Part::Item(_) => "item",
                Part::Coverage => "coverage",
                Part::Map { .. } => "map",
                Part::Tiles => "tiles",
                Part::Tileset { .. } => "tileset",
                Part::Tile { .. } => "tile",
                Part::Edr { .. } => "edr",
                Part::Instances => "edr-instances",
                Part::Instance(_) => "edr-instance",
            },
            _ => self.api(),
        }
    }

    /// What the request does with the resource.
    pub fn action(&self) -> Action {
        self.action
    }

    /// The id of the collection, with its slashes.
    pub fn collection(&self) -> Option<&str> {
        match &self.route {
            Route::Collection { collection, .. } => Some(collection),
            _ => None,
        }
    }

    /// The item's id.
    pub fn item(&self) -> Option<&str> {
        match &self.route {
            Route::Collection {
                part: Part::Item(item),
                ..
            } => Some(item),
            _ => None,
        }
    }

    /// The process's id.
    pub fn process(&self) -> Option<&str> {
        match &self.route {
            Route::Process(process) | Route::Execute(process) => Some(process),
            _ => None,
        }
    }

    /// The value of the JSON body, if there is one: a feature, the filter of a search, the inputs of a process.
    pub fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// The path and query that pygeoapi must receive, printed from what was judged.
    pub fn canonical_path(&self) -> &str {
        &self.path
    }

    /// The decoded segments of the canonical path, with the base path. `/` has one empty segment.
    pub fn segments(&self) -> Vec<String> {
        let path = self.path.split('?').next().unwrap_or_default();
        path.split('/')
            .skip(1)
            // This crate has printed the path, so it can be read.
            .map(|segment| {
                percent::decode(segment.as_bytes(), percent::Place::Path, Some).unwrap_or_default()
            })
            .map(Cow::into_owned)
            .collect()
    }

    /// The `Accept` that pygeoapi must receive instead of the client's, so that it answers in the judged format.
    pub fn canonical_accept(&self) -> Option<&'static str> {
        self.format.accept
    }

    /// The `Content-Type` that pygeoapi must receive instead of the client's, where pygeoapi reads both alike.
    pub fn canonical_content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }

    /// The canonical path with the query parameters that a policy sets and removes, by decoded name.
    ///
    /// A proxy's own setting, such as Envoy's `query_parameters_to_set`, matches undecoded names and inserts unencoded
    /// values.
    ///
    /// Returns an error if pygeoapi would not obey the policy.
    pub fn canonical_path_with(
        &self,
        set: &[(String, String)],
        remove: &[String],
    ) -> Result<String, NotHonoured> {
        let names = set.iter().map(|(name, _)| name).chain(remove);
        for name in names {
            if Params::is_decided_by(self.body.as_ref(), &self.route, name) {
                return Err(NotHonoured::DecidedByBody(name.clone()));
            }
        }
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        // This crate has printed the path, so it can be read.
        let mut pairs = query::read(Some(query.as_bytes())).unwrap_or_default();
        for (name, value) in set {
            match pairs.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value.into(),
                None => pairs.push((name.into(), value.into())),
            }
        }
        pairs.retain(|(name, _)| remove.iter().all(|removed| removed != name));
        let read = Params::read(&pairs, &self.route, self.action)
            .map_err(|refusal| NotHonoured::Invalid(refusal.detail().to_owned()))?;
        for (name, _) in set {
            if read.get(name).is_none() && !remove.contains(name) {
                return Err(NotHonoured::Ignored(name.clone()));
            }
        }
        let mut path = path.to_owned();
        path::push_query(&pairs, &mut path);
        Ok(path)
    }

    /// The variables of the route, by name.
    fn variables(&self) -> Vec<(&'static str, &str)> {
        let mut all: Vec<(&'static str, &str)> = Vec::with_capacity(5);
        match &self.route {
            Route::Page(_) => {}
            Route::TileMatrixSet(tms) => all.push(("tms", tms)),
            Route::Process(process) | Route::Execute(process) => all.push(("process", process)),
            Route::Job(job) | Route::JobResults(job) => all.push(("job", job)),
            Route::Stac(path) => {
                all.push(("dataset", path.split('/').next().unwrap_or_default()));
                all.push(("path", path));
            }
            Route::Static(path) | Route::Schema(path) => all.push(("path", path)),
            Route::AdminResource(resource) => all.push(("resource", resource)),
            Route::Collection { collection, part } => {
                all.push(("collection", collection));
                part_variables(part, &mut all);
            }
        }
        all
    }
}

fn part_variables<'a>(part: &'a Part, all: &mut Vec<(&'static str, &'a str)>) {
    match part {
        Part::Item(item) => all.push(("item", item)),
        Part::Map { style: Some(style) } => all.push(("style", style)),
        Part::Tileset { tms } => all.push(("tms", tms)),
        Part::Tile { tms, z, row, col } => {
            all.extend([("tms", tms.as_str()), ("z", z), ("row", row), ("col", col)]);
        }
        Part::Edr {
            query,
            instance,
            location,
        } => {
            all.push(("query", query));
            all.extend(instance.as_deref().map(|id| ("instance", id)));
            all.extend(location.as_deref().map(|id| ("location", id)));
        }
        Part::Instance(instance) => all.push(("instance", instance)),
        Part::Describe
        | Part::Schema
        | Part::Queryables
        | Part::Items
        | Part::Coverage
        | Part::Map { style: None }
        | Part::Tiles
        | Part::Instances => {}
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("api", self.api())?;
        map.serialize_entry("operation", self.operation())?;
        map.serialize_entry("action", &self.action)?;
        for (name, value) in self.variables() {
            map.serialize_entry(name, value)?;
        }
        if let Some(format) = &self.format.name {
            map.serialize_entry("format", format)?;
        }
        map.serialize_entry("params", &self.params)?;
        map.serialize_entry("ignored", self.params.ignored())?;
        map.end()
    }
}
