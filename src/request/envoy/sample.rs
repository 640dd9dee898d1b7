//! Builds the check that Envoy would send for a request, to try policies.

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use envoy_types::pb::{
    envoy::{
        config::core::v3::{
            self as core, Address, HeaderMap, HeaderValue, SocketAddress, address::Address as Kind,
            socket_address::PortSpecifier,
        },
        service::auth::v3::{
            AttributeContext, CheckRequest,
            attribute_context::{HttpRequest, Peer, Request},
        },
    },
    google::protobuf::Timestamp,
};
use prost::Message;

use super::UnreadableCheck;
use crate::request::{CheckInput, Headers};

/// A request, and how it reached Envoy.
#[derive(Debug, Clone)]
pub struct SampleRequest {
    /// The method.
    pub method: String,
    /// Path and query, as the client sent them.
    pub target: String,
    /// The client's headers.
    pub headers: Headers,
    /// The body.
    pub body: Vec<u8>,
    /// The host.
    pub host: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The client's IP address.
    pub source_address: String,
    /// When it arrived.
    pub time: SystemTime,
}

/// Headers of which Envoy sends one line, also where the client sent several: those that it reads itself.
const JOINED: [&str; 24] = [
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "cache-control",
    "content-encoding",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-forwarded-host",
    "x-forwarded-port",
];
/// Where the shipped `envoy/api-key.yaml` listens.
const LISTENER: (&str, u32) = ("127.0.0.1", 8080);

impl CheckInput {
    /// The check that Envoy would send with the shipped `envoy/api-key.yaml`: raw headers with the pseudo-headers, and
    /// the headers that Envoy adds.
    pub fn as_envoy_asks(asked: &SampleRequest) -> Result<Self, UnreadableCheck> {
        Self::from_envoy(check(asked).encode_to_vec().into())
    }
}

fn check(asked: &SampleRequest) -> CheckRequest {
    let has = |name| asked.headers.all(name).next().is_some();
    let mut headers = vec![
        raw(":authority", asked.host.as_bytes()),
        raw(":path", asked.target.as_bytes()),
        raw(":method", asked.method.as_bytes()),
        raw(":scheme", asked.scheme.as_bytes()),
    ];
    // `host` is the name of the authority in HTTP/1.1. The others are for Envoy alone, which takes them away.
    let is_sent = |name: &str| name != "host" && !name.starts_with("x-envoy-");
    let mut joined = BTreeSet::new();
    for (name, value) in asked.headers.iter().filter(|(name, _)| is_sent(name)) {
        if !JOINED.contains(&name) {
            headers.push(raw(name, value));
        } else if joined.insert(name) {
            let all: Vec<&[u8]> = asked.headers.all(name).collect();
            headers.push(raw(name, &all.join(&b","[..])));
        }
    }
    if !asked.body.is_empty() && !has("content-length") {
        let length = asked.body.len().to_string();
        headers.push(raw("content-length", length.as_bytes()));
    }
    headers.push(raw("x-forwarded-for", asked.source_address.as_bytes()));
    headers.push(raw("x-forwarded-proto", asked.scheme.as_bytes()));
    headers.push(raw(
        "x-envoy-external-address",
        asked.source_address.as_bytes(),
    ));
    if !asked.body.is_empty() {
        headers.push(raw("x-envoy-auth-partial-body", b"false"));
    }
    let http = HttpRequest {
        method: asked.method.clone(),
        path: asked.target.clone(),
        host: asked.host.clone(),
        scheme: asked.scheme.clone(),
        protocol: "HTTP/1.1".to_owned(),
        size: i64::try_from(asked.body.len()).unwrap_or(i64::MAX),
        raw_body: asked.body.clone(),
        header_map: Some(HeaderMap { headers }),
        ..HttpRequest::default()
    };
    let (listener, port) = LISTENER;
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(peer(&asked.source_address, 0)),
            destination: Some(peer(listener, port)),
            request: Some(Request {
                time: Some(timestamp(asked.time)),
                http: Some(http),
            }),
            metadata_context: Some(core::Metadata::default()),
            route_metadata_context: Some(core::Metadata::default()),
            ..AttributeContext::default()
        }),
    }
}

fn peer(address: &str, port: u32) -> Peer {
    let address = SocketAddress {
        address: address.to_owned(),
        port_specifier: Some(PortSpecifier::PortValue(port)),
        ..SocketAddress::default()
    };
    Peer {
        address: Some(Address {
            address: Some(Kind::SocketAddress(address)),
        }),
        ..Peer::default()
    }
}

fn raw(key: &str, value: &[u8]) -> HeaderValue {
    HeaderValue {
        key: key.to_owned(),
        raw_value: value.to_vec(),
        ..HeaderValue::default()
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or_default(),
    }
}
