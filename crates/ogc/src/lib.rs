#![doc = include_str!("../README.md")]

mod content_type;
mod format;
mod headers;
mod json_body;
mod method;
mod params;
mod path;
mod percent;
mod query;
mod refusal;
mod resource;
mod route;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use self::{format::Format, params::Params, path::Segments, route::Route};
pub use self::{
    headers::{Headers, Joined, Repeated, is_token},
    method::Action,
    params::is_parameter,
    refusal::{Refusal, Rule},
    resource::{NotHonoured, Resource},
};

/// The web framework of pygeoapi.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// `pygeoapi.flask_app`.
    #[default]
    Flask,
    /// `pygeoapi.starlette_app`.
    Starlette,
}

/// A base path that cannot be a prefix of pygeoapi's routes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected nothing, or a base path of segments such as `/geoapi`, found another text")]
pub struct BasePathError;

/// A request as it arrived.
#[derive(Debug, Clone, Copy)]
pub struct RawRequest<'a> {
    /// The method, with its case unchanged.
    pub method: &'a str,
    /// The raw `:path`.
    pub target: &'a [u8],
    /// The headers.
    pub headers: &'a Headers,
    /// The body, or the part of it that is known.
    pub body: &'a [u8],
    /// Whether a part of the body is missing.
    pub is_partial: bool,
}

/// Reads the requests to one pygeoapi.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    base: Vec<String>,
    backend: Backend,
}

impl Reader {
    /// A reader for a pygeoapi that is served under `base_path` (empty for none).
    pub fn new(base_path: &str, backend: Backend) -> Result<Self, BasePathError> {
        let base = if base_path.is_empty() {
            Vec::new()
        } else {
            match Segments::read(base_path.as_bytes()) {
                Ok(segments) if !segments.is_root() => {
                    segments.decoded.into_iter().map(Cow::into_owned).collect()
                }
                _ => return Err(BasePathError),
            }
        };
        Ok(Self { base, backend })
    }

    /// Returns the one resource that `request` asks for.
    pub fn read(&self, request: &RawRequest<'_>) -> Result<Resource, Refusal> {
        if request.target.len() > path::MAX_TARGET_BYTES {
            return Err(Refusal::new(
                Rule::TooLong,
                format!(
                    "the path and query are longer than {} bytes",
                    path::MAX_TARGET_BYTES
                ),
            ));
        }
        let mut parts = request.target.splitn(2, |b| *b == b'?');
        let raw_path = parts.next().unwrap_or_default();
        let raw_query = parts.next();
        check_headers(request.headers)?;
        let base_root = self.is_base_root(raw_path);
        // `/` alone is a path. After another path, some of pygeoapi's routes accept a slash.
        let without_slash = raw_path.strip_suffix(b"/").filter(|path| !path.is_empty());
        let segments = if base_root {
            Segments::default()
        } else {
            Segments::read(without_slash.unwrap_or(raw_path))?
        };
        let below = if base_root {
            &[][..]
        } else {
            self.below_base(&segments)?
        };
        let route = Route::find(below, self.backend)?;
        if without_slash.is_some() && !base_root && !route.takes_slash() {
            return Err(path::empty_segment());
        }
        let mut pairs = query::read(raw_query)?;
        let action = method::action(request, &route)?;
        let body = json_body::read(request, action)?;
        let content_type = match request.method {
            "POST" | "PUT" | "PATCH" => content_type::canonical(request.headers)?,
            _ => None,
        };
        if action == Action::Search && body.is_some() && pairs.iter().any(|(n, _)| n == "filter") {
            return Err(Refusal::new(
                Rule::TwoFilters,
                "the query and the body both have a filter: send it in one of them",
            ));
        }
        Params::spell(&mut pairs, &route, action)?;
        let format = Format::read(&route, action, &mut pairs, request.headers)?;
        let path = path::canonical(&self.base, below, &pairs);
        let mut params = Params::read(&pairs, &route, action)?;
        if let Some(body) = &body {
            params.take_from_body(body, &route)?;
        }
        Ok(Resource {
            route,
            action,
            params,
            format,
            content_type,
            body,
            path,
        })
    }

    /// Whether the path is `/` without a base path, or `/geoapi/` with one, which pygeoapi serves as its landing page.
    fn is_base_root(&self, raw_path: &[u8]) -> bool {
        if self.base.is_empty() {
            return raw_path == b"/";
        }
        raw_path
            .strip_suffix(b"/")
            .and_then(|path| Segments::read(path).ok())
            .is_some_and(|segments| segments.decoded == self.base)
    }

    fn below_base<'a, 'b>(
        &self,
        segments: &'b Segments<'a>,
    ) -> Result<&'b [Cow<'a, str>], Refusal> {
        match segments.decoded.split_at_checked(self.base.len()) {
            Some((base, below)) if base == self.base => Ok(below),
            _ => Err(Refusal::new(
                Rule::BasePath,
                "the path is not under the configured base path",
            )),
        }
    }
}

/// A WSGI server reads `a_b` and `a-b` as the same variable (PEP 3333), but for a proxy they are different headers.
fn check_headers(headers: &Headers) -> Result<(), Refusal> {
    match headers.iter().find(|(name, _)| name.contains('_')) {
        Some((name, _)) => Err(Refusal::about(
            Rule::HeaderName,
            "a header name holds `_`: ",
            name.as_bytes(),
        )),
        None => Ok(()),
    }
}

/// Whether any request can ask for a collection with this id.
pub fn reachable_collection_id(id: &str) -> Result<(), Refusal> {
    let mut target = "/collections/".to_owned();
    path::push_segments(id.split('/'), &mut target);
    let segments = Segments::read(target.as_bytes())?;
    match Route::find(&segments.decoded, Backend::Flask)? {
        Route::Collection { collection, .. } if collection == id => Ok(()),
        _ => Err(Refusal::about(
            Rule::ReservedWord,
            "the id holds a reserved segment: ",
            id.as_bytes(),
        )),
    }
}

/// Whether any request can ask for this id as one segment below `/{page}`: a process, a STAC catalog.
pub fn reachable_id(page: &str, id: &str) -> Result<(), Refusal> {
    let mut target = format!("/{page}/");
    path::push_segments([id].into_iter(), &mut target);
    Segments::read(target.as_bytes()).map(|_| ())
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
