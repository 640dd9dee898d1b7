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
        input.attributes_json()["request"]["http"]["headers"]["x-a"],
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

#[test]
fn attributes_show_what_the_check_took_of_them() {
    let input = CheckInput::from_envoy(check(HttpRequest {
        id: "7".into(),
        method: "GET".into(),
        path: "/a?b".into(),
        host: "maps.example.org".into(),
        scheme: "https".into(),
        protocol: "HTTP/2".into(),
        header_map: Some(HeaderMap {
            headers: vec![
                raw(":path", b"/a?b"),
                raw("x-raw", b"1\xff"),
                HeaderValue {
                    key: "x-text".into(),
                    value: "2".into(),
                    ..HeaderValue::default()
                },
                HeaderValue {
                    key: "x-both".into(),
                    value: "3".into(),
                    raw_value: b"4".to_vec(),
                },
                raw("x-empty", b""),
            ],
        }),
        ..HttpRequest::default()
    }))
    .unwrap();
    assert_eq!(
        input.attributes_json()["request"]["http"],
        serde_json::json!({
            "id": "7",
            "method": "GET",
            "path": "/a?b",
            "host": "maps.example.org",
            "scheme": "https",
            "protocol": "HTTP/2",
            "headers": {"x-raw": "1\u{fffd}", "x-text": "2", "x-both": "4", "x-empty": ""},
            "headerMap": {"headers": [
                {"key": ":path", "rawValue": "L2E/Yg=="},
                {"key": "x-raw", "rawValue": "Mf8="},
                {"key": "x-text", "value": "2"},
                {"key": "x-both", "value": "3", "rawValue": "NA=="},
                {"key": "x-empty"},
            ]},
        })
    );
}
