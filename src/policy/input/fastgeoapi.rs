//! The `input` of fastgeoapi's policies: all claims at the top level, the method, and the segments of the path.

use serde::{Serializer, ser::SerializeMap};

use super::{super::Question, Built};

/// fastgeoapi's own members.
const METHOD: &str = "request_method";
const PATH: &str = "request_path";

/// fastgeoapi's `input`. Its own members replace claims with the same name, as in fastgeoapi. fastgeoapi had no API key
/// attributes: they are put where claims would be.
pub(super) fn serialize<S: Serializer>(
    question: &Question<'_>,
    skip: usize,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (claims, attributes) = (&question.principal.claims, &question.principal.attributes);
    let attributes = attributes
        .iter()
        .filter(|(name, _)| !claims.contains_key(*name));
    let mut all = serializer.serialize_map(None)?;
    for (name, value) in claims.iter().chain(attributes) {
        if name != METHOD && name != PATH {
            all.serialize_entry(name, value)?;
        }
    }
    all.serialize_entry(METHOD, &question.check.method)?;
    all.serialize_entry(PATH, &Built(|| segments(question, skip)))?;
    all.end()
}

fn segments(question: &Question<'_>, skip: usize) -> Vec<String> {
    let mut path = question.resource.segments();
    path.drain(..skip.min(path.len()));
    if path.is_empty() {
        // The segments of the root path.
        path.push(String::new());
    }
    path
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{super::Shape, *};
    use crate::{
        identity::{CredentialKind, Principal},
        request::{
            CheckInput, Headers,
            ogc::{Backend, RawRequest, Reader},
        },
    };

    fn shown(target: &str, skip: usize, claims: &Value) -> Value {
        let reader = Reader::new("/geoapi", Backend::Flask).unwrap();
        let headers = Headers::default();
        let resource = reader
            .read(&RawRequest {
                method: "GET",
                target: target.as_bytes(),
                headers: &headers,
                body: b"",
                is_partial: false,
            })
            .unwrap();
        let check = CheckInput {
            method: "GET".to_owned(),
            ..CheckInput::default()
        };
        let principal = Principal {
            credential: CredentialKind::Jwt,
            claims: Arc::new(claims.as_object().unwrap().clone()),
            ..Principal::anonymous()
        };
        let question = Question {
            check: &check,
            resource: &resource,
            principal: &principal,
        };
        serde_json::to_value(Shape::Fastgeoapi { skip }.of(&question)).unwrap()
    }

    #[test]
    fn claims_stand_at_the_top_and_the_path_is_split() {
        let claims =
            json!({"iss": "i", "company": "osgeo", "request_path": ["x"], "request_method": "PUT"});
        assert_eq!(
            shown("/geoapi/collections/caf%C3%A9/items?limit=1", 0, &claims),
            json!({
                "iss": "i",
                "company": "osgeo",
                "request_method": "GET",
                "request_path": ["geoapi", "collections", "café", "items"],
            })
        );
    }

    #[test]
    fn the_base_path_is_kept_or_stripped() {
        for (target, skip, path) in [
            ("/geoapi/", 0, json!(["geoapi", ""])),
            ("/geoapi", 0, json!(["geoapi", ""])),
            ("/geoapi/", 1, json!([""])),
            ("/geoapi", 1, json!([""])),
            ("/geoapi/collections", 1, json!(["collections"])),
        ] {
            assert_eq!(
                shown(target, skip, &json!({}))["request_path"],
                path,
                "{target}"
            );
        }
    }
}
