//! Request bodies: JSON that every parser reads in the same way, or no body.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, error::Category};

use super::{
    Action, RawRequest,
    refusal::{Refusal, Rule},
};

/// The longest part of a member's name that a refusal shows.
const MAX_SHOWN_CHARACTERS: usize = 60;

/// The value of the body; `None` if there is no body, or if only its beginning is known and the body selects nothing.
pub(super) fn read(request: &RawRequest<'_>, action: Action) -> Result<Option<Value>, Refusal> {
    let is_whole = match extent(request) {
        Extent::Whole => true,
        Extent::Beginning => false,
        Extent::Contradicted => {
            return Err(Refusal::new(
                Rule::IncompleteBody,
                "expected a body as long as its Content-Length says, found another length",
            ));
        }
    };
    match action {
        Action::Read | Action::Delete | Action::Options => {
            if is_whole && request.body.is_empty() {
                Ok(None)
            } else {
                // pygeoapi reads a filter from it, which the policy would not have seen.
                Err(Refusal::about(
                    Rule::UnexpectedBody,
                    "a body is not expected with the method ",
                    request.method.as_bytes(),
                ))
            }
        }
        Action::Search if !is_whole => Err(Refusal::new(
            Rule::IncompleteBody,
            "expected the whole body, since it selects what is searched, found only a part of it",
        )),
        Action::Search if request.body.is_empty() => Err(Refusal::new(
            Rule::IncompleteBody,
            "expected the body of a search by POST, found none: without one, search by GET",
        )),
        Action::Search => match parse(request.body)? {
            body @ Value::Object(_) => Ok(Some(body)),
            _ => Err(Refusal::new(
                Rule::Body,
                "expected a JSON object as the body of a search, found another value",
            )),
        },
        _ if !is_whole || request.body.is_empty() => Ok(None),
        _ => parse(request.body).map(Some),
    }
}

/// How much of the body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// A part of it is missing.
    Beginning,
    /// There is more than the Content-Length says, or the Content-Length is not a number.
    Contradicted,
}

fn extent(request: &RawRequest<'_>) -> Extent {
    let mut extent = if request.is_partial {
        Extent::Beginning
    } else {
        Extent::Whole
    };
    for length in request.headers.all("content-length") {
        match length_of(length) {
            Some(length) if length == request.body.len() => {}
            Some(length) if length > request.body.len() => extent = Extent::Beginning,
            _ => return Extent::Contradicted,
        }
    }
    extent
}

fn length_of(header: &[u8]) -> Option<usize> {
    std::str::from_utf8(header).ok()?.parse().ok()
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice::<UniqueMembers>(body)
        .map(|value| value.0)
        .map_err(|error| match error.classify() {
            // All other errors are about the syntax.
            Category::Data => Refusal::new(
                Rule::RepeatedMember,
                format!("the body has {error}: servers use different ones"),
            ),
            Category::Io | Category::Syntax | Category::Eof => Refusal::new(
                Rule::Body,
                format!("the body is not JSON (RFC 8259): {error}"),
            ),
        })
}

/// A JSON value whose objects have unique names (RFC 8259, section 4; RFC 7493, section 2.3).
struct UniqueMembers(Value);

impl<'de> Deserialize<'de> for UniqueMembers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading).map(Self)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(UniqueMembers(value)) = list.next_element()? {
            all.push(value);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, UniqueMembers(value))) = members.next_entry::<String, _>()? {
            if all.contains_key(&name) {
                let name: String = name.escape_debug().take(MAX_SHOWN_CHARACTERS).collect();
                return Err(A::Error::custom(format!("the member `{name}` twice")));
            }
            all.insert(name, value);
        }
        Ok(all.into())
    }
}

#[cfg(test)]
mod tests;
