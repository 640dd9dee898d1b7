use envoy_types::pb::envoy::{
    config::core::v3::{HeaderMap, HeaderValue},
    service::auth::v3::{
        AttributeContext,
        attribute_context::{HttpRequest, Request},
    },
};

use super::*;

mod as_prost;

fn check(http: HttpRequest) -> Bytes {
    let check = CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(http),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    };
    check.encode_to_vec().into()
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
        input.attributes_json().unwrap()["request"]["http"]["headers"]["x-a"],
        "1,2"
    );
}

#[test]
fn what_is_no_http_request_is_refused() {
    assert_eq!(
        CheckInput::from_envoy(Bytes::new()).unwrap_err(),
        UnreadableCheck::NoHttpRequest
    );
    let text = Bytes::from_static(b"GET / HTTP/1.1\r\n");
    assert_eq!(
        CheckInput::from_envoy(text).unwrap_err(),
        UnreadableCheck::Malformed
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
        input.attributes_json().unwrap()["request"]["http"],
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

/// `query` is stepped over when a check is read, so that what is wrong with it only shows when all is decoded.
#[test]
fn attributes_that_cannot_be_decoded_are_an_error() {
    let http = HttpRequest {
        method: "GET".into(),
        query: "Q".into(),
        ..HttpRequest::default()
    };
    let message: Vec<u8> = check(http)
        .iter()
        .map(|byte| if *byte == b'Q' { 0xff } else { *byte })
        .collect();
    let input = CheckInput::from_envoy(message.into()).unwrap();
    assert_eq!(input.method, "GET");
    assert!(input.attributes_json().is_err());
}

#[test]
fn neither_headers_nor_attributes_show_their_values() {
    let http = HttpRequest {
        header_map: Some(HeaderMap {
            headers: vec![raw("x-api-key", b"SECRET")],
        }),
        ..HttpRequest::default()
    };
    let input = CheckInput::from_envoy(check(http)).unwrap();
    let shown = format!("{input:?}");
    assert!(
        shown.contains("x-api-key") && !shown.contains("SECRET"),
        "{shown}"
    );
    assert!(!shown.contains("83, 69, 67"), "{shown}");
}
