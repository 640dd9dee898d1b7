//! A deny rule about any member of `input` holds for every accepted spelling of a request: in both shapes of `input`, with and
//! without a base path.

use std::collections::BTreeSet;

use envoy_types::ext_authz::v3::pb::CheckRequest;
use geowarden::config::{InputShape, PathPrefix};
use serde_json::{Map, Value};

use crate::service::{Answer, OSGEO_KEY, Service, config, folder, request};

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
const SPELLINGS: [(&str, &str, &str); 22] = [
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
        "/collections/secret/items?name=100%",
        "/collections/secret/items?name=100%25",
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
    (
        "GET",
        "/collections/secret/items?bbox=1%2C2%2c3,%34",
        "/collections/secret/items?bbox=1,2,3,4",
    ),
    (
        "GET",
        "/collections/secret/position?coords=POINT+Z%281+2+3%29",
        "/collections/secret/position?coords=POINT%20Z(1%202%203)",
    ),
    (
        "GET",
        "/collections/secret/position?coords=%50OINTM(1+2+3)",
        "/collections/secret/position?coords=POINTM(1%202%203)",
    ),
    (
        "GET",
        "/collections/secret/position?coords=point%20zm+(1+2+3+4)",
        "/collections/secret/position?coords=point%20zm%20(1%202%203%204)",
    ),
    (
        "GET",
        "/collections/secret/area?coords=POLYGON+Z((0+0+1%2C1+0+1%2C1+1+1%2C0+0+1))",
        "/collections/secret/area?coords=POLYGON%20Z((0%200%201,1%200%201,1%201%201,0%200%201))",
    ),
];

const BASE_PATH: &str = "/geoapi";

/// Spellings of the base path itself.
const BASE_PATH_SPELLINGS: [(&str, &str, &str); 3] = [
    ("GET", "/geoapi", "/geoapi/"),
    ("GET", "/geoapi?f=json", "/geoapi/?f=json"),
    (
        "GET",
        "/geo%61pi/collections/secret",
        "/geoapi/collections/secret",
    ),
];

/// Every spelling below a base path.
fn spellings(base_path: &str) -> Vec<(&'static str, String, String)> {
    let below = |target: &str| format!("{base_path}{target}");
    let mut all: Vec<_> = SPELLINGS
        .iter()
        .map(|(method, loose, strict)| (*method, below(loose), below(strict)))
        .collect();
    if base_path == BASE_PATH {
        let more = BASE_PATH_SPELLINGS.iter();
        all.extend(
            more.map(|(method, loose, strict)| {
                (*method, (*loose).to_owned(), (*strict).to_owned())
            }),
        );
    }
    all
}

/// Below this base path, with this shape of `input`.
async fn service(policy: &str, base_path: &str, shape: InputShape, prefix: PathPrefix) -> Service {
    let folder = folder(policy, "");
    let mut config = config(folder.path());
    base_path.clone_into(&mut config.pygeoapi.base_path);
    config.policy.input = shape;
    config.policy.path_prefix = prefix;
    Service::start(folder, config).await
}

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
    let key = ("x-api-key", OSGEO_KEY);
    let mut held = 0;
    for base_path in ["", BASE_PATH] {
        let service = service(POLICY, base_path, InputShape::Native, PathPrefix::default()).await;
        for (method, loose, strict) in &spellings(base_path) {
            for encode in [|check| check, joined] {
                let ask = async |target, headers: &[(&str, &str)]| {
                    let check = encode(request(method, target, headers));
                    Answer(service.check(check).await)
                };
                let as_strict = ask(strict, &[key]).await;
                assert_eq!(as_strict.header(":path").as_deref(), Some(&**strict));
                let views = as_strict.header("x-views").unwrap();
                let as_loose = ask(loose, &[key]).await;
                let path = as_loose.header(":path");
                assert_eq!(path.as_deref(), Some(&**strict), "{loose}");
                assert_eq!(as_loose.header("x-views").unwrap(), views, "{loose}");
                assert_eq!(as_loose.header("x-raw").as_ref(), Some(loose));
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
    }
    assert!(held > 500, "{held}");
}

/// fastgeoapi's policies see the method and the segments of the path. Their `input` has no headers, so the denied values stand
/// in the policy.
#[tokio::test]
async fn a_deny_rule_of_fastgeoapi_holds_against_each_spelling() {
    const TELL: &str = r#"package geowarden.authz

allow := {"allowed": true, "headers": {"x-view": json.marshal([input.request_method, input.request_path])}}
"#;
    let key = ("x-api-key", OSGEO_KEY);
    for (base_path, prefix) in [
        ("", PathPrefix::Keep),
        (BASE_PATH, PathPrefix::Keep),
        (BASE_PATH, PathPrefix::Strip),
    ] {
        let start =
            async |policy: &str| service(policy, base_path, InputShape::Fastgeoapi, prefix).await;
        let spellings = spellings(base_path);
        let telling = start(TELL).await;
        let mut denied = BTreeSet::new();
        for (method, _, strict) in &spellings {
            let answer = telling.ask(method, strict, &[key]).await;
            denied.insert(answer.header("x-view").unwrap());
        }
        let denied = Vec::from_iter(denied).join(", ");
        let policy = format!(
            "package geowarden.authz\n\ndenied := {{{denied}}}\n\nallow if not [input.request_method, input.request_path] in denied\n"
        );
        let denying = start(&policy).await;
        for (method, loose, strict) in &spellings {
            for target in [strict, loose] {
                let status = denying.ask(method, target, &[key]).await.status();
                assert_eq!(status, 403, "{prefix:?}: {method} {target}");
            }
        }
        let open = format!("{base_path}/collections/open/items");
        assert_eq!(denying.ask("GET", &open, &[key]).await.status(), 200);
    }
}

/// The text of a geometry is sent on as it is, but policies compare its value.
#[tokio::test]
async fn a_geometry_has_one_value_in_every_spelling() {
    let service = Service::with_policy(POLICY).await;
    let key = ("x-api-key", OSGEO_KEY);
    let views = async |coords: &str| {
        let target = format!("/collections/secret/position?coords={coords}");
        let answer = service.ask("GET", &target, &[key]).await;
        let views = answer.header("x-views");
        serde_json::from_str::<Value>(&views.expect(coords)).unwrap()
    };
    let with_height = [
        "POINT%20Z%20(1%202%203)",
        "POINT(1+2+3)",
        "point+z(1+2+3)",
        "PointZ+%281%202+3.0%29",
        "+POINT++Z+(+1+2+3e0+)+",
        "POINT%20ZM(1+2+3+9)",
        "pointzm(1+2+3+9)",
        "POINT(1+2+3+9)",
    ];
    let flat = ["POINT(1+2)", "POINT+M+(1+2+9)", "pointm%281+2+9%29"];
    for spellings in [&with_height[..], &flat] {
        let expected = views(spellings[0]).await;
        for spelling in spellings {
            let found = views(spelling).await;
            assert_eq!(found["ogc"], expected["ogc"], "{spelling}");
        }
    }
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
