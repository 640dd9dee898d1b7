mod clients;
mod spellings;

use std::fmt::Write as _;

use data_encoding::BASE64;
use serde_json::Value;

use super::*;

/// Categories and ids of requests that Envoy refuses. The reader never sees such a request, or not what is wrong with
/// it.
fn is_envoys(row: &Value) -> bool {
    row["reason"]
        .as_str()
        .is_some_and(|reason| reason.starts_with("Envoy"))
        || row.get("raw_target").is_none()
}

fn target(row: &Value) -> Vec<u8> {
    match row["raw_target_b64"].as_str() {
        Some(text) => BASE64.decode(text.as_bytes()).unwrap(),
        None => row["raw_target"].as_str().unwrap().as_bytes().to_vec(),
    }
}

fn disagreements(backend: Backend, must: &str) -> (usize, String) {
    let reader = Reader::new("", backend).unwrap();
    let corpus = include_str!("../../../tests/corpus/paths.jsonl");
    let mut told = String::new();
    let mut count = 0;
    for line in corpus.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        if is_envoys(&row) {
            continue;
        }
        count += 1;
        let headers: Headers = row["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|h| (h[0].as_str().unwrap(), h[1].as_str().unwrap()))
            .collect();
        let target = target(&row);
        let read = reader.read(&RawRequest {
            method: row["method"].as_str().unwrap(),
            target: &target,
            headers: &headers,
            body: row["body"].as_str().unwrap_or_default().as_bytes(),
            is_partial: false,
        });
        // The body has a repeated member. Rules for paths do not see it, but the rule for bodies does.
        let expected = if row["id"] == "body-018" {
            "refuse"
        } else {
            row.get(must).unwrap_or(&row["must"]).as_str().unwrap()
        };
        let agrees = match (&read, expected) {
            (Err(_), "refuse") => true,
            (Ok(resource), allowed) if allowed.starts_with("allow-as") => {
                // Only one backend serves this row, so it has no resource.
                row.get("must_resource").is_none_or(|r| same(resource, r))
            }
            _ => false,
        };
        if !agrees {
            writeln!(
                told,
                "{} {} {} {:?}: expected {expected} ({}), read {:?}",
                row["id"], row["method"], row["raw_target"], row["headers"], row["reason"], read
            )
            .unwrap();
        }
    }
    (count, told)
}

fn same(resource: &Resource, expected: &Value) -> bool {
    let seen = serde_json::to_value(resource).unwrap();
    expected
        .as_object()
        .unwrap()
        .iter()
        .all(|(name, value)| match name.as_str() {
            // Typed values are no longer texts, and ignored parameters have names only. Other tests check both.
            "params" => value.as_array().unwrap().iter().all(|pair| {
                let name = pair[0].as_str().unwrap();
                let is_ignored = resource
                    .params
                    .ignored()
                    .iter()
                    .any(|ignored| ignored == name);
                let seen = &seen["params"][name];
                is_ignored
                    || *seen == pair[1]
                    || (!seen.is_null() && !seen.is_string())
                    || pair[1] == ""
            }),
            "op" => seen["operation"] == *value,
            _ => seen[name] == *value,
        })
}

#[test]
fn the_measured_requests_are_read_as_flask_serves_them() {
    let (count, told) = disagreements(Backend::Flask, "must_flask_backend");
    assert!(told.is_empty(), "{told}");
    assert!(count > 350, "{count}");
}

#[test]
fn the_measured_requests_are_read_as_both_backends_serve_them() {
    let (_, told) = disagreements(Backend::Starlette, "must");
    assert!(told.is_empty(), "{told}");
}

fn read(reader: &Reader, method: &str, target: &str) -> Result<Resource, Rule> {
    let headers = Headers::default();
    reader
        .read(&RawRequest {
            method,
            target: target.as_bytes(),
            headers: &headers,
            body: b"",
            is_partial: false,
        })
        .map_err(|refusal| refusal.rule())
}

#[test]
fn attacks_are_refused_by_their_rule() {
    let reader = Reader::default();
    for (target, rule) in [
        ("/collections%2Fobs%2Fitems", Rule::DecodedDelimiter),
        ("/collections/secret%0a", Rule::ControlCharacter),
        ("//collections/secret/items", Rule::EmptySegment),
        ("/collections/obs/", Rule::EmptySegment),
        ("/collections/public/items/secret/items", Rule::ReservedWord),
        ("/collections/c/locations/xinstances", Rule::ReservedWord),
        ("/stac/a/..%2fb", Rule::DecodedDelimiter),
        ("/collections/obs/../secret", Rule::DotSegment),
        ("/collections/obs/%2e%2e/secret", Rule::DotSegment),
        ("/collections/obs%zz", Rule::BadEscape),
        ("/collections/obs%25", Rule::DecodedDelimiter),
        ("/collections/obs%ff", Rule::BadUtf8),
        ("/collections/obs#x", Rule::BadByte),
        ("/collections/c/tiles/t/0/0/-1", Rule::TileIndex),
        (
            "/collections/obs/items?f=json&%66=html",
            Rule::RepeatedParameter,
        ),
        ("/collections/items", Rule::ReservedWord),
        ("/nowhere", Rule::UnknownRoute),
        ("http://localhost/collections", Rule::NotOriginForm),
    ] {
        assert_eq!(read(&reader, "GET", target).err(), Some(rule), "{target}");
    }
    assert_eq!(read(&reader, "get", "/").err(), Some(Rule::Method));
    assert_eq!(read(&reader, "TRACE", "/").err(), Some(Rule::Method));
}

#[test]
fn what_is_sent_on_is_read_the_same() {
    let reader = Reader::new("/geoapi", Backend::Flask).unwrap();
    for target in [
        "/geoapi/",
        "/geoapi",
        "/geoapi/collections/ns/roads/items?bbox=1,2,3,4&name=a+b%26c",
        "/geoapi/%63ollections/caf%C3%A9/items/a@b",
    ] {
        let first = read(&reader, "GET", target).unwrap();
        let again = read(&reader, "GET", first.canonical_path()).unwrap();
        assert_eq!(first, again, "{target}");
    }
    assert_eq!(
        read(&reader, "GET", "/geoapi/%63ollections/caf%C3%A9")
            .unwrap()
            .canonical_path(),
        "/geoapi/collections/caf%C3%A9"
    );
    assert_eq!(
        read(&reader, "GET", "/collections").err(),
        Some(Rule::BasePath)
    );
}

#[test]
fn ids_that_cannot_be_reached_are_told() {
    assert!(reachable_collection_id("ns/roads").is_ok());
    for id in ["a/items/b", "a/schema", "a%b", "a//b", "..", " a"] {
        assert!(reachable_collection_id(id).is_err(), "{id}");
    }
}

#[test]
fn a_policy_changes_the_query_by_decoded_names() {
    let read = read(
        &Reader::default(),
        "GET",
        "/collections/obs/items?%6cimit=9&a=b%26c",
    )
    .unwrap();
    let set = [
        ("limit".to_owned(), "5".to_owned()),
        ("owner".to_owned(), "x&admin=1".to_owned()),
    ];
    assert_eq!(
        read.canonical_path_with(&set, &[]).unwrap(),
        "/collections/obs/items?limit=5&a=b%26c&owner=x%26admin%3D1"
    );
    let remove = ["limit".to_owned(), "a".to_owned()];
    assert_eq!(
        read.canonical_path_with(&[], &remove).unwrap(),
        "/collections/obs/items"
    );
}

/// pygeoapi must obey what a policy sets, or the request is denied.
#[test]
fn what_pygeoapi_would_not_obey_is_told() {
    let search = |body: &str| {
        let headers: Headers = [("content-type", "application/json")].into_iter().collect();
        let read = Reader::default().read(&RawRequest {
            method: "POST",
            target: b"/stac-api/search",
            headers: &headers,
            body: body.as_bytes(),
            is_partial: false,
        });
        read.unwrap()
    };
    let limit = [("limit".to_owned(), "5".to_owned())];
    for body in [r#"{"limit": 100}"#, r#"{"limit": null}"#] {
        let decided = NotHonoured::DecidedByBody("limit".to_owned());
        let search = search(body);
        assert_eq!(
            search.canonical_path_with(&limit, &[]),
            Err(decided.clone())
        );
        let removed = search.canonical_path_with(&[], &["limit".to_owned()]);
        assert_eq!(removed, Err(decided));
    }
    assert_eq!(
        search(r#"{"bbox": [0, 0, 1, 1]}"#)
            .canonical_path_with(&limit, &[])
            .unwrap(),
        "/stac-api/search?limit=5"
    );
    let set = |target: &str, name: &str, value: &str| {
        let read = read(&Reader::default(), "GET", target).unwrap();
        read.canonical_path_with(&[(name.to_owned(), value.to_owned())], &[])
    };
    for (target, name) in [
        ("/collections/obs/position", "bbox"),
        ("/collections/obs/cube", "coords"),
        ("/collections/obs/items/1", "datetime"),
        ("/collections/obs", "limit"),
    ] {
        let ignored = Err(NotHonoured::Ignored(name.to_owned()));
        assert_eq!(set(target, name, "0,0,1,1"), ignored, "{target}");
    }
    assert!(set("/collections/obs/items", "bbox", "").is_err());
    assert!(matches!(
        set("/collections/obs/items", "bbox", "1"),
        Err(NotHonoured::Invalid(_))
    ));
}

#[test]
fn a_query_has_a_bounded_number_of_parameters() {
    let query = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
        read(
            &Reader::default(),
            "GET",
            &format!("/collections/obs/items?{}", names.join("&")),
        )
    };
    assert!(query(256).is_ok());
    assert_eq!(query(257).err(), Some(Rule::TooManyParameters));
    let empty = "&".repeat(7_000);
    assert!(read(&Reader::default(), "GET", &format!("/collections?{empty}")).is_ok());
}
