//! Bodies: JSON that every parser reads the same, or none.

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

/// The longest part of a member's name that is shown in a refusal.
const MAX_SHOWN_CHARACTERS: usize = 60;

/// The body's value; None where there is no body, or where only its beginning is known and it selects nothing.
pub(super) fn read(request: &RawRequest<'_>, action: Action) -> Result<Option<Value>, Refusal> {
    let is_whole = match extent(request) {
        Extent::Whole => true,
        Extent::Beginning => false,
        Extent::Contradicted => {
            return Err(Refusal::new(
                Rule::IncompleteBody,
                "the body is not as long as its Content-Length says",
            ));
        }
    };
    match action {
        Action::Read | Action::Delete | Action::Options => {
            if is_whole && request.body.is_empty() {
                Ok(None)
            } else {
                // pygeoapi reads a filter from it, and no policy has seen it.
                Err(Refusal::about(
                    Rule::UnexpectedBody,
                    "a body is not expected with the method ",
                    request.method.as_bytes(),
                ))
            }
        }
        Action::Search if !is_whole => Err(Refusal::new(
            Rule::IncompleteBody,
            "the body selects what is searched, and only a part of it was sent along for the decision",
        )),
        Action::Search if request.body.is_empty() => Err(Refusal::new(
            Rule::IncompleteBody,
            "a search by POST needs a body; without one, search by GET",
        )),
        Action::Search => match parse(request.body)? {
            body @ Value::Object(_) => Ok(Some(body)),
            _ => Err(Refusal::new(
                Rule::Body,
                "the body of a search must be a JSON object",
            )),
        },
        _ if !is_whole || request.body.is_empty() => Ok(None),
        _ => parse(request.body).map(Some),
    }
}

/// How much of the body is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    /// Some of it was left out on the way to the decision.
    Beginning,
    /// There is more than the request's own Content-Length says, or that is no length.
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
    serde_json::from_slice::<NoMemberTwice>(body)
        .map(|value| value.0)
        .map_err(|error| match error.classify() {
            // The only fault that is not one of the text itself.
            Category::Data => Refusal::new(
                Rule::RepeatedMember,
                format!("the body has {error}; servers differ in which of them they take"),
            ),
            Category::Io | Category::Syntax | Category::Eof => Refusal::new(
                Rule::Body,
                format!("the body is no JSON (RFC 8259): {error}"),
            ),
        })
}

/// A JSON value whose objects have each member once (RFC 8259, section 4; RFC 7493, section 2.3).
struct NoMemberTwice(Value);

impl<'de> Deserialize<'de> for NoMemberTwice {
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
        while let Some(NoMemberTwice(value)) = list.next_element()? {
            all.push(value);
        }
        Ok(all.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, NoMemberTwice(value))) = members.next_entry::<String, _>()? {
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
mod tests {
    use super::*;
    use crate::Headers;

    fn outcome(
        action: Action,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Option<Value>, Rule> {
        outcome_of(action, headers, body, false)
    }

    fn outcome_of(
        action: Action,
        headers: &[(&str, &str)],
        body: &[u8],
        is_partial: bool,
    ) -> Result<Option<Value>, Rule> {
        let headers: Headers = headers.iter().map(|(n, v)| (*n, *v)).collect();
        let request = RawRequest {
            method: "POST",
            target: b"/",
            headers: &headers,
            body,
            is_partial,
        };
        read(&request, action).map_err(|refusal| refusal.rule())
    }

    #[test]
    fn a_body_that_parsers_read_differently_is_refused() {
        for (body, rule) in [
            (r#"{"a": 1, "a": 2}"#, Rule::RepeatedMember),
            (r#"{"a": 1, "\u0061": 2}"#, Rule::RepeatedMember),
            (r#"[{"x": {"b": [], "b": []}}]"#, Rule::RepeatedMember),
            ("{", Rule::Body),
            ("{} {}", Rule::Body),
            (r#"{"a": NaN}"#, Rule::Body),
            (r#"{"a": 1e999}"#, Rule::Body),
            (r#""\ud800""#, Rule::Body),
            ("\u{feff}{}", Rule::Body),
        ] {
            let read = outcome(Action::Create, &[], body.as_bytes());
            assert_eq!(read, Err(rule), "{body}");
        }
        let utf16: Vec<u8> = r#"{"a":1}"#.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(outcome(Action::Search, &[], &utf16), Err(Rule::Body));
        let deep = "[".repeat(100_000);
        assert_eq!(
            outcome(Action::Search, &[], deep.as_bytes()),
            Err(Rule::Body)
        );
        assert_eq!(
            outcome(Action::Execute, &[], br#"{"inputs": {"name": "x"}}"#),
            Ok(Some(serde_json::json!({"inputs": {"name": "x"}})))
        );
    }

    #[test]
    fn a_body_that_was_not_sent_along_selects_nothing_unseen() {
        let long = [("content-length", "10")];
        for (headers, is_partial) in [(&long[..], false), (&[], true)] {
            let outcome = |action, body| outcome_of(action, headers, body, is_partial);
            assert_eq!(outcome(Action::Search, b"{}"), Err(Rule::IncompleteBody));
            assert_eq!(outcome(Action::Read, b""), Err(Rule::UnexpectedBody));
            assert_eq!(outcome(Action::Create, b"{\"a"), Ok(None));
        }
        assert_eq!(
            outcome(Action::Read, &[("content-length", "0")], b""),
            Ok(None)
        );
        for (length, action) in [
            ("x", Action::Search),
            ("1", Action::Search),
            ("1", Action::Create),
            ("1", Action::Execute),
        ] {
            assert_eq!(
                outcome(action, &[("content-length", length)], b"{}"),
                Err(Rule::IncompleteBody),
                "{length} {action:?}"
            );
        }
    }

    #[test]
    fn a_search_by_post_is_one_object() {
        assert_eq!(
            outcome(Action::Search, &[("content-length", "0")], b""),
            Err(Rule::IncompleteBody)
        );
        for body in ["null", "[]", "\"bbox\"", "1", "true"] {
            assert_eq!(
                outcome(Action::Search, &[], body.as_bytes()),
                Err(Rule::Body),
                "{body}"
            );
        }
    }
}
