//! A deny rule about any member of `input` holds for every accepted spelling of a request.

use envoy_types::ext_authz::v3::pb::CheckRequest;
use serde_json::{Map, Value};

use crate::service::{Answer, OSGEO_KEY, Service, request};

/// Denies if one member of `input` has the value that a header names. Otherwise it returns all members.
const POLICY: &str = r#"package geowarden.authz

http := input.attributes.request.http

views := {
	"ogc": input.ogc,
	"path": input.request.path,
	"query": input.request.query,
	"parsed_path": input.parsed_path,
	"parsed_query": input.parsed_query,
	"attributes.path": http.path,
	"attributes.headers": http.headers[":path"],
	"attributes.headerMap": raw_paths,
}

raw_paths := [header.rawValue | some header in http.headerMap.headers; header.key == ":path"]

denied if json.unmarshal(input.request.headers["x-value"]) == views[input.request.headers["x-view"]]

allow := {"allowed": true, "headers": {
	"x-views": json.marshal(views),
	"x-raw": input.request.raw_target,
}} if not denied
"#;

/// A loose spelling and the strict one.
const SPELLINGS: [(&str, &str, &str); 16] = [
    ("GET", "/TileMatrixSets/", "/TileMatrixSets"),
    ("GET", "/collections/?f=json", "/collections?f=json"),
    ("GET", "/stac/secret/", "/stac/secret"),
    ("GET", "/stac-api/", "/stac-api"),
    (
        "GET",
        "/stac-api/search/?limit=1",
        "/stac-api/search?limit=1",
    ),
    ("GET", "/processes/secret/", "/processes/secret"),
    (
        "POST",
        "/processes/secret/execution/",
        "/processes/secret/execution",
    ),
    ("DELETE", "/jobs/secret/", "/jobs/secret"),
    ("OPTIONS", "/admin/config/", "/admin/config"),
    (
        "GET",
        "/collections/secret?f=json&f=json",
        "/collections/secret?f=json",
    ),
    (
        "GET",
        "/collections/secret/items?a=1&b=2&%61=1",
        "/collections/secret/items?a=1&b=2",
    ),
    (
        "GET",
        "/collections/secret/items?datetime=1985-04-12t23:20:50z",
        "/collections/secret/items?datetime=1985-04-12T23:20:50Z",
    ),
    (
        "GET",
        "/collections/secret/items?datetime=2001-10-30%2014:24:55/..",
        "/collections/secret/items?datetime=2001-10-30T14:24:55/..",
    ),
    ("GET", "/%63ollections/s%65cret", "/collections/secret"),
    (
        "GET",
        "/collections/secret/items?q=a+b&&",
        "/collections/secret/items?q=a%20b",
    ),
    (
        "GET",
        "/collections/secret/items?f=%20json&x",
        "/collections/secret/items?f=json&x=",
    ),
];

/// Like Envoy with `encode_raw_headers` off.
fn joined(mut check: CheckRequest) -> CheckRequest {
    let attributes = check.attributes.as_mut().unwrap();
    let http = attributes.request.as_mut().unwrap().http.as_mut().unwrap();
    let raw = http.header_map.take().unwrap().headers;
    http.headers = raw
        .into_iter()
        .map(|header| (header.key, String::from_utf8(header.raw_value).unwrap()))
        .collect();
    check
}

#[tokio::test]
async fn a_deny_rule_holds_against_each_spelling() {
    let service = Service::with_policy(POLICY).await;
    let key = ("x-api-key", OSGEO_KEY);
    let mut held = 0;
    for (method, loose, strict) in SPELLINGS {
        for encode in [|check| check, joined] {
            let ask = async |target, headers: &[(&str, &str)]| {
                let check = encode(request(method, target, headers));
                Answer(service.check(check).await)
            };
            let as_strict = ask(strict, &[key]).await;
            assert_eq!(as_strict.header(":path").unwrap(), strict);
            let views = as_strict.header("x-views").unwrap();
            let as_loose = ask(loose, &[key]).await;
            assert_eq!(as_loose.header(":path").unwrap(), strict, "{loose}");
            assert_eq!(as_loose.header("x-views").unwrap(), views, "{loose}");
            assert_eq!(as_loose.header("x-raw").unwrap(), loose);
            let views: Map<String, Value> = serde_json::from_str(&views).unwrap();
            assert!(views.len() >= 7, "{views:?}");
            for (view, value) in views {
                let value = value.to_string();
                let headers = [key, ("x-view", view.as_str()), ("x-value", &value)];
                let status = ask(loose, &headers).await.status();
                assert_eq!(status, 403, "{loose}: {view} == {value}");
                held += 1;
            }
        }
    }
    assert!(held > 200, "{held}");
}

#[tokio::test]
async fn a_content_type_is_sent_on_without_what_pygeoapi_ignores() {
    let service = Service::with_policy(
        "package geowarden.authz\n\nallow := input.parsed_body.inputs.name == \"a\"\n",
    )
    .await;
    for (content_type, sent_on) in [
        ("application/json", None),
        ("application/json; profile=x", Some("application/json")),
        ("Text/Plain;charset=utf8", Some("text/plain")),
        ("", Some("application/json")),
    ] {
        let headers = [
            ("x-api-key", OSGEO_KEY),
            ("content-type", content_type),
            ("content-length", "23"),
        ];
        let mut check = request("POST", "/processes/p/execution", &headers);
        let http = check.attributes.as_mut().unwrap().request.as_mut().unwrap();
        http.http.as_mut().unwrap().raw_body = b"{\"inputs\":{\"name\":\"a\"}}".to_vec();
        let answer = Answer(service.check(check).await);
        assert_eq!(answer.status(), 200, "{content_type}");
        assert_eq!(answer.header("content-type").as_deref(), sent_on);
    }
}
