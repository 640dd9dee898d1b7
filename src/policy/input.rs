//! The Rego contract: what `input` holds. Only the parts that the loaded policy reads are built.

mod fastgeoapi;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Question;
use crate::{identity::Method, request::CheckInput};

/// The members of `input`, as a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts(u16);

const NAMES: [&str; 10] = [
    "identity",
    "ogc",
    "request",
    "attributes",
    "parsed_path",
    "parsed_query",
    "parsed_body",
    "truncated_body",
    "version",
    "source_principal",
];

impl Parts {
    /// Every part.
    pub const ALL: Self = Self((1 << NAMES.len()) - 1);
    /// No part.
    pub const NONE: Self = Self(0);

    fn has(self, name: &str) -> bool {
        NAMES
            .iter()
            .position(|n| *n == name)
            .is_some_and(|bit| self.0 & (1 << bit) != 0)
    }

    fn with(self, name: &str) -> Self {
        match NAMES.iter().position(|n| *n == name) {
            Some(bit) => Self(self.0 | (1 << bit)),
            None => self,
        }
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The parts that a policy's text can reach.
    ///
    /// Every word `input` counts, those of comments and strings too: one part too many costs time, one too few would
    /// change decisions. A use that is not `input.name` or `input["name"]` reaches everything.
    pub fn read_by(rego: &str) -> Self {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let mut parts = Self::NONE;
        let mut rest = rego;
        let mut before = None;
        while let Some(at) = rest.find("input") {
            let previous = rest
                .get(..at)
                .and_then(|text| text.chars().next_back())
                .or(before);
            let after = rest.get(at + 5..).unwrap_or_default();
            before = Some('t');
            rest = after;
            if previous.is_some_and(is_word) || after.starts_with(is_word) {
                continue;
            }
            let name = if let Some(name) = after.strip_prefix('.') {
                name.split(|c| !is_word(c)).next()
            } else if let Some(name) = after.strip_prefix("[\"") {
                name.split_once("\"]").map(|(name, _)| name)
            } else {
                None
            };
            match name {
                // An escape could spell any name.
                Some(name) if !name.is_empty() && !name.contains('\\') => parts = parts.with(name),
                _ => return Self::ALL,
            }
        }
        parts
    }
}

/// Which of its shapes `input` has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// geowarden's own, with OPA-Envoy's members beside it.
    #[default]
    Native,
    /// fastgeoapi's: claims at the top, `request_method` and `request_path`.
    Fastgeoapi {
        /// How many segments of the path are left out: those of the base path.
        skip: usize,
    },
}

impl Shape {
    /// `input` in this shape.
    pub fn build(self, question: &Question<'_>, parts: Parts) -> Value {
        match self {
            Self::Native => build(question, parts),
            Self::Fastgeoapi { skip } => fastgeoapi::build(question, skip),
        }
    }
}

/// `input` in geowarden's own shape, with the given parts of it.
pub fn build(question: &Question<'_>, parts: Parts) -> Value {
    let check = question.check;
    let mut all = Map::new();
    let mut put = |name: &str, value: &dyn Fn() -> Value| {
        if parts.has(name) {
            all.insert(name.to_owned(), value());
        }
    };
    put("identity", &|| identity(question));
    put("ogc", &|| {
        serde_json::to_value(question.resource).unwrap_or(Value::Null)
    });
    put("request", &|| request(question));
    put("attributes", &|| check.attributes.to_json(&check.headers));
    put("parsed_path", &|| parsed_path(&check.target));
    put("parsed_query", &|| parsed_query(&check.target));
    put("parsed_body", &|| {
        question.resource.body().cloned().unwrap_or(Value::Null)
    });
    put("truncated_body", &|| Value::Bool(is_truncated(check)));
    put(
        "version",
        &|| json!({"ext_authz": "v3", "encoding": "protojson"}),
    );
    if let Some(principal) = &check.source_principal {
        put("source_principal", &|| Value::String(principal.clone()));
    }
    Value::Object(all)
}

fn identity(question: &Question<'_>) -> Value {
    serde_json::to_value(question.principal).unwrap_or_else(|_| {
        // Serialisation of maps with string keys cannot fail; if it did, nobody would be known.
        json!({ "method": Method::Anonymous.as_str() })
    })
}

fn request(question: &Question<'_>) -> Value {
    let check = question.check;
    let (path, query) = split(&check.target);
    json!({
        "method": check.method,
        "path": path,
        "query": query,
        "host": check.host,
        "scheme": check.scheme,
        "protocol": check.protocol,
        "headers": check.headers.joined(),
        "source_address": check.source_address,
    })
}

fn split(target: &[u8]) -> (String, String) {
    let target = String::from_utf8_lossy(target);
    match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), query.to_owned()),
        None => (target.into_owned(), String::new()),
    }
}

/// OPA-Envoy's segments: decoded once as a whole, leading slashes trimmed, split on `/`.
fn parsed_path(target: &[u8]) -> Value {
    let (path, _) = split(target);
    // A `+` in a path is a plus sign; the form decoder would make it a space.
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

fn parsed_query(target: &[u8]) -> Value {
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

/// OPA-Envoy's rule: the body is truncated when Envoy says so, or when its length is more than what was sent along.
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
    use super::*;

    #[test]
    fn only_what_a_policy_reads_is_built() {
        let parts =
            Parts::read_by("allow if input.ogc.collection == \"obs\"\nx if input[\"identity\"].y");
        assert_eq!(parts, Parts::NONE.with("ogc").with("identity"));
        assert_eq!(Parts::read_by("allow if { some k; input[k] }"), Parts::ALL);
        assert_eq!(Parts::read_by("x := input"), Parts::ALL);
        assert_eq!(Parts::read_by(r#"x := input["\u006fgc"]"#), Parts::ALL);
        assert_eq!(Parts::read_by("x := input[`ogc`]"), Parts::ALL);
        assert_eq!(Parts::read_by("x := input\n.ogc"), Parts::ALL);
        assert_eq!(Parts::read_by("allow if my_input.attributes"), Parts::NONE);
        assert_eq!(Parts::read_by("inputinput.ogc"), Parts::NONE);
    }

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
            assert_eq!(parsed_path(target.as_bytes()), expected, "{target}");
        }
        assert_eq!(
            parsed_query(b"/?a=1&a=2&b=x+y"),
            json!({"a": ["1", "2"], "b": ["x y"]})
        );
    }
}
