use envoy_types::pb::envoy::{
    config::core::v3::{HeaderMap, HeaderValue},
    service::auth::v3::attribute_context::Request,
};

use super::*;

fn check(http: HttpRequest) -> CheckRequest {
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(http),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
}

fn raw(key: &str, value: &[u8]) -> HeaderValue {
    HeaderValue {
        key: key.into(),
        raw_value: value.to_vec(),
        ..HeaderValue::default()
    }
}

#[test]
fn the_raw_path_wins_over_the_cooked_one() {
    let input = CheckInput::from_envoy(check(HttpRequest {
        method: "GET".into(),
        path: "/cooked".into(),
        header_map: Some(HeaderMap {
            headers: vec![
                raw(":path", b"/raw\xff"),
                raw("X-A", b"1"),
                raw("x-a", b"2"),
            ],
        }),
        ..HttpRequest::default()
    }))
    .unwrap();
    assert_eq!(input.target, b"/raw\xff");
    assert_eq!(input.headers.all("x-a").count(), 2);
    assert_eq!(
        input.attributes.to_json(&input.headers)["request"]["http"]["headers"]["x-a"],
        "1,2"
    );
}

#[test]
fn what_is_no_http_request_is_refused() {
    assert_eq!(
        CheckInput::from_envoy(CheckRequest::default()).unwrap_err(),
        UnreadableCheck::NoHttpRequest
    );
    let twice = HttpRequest {
        header_map: Some(HeaderMap {
            headers: vec![raw(":path", b"/a"), raw(":path", b"/b")],
        }),
        ..HttpRequest::default()
    };
    assert_eq!(
        CheckInput::from_envoy(check(twice)).unwrap_err(),
        UnreadableCheck::RepeatedPath
    );
}
