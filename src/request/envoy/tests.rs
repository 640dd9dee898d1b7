use envoy_types::pb::{
    envoy::{
        config::core::v3::{self as core, HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Peer, Request, TlsSession},
        },
    },
    google::protobuf::{self, value::Kind as ProtoKind},
};

use envoy_types::ext_authz::v3::pb::CheckRequest;
use prost::Message;

use super::*;

/// The attributes as they came, whatever their path.
fn shown_attributes(check: &CheckInput) -> ShownAttributes<'_> {
    let target = std::str::from_utf8(&check.target).unwrap_or_default();
    ShownAttributes { check, target }
}

mod addresses;
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
        serde_json::to_value(shown_attributes(&input)).unwrap()["request"]["http"]["headers"]["x-a"],
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
        serde_json::to_value(shown_attributes(&input)).unwrap()["request"]["http"],
        serde_json::json!({
            "id": "7",
            "method": "GET",
            "path": "/a?b",
            "host": "maps.example.org",
            "scheme": "https",
            "protocol": "HTTP/2",
            "headers": {":path": "/a?b", "x-raw": "1\u{fffd}", "x-text": "2", "x-both": "4", "x-empty": ""},
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

/// A policy of OPA-Envoy finds the pseudo-headers, whether or not Envoy sends raw headers.
#[test]
fn headers_are_the_same_raw_or_not() {
    let all = [
        (":authority", "maps.example.org"),
        (":method", "GET"),
        (":path", "/a"),
        (":scheme", "https"),
        ("accept", "*/*"),
    ];
    let shown = |http: HttpRequest| {
        let path = "/a".to_owned();
        let input = CheckInput::from_envoy(check(HttpRequest { path, ..http })).unwrap();
        serde_json::to_value(shown_attributes(&input)).unwrap()["request"]["http"]["headers"]
            .clone()
    };
    let plain = shown(HttpRequest {
        headers: all
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ..HttpRequest::default()
    });
    let as_raw = |value: &str| {
        all.map(|(key, text)| raw(key, if value.is_empty() { text } else { value }.as_bytes()))
            .to_vec()
    };
    let from_raw = shown(HttpRequest {
        header_map: Some(HeaderMap {
            headers: as_raw(""),
        }),
        ..HttpRequest::default()
    });
    assert_eq!(plain, from_raw);
    assert_eq!(plain[":method"], "GET");
    // Where both are there, one of them counts, for the decision and for the policy.
    let both = HttpRequest {
        header_map: Some(HeaderMap {
            headers: as_raw("x"),
        }),
        headers: [("accept".to_owned(), "y".to_owned())].into(),
        ..HttpRequest::default()
    };
    let input = CheckInput::from_envoy(check(both.clone())).unwrap();
    assert_eq!(input.headers.one("accept"), Ok(Some(&b"x"[..])));
    assert_eq!(shown(both)["accept"], "x");
}

/// The destination is stepped over when a check is read, so that what is wrong with it only shows when it is asked for.
#[test]
fn attributes_that_cannot_be_decoded_are_an_error() {
    let destination = Peer {
        principal: "Q".into(),
        ..Peer::default()
    };
    let mut check = with_every_field();
    check.attributes.as_mut().unwrap().destination = Some(destination);
    let message: Vec<u8> = check.encode_to_vec();
    let damaged = message
        .iter()
        .map(|byte| if *byte == b'Q' { 0xff } else { *byte });
    let input = CheckInput::from_envoy(damaged.collect()).unwrap();
    assert_eq!(input.method, "POST");
    assert!(serde_json::to_value(shown_attributes(&input)).is_err());
    let input = CheckInput::from_envoy(message.into()).unwrap();
    assert!(serde_json::to_value(shown_attributes(&input)).is_ok());
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

fn with_every_field() -> CheckRequest {
    let text = |text: &str| protobuf::Value {
        kind: Some(ProtoKind::StringValue(text.into())),
    };
    let kinds = [
        ("text", text("a")),
        ("nothing", protobuf::Value { kind: None }),
        (
            "number",
            protobuf::Value {
                kind: Some(ProtoKind::NumberValue(1.5)),
            },
        ),
        (
            "no-number",
            protobuf::Value {
                kind: Some(ProtoKind::NumberValue(f64::NAN)),
            },
        ),
        (
            "truth",
            protobuf::Value {
                kind: Some(ProtoKind::BoolValue(false)),
            },
        ),
        (
            "list",
            protobuf::Value {
                kind: Some(ProtoKind::ListValue(protobuf::ListValue {
                    values: vec![text("b")],
                })),
            },
        ),
    ];
    let inner = protobuf::Struct {
        fields: kinds.map(|(name, value)| (name.to_owned(), value)).into(),
    };
    let typed = protobuf::Any {
        type_url: "type.googleapis.com/x".into(),
        value: b"\xff".to_vec(),
    };
    let metadata = |name: &str| core::Metadata {
        filter_metadata: [(name.to_owned(), inner.clone())].into(),
        typed_filter_metadata: [("t".to_owned(), typed.clone())].into(),
    };
    let peer = |address| Peer {
        address: Some(core::Address {
            address: Some(address),
        }),
        service: "client".into(),
        labels: [("app".into(), "qgis".into())].into(),
        principal: "spiffe://cluster.local/ns/geo".into(),
        certificate: "PEM".into(),
    };
    let socket = core::SocketAddress {
        address: "192.0.2.7".into(),
        port_specifier: Some(core::socket_address::PortSpecifier::PortValue(4321)),
        ..core::SocketAddress::default()
    };
    let pipe = core::Pipe {
        path: "/run/x".into(),
        ..core::Pipe::default()
    };
    let http = HttpRequest {
        method: "POST".into(),
        headers: [(":method".into(), "POST".into()), ("a".into(), "1".into())].into(),
        path: "/p?q".into(),
        query: "q".into(),
        fragment: "f".into(),
        size: -1,
        body: "text".into(),
        raw_body: b"\xff".to_vec(),
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(peer(core::address::Address::SocketAddress(socket))),
            destination: Some(peer(core::address::Address::Pipe(pipe))),
            request: Some(Request {
                time: Some(protobuf::Timestamp {
                    seconds: 1,
                    nanos: 2,
                }),
                http: Some(http),
            }),
            context_extensions: [("policy".into(), "osgeo".into())].into(),
            metadata_context: Some(metadata("jwt")),
            route_metadata_context: Some(metadata("route")),
            tls_session: Some(TlsSession {
                sni: "maps.example.org".into(),
            }),
        }),
    }
}

#[test]
fn attributes_are_shown_field_for_field() {
    let message = with_every_field().encode_to_vec();
    let input = CheckInput::from_envoy(message.into()).unwrap();
    let shown = serde_json::to_value(shown_attributes(&input)).unwrap();
    let inner = serde_json::json!({
        "text": "a", "nothing": null, "number": 1.5, "no-number": null, "truth": false, "list": ["b"],
    });
    let typed = serde_json::json!({"t": {"typeUrl": "type.googleapis.com/x", "value": "/w=="}});
    let peer = |address: serde_json::Value| {
        serde_json::json!({
            "address": address,
            "service": "client",
            "labels": {"app": "qgis"},
            "principal": "spiffe://cluster.local/ns/geo",
            "certificate": "PEM",
        })
    };
    let socket = serde_json::json!({"socketAddress": {"address": "192.0.2.7", "portValue": 4321}});
    assert_eq!(
        shown,
        serde_json::json!({
            "source": peer(socket),
            "destination": peer(serde_json::json!({"pipe": {"path": "/run/x"}})),
            "request": {
                "time": {"seconds": 1, "nanos": 2},
                "http": {
                    "method": "POST",
                    "headers": {":method": "POST", "a": "1"},
                    "path": "/p?q",
                    "query": "q",
                    "fragment": "f",
                    "size": -1,
                    "body": "text",
                    "rawBody": "/w==",
                },
            },
            "contextExtensions": {"policy": "osgeo"},
            "metadataContext": {"filterMetadata": {"jwt": inner}, "typedFilterMetadata": typed},
            "routeMetadataContext": {"filterMetadata": {"route": inner}, "typedFilterMetadata": typed},
            "tlsSession": {"sni": "maps.example.org"},
        })
    );
    let text = serde_json::to_string(&shown_attributes(&input)).unwrap();
    let again = CheckInput::from_envoy(input.attributes.message.clone()).unwrap();
    assert_eq!(
        text,
        serde_json::to_string(&shown_attributes(&again)).unwrap()
    );
}
