//! The `input` of policies: the contract with policy authors.

mod fastgeoapi;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use super::Question;
use crate::request::{CheckInput, Joined, envoy::ShownAttributes};

/// `input.schema_version`. It is raised when a member of `input` is renamed, removed or changes its meaning.
/// CHANGELOG.md then says what replaces the member. A new member does not raise it.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON Schema of geowarden's own shape; crates/rego (`lint/schema`) describes the keywords that begin with `x-`.
const NATIVE_SCHEMA: &str = include_str!("input/schema.json");
/// That of fastgeoapi's.
const FASTGEOAPI_SCHEMA: &str = include_str!("input/fastgeoapi-schema.json");

/// The shape of `input`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Shape {
    /// geowarden's own shape, together with OPA-Envoy's members.
    #[default]
    Native,
    /// fastgeoapi's shape: claims at the top level, `request_method` and `request_path`.
    Fastgeoapi {
        /// How many leading segments of the path are omitted, because they are the base path.
        skip: usize,
    },
}

/// `input`. Each part is built only when it is serialised.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    shape: Shape,
    question: &'a Question<'a>,
}

impl Shape {
    /// The JSON Schema of `input` in this shape.
    pub fn schema(self) -> Value {
        let text = match self {
            Self::Native => NATIVE_SCHEMA,
            Self::Fastgeoapi { .. } => FASTGEOAPI_SCHEMA,
        };
        // It is part of the program, and a test reads it.
        serde_json::from_str(text).unwrap_or_default()
    }

    /// `input` in this shape.
    pub fn of<'a>(self, question: &'a Question<'a>) -> Input<'a> {
        Input {
            shape: self,
            question,
        }
    }
}

impl Serialize for Input<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.shape {
            Shape::Native => native(self.question, serializer),
            Shape::Fastgeoapi { skip } => fastgeoapi::serialize(self.question, skip, serializer),
        }
    }
}

fn native<S: Serializer>(question: &Question<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let check = question.check;
    // pygeoapi receives the canonical path, so every member shows it. A rule about the client's own spelling would miss
    // other spellings.
    let target = question.resource.canonical_path();
    let mut all = serializer.serialize_map(None)?;
    all.serialize_entry("schema_version", &SCHEMA_VERSION)?;
    all.serialize_entry("identity", question.principal)?;
    all.serialize_entry("ogc", question.resource)?;
    all.serialize_entry("request", &Request { check, target })?;
    all.serialize_entry("attributes", &ShownAttributes { check, target })?;
    all.serialize_entry("parsed_path", &Built(|| parsed_path(target)))?;
    all.serialize_entry("parsed_query", &Built(|| parsed_query(target)))?;
    all.serialize_entry("parsed_body", &question.resource.body())?;
    all.serialize_entry("truncated_body", &Built(|| is_truncated(check)))?;
    all.serialize_entry("version", &Version::default())?;
    if let Some(principal) = &check.source_principal {
        all.serialize_entry("source_principal", principal)?;
    }
    all.end()
}

/// A part that is built only when it is serialised.
struct Built<F>(F);

impl<T: Serialize, F: Fn() -> T> Serialize for Built<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)().serialize(serializer)
    }
}

/// The protocol version, in OPA-Envoy's form.
#[derive(Serialize)]
struct Version {
    ext_authz: &'static str,
    encoding: &'static str,
}

impl Default for Version {
    fn default() -> Self {
        Self {
            ext_authz: "v3",
            encoding: "protojson",
        }
    }
}

/// `input.request`.
struct Request<'a> {
    check: &'a CheckInput,
    /// The canonical path and query.
    target: &'a str,
}

impl Serialize for Request<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let check = self.check;
        let (path, query) = split(self.target);
        let mut all = serializer.serialize_map(None)?;
        all.serialize_entry("method", &check.method)?;
        all.serialize_entry("path", path)?;
        all.serialize_entry("query", query)?;
        let raw_target = Built(|| String::from_utf8_lossy(&check.target).into_owned());
        all.serialize_entry("raw_target", &raw_target)?;
        all.serialize_entry("host", &check.host)?;
        all.serialize_entry("scheme", &check.scheme)?;
        all.serialize_entry("protocol", &check.protocol)?;
        all.serialize_entry("headers", &Joined(&check.headers))?;
        all.serialize_entry("source_address", &check.source_address)?;
        all.end()
    }
}

fn split(target: &str) -> (&str, &str) {
    target.split_once('?').unwrap_or((target, ""))
}

/// The segments as in OPA-Envoy: the path is decoded once as a whole, leading slashes are trimmed, then it is split on
/// `/`.
fn parsed_path(target: &str) -> Value {
    let (path, _) = split(target);
    // A `+` in a path is a plus sign, but the form decoder would make it a space.
    let decoded = decode(&path.replace('+', "%2B"));
    Value::from(
        decoded
            .trim_start_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect::<Vec<_>>(),
    )
}

fn decode(text: &str) -> String {
    // The form decoder also splits on `&` and `=`, which are data in a path.
    let text = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(text.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

fn parsed_query(target: &str) -> Value {
    let (_, query) = split(target);
    let mut all: Map<String, Value> = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = Value::String(value.into_owned());
        match all.get_mut(&*name) {
            Some(Value::Array(values)) => values.push(value),
            _ => {
                all.insert(name.into_owned(), Value::Array(vec![value]));
            }
        }
    }
    Value::Object(all)
}

/// OPA-Envoy's rule: the body is truncated if Envoy says so, or if its length is greater than the part that was sent.
fn is_truncated(check: &CheckInput) -> bool {
    let header = |name: &'static str| {
        let value = check.headers.all(name).next();
        value.and_then(|value| std::str::from_utf8(value).ok())
    };
    header("x-envoy-auth-partial-body") == Some("true")
        || header("content-length")
            .and_then(|length| length.parse::<usize>().ok())
            .is_some_and(|length| length > check.body.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_split_as_opa_envoy_splits_them() {
        for (target, expected) in [
            ("/", json!([""])),
            ("/a/", json!(["a", ""])),
            ("/a//b", json!(["a", "", "b"])),
            ("//a", json!(["a"])),
            ("/a%2Fb/c+d?x=1", json!(["a", "b", "c+d"])),
            ("/a&b=c", json!(["a&b=c"])),
        ] {
            assert_eq!(parsed_path(target), expected, "{target}");
        }
        assert_eq!(
            parsed_query("/?a=1&a=2&b=x+y"),
            json!({"a": ["1", "2"], "b": ["x y"]})
        );
    }
}
