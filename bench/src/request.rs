//! Requests as Envoy sends them. They are built here or read from a file.

use std::{collections::BTreeMap, fs, path::Path};

use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::{
        envoy::{
            config::core::v3::{
                Address, HeaderMap, HeaderValue, Metadata, SocketAddress, address,
                socket_address::PortSpecifier,
            },
            service::auth::v3::{
                AttributeContext,
                attribute_context::{HttpRequest, Peer, Request},
            },
        },
        google::protobuf::Timestamp,
    },
};
use prost::Message;
use serde::{Deserialize, Serialize};
use tonic::codegen::Bytes;

use crate::{Error, Result};

/// An HTTP request as a client sends it. A file of requests has one on each line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpAsk {
    /// The method.
    #[serde(default = "get")]
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The authority.
    #[serde(default = "host")]
    pub host: String,
    /// The headers, without the pseudo headers, which are added.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub body: String,
}

fn get() -> String {
    "GET".to_owned()
}

fn host() -> String {
    "maps.example.org".to_owned()
}

impl HttpAsk {
    /// A GET with the headers of a browser, those that Envoy adds, and `headers`.
    pub fn of_a_browser(path: &str, headers: &[(&str, &str)]) -> Self {
        let usual = [
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
            (
                "accept",
                "application/geo+json,application/json;q=0.9,*/*;q=0.8",
            ),
            ("accept-language", "en-GB,en;q=0.7,de;q=0.3"),
            ("accept-encoding", "gzip, deflate, br, zstd"),
            ("referer", "https://maps.example.org/viewer"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-proto", "https"),
            ("x-request-id", "9c4c1b8e-2a0f-4f53-9a6f-0d6a0f1c2b3d"),
        ];
        let headers = usual.iter().chain(headers);
        Self {
            method: get(),
            path: path.to_owned(),
            host: host(),
            headers: headers
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            body: String::new(),
        }
    }

    /// This request without a header.
    #[must_use]
    pub fn without(mut self, header: &str) -> Self {
        self.headers.remove(header);
        self
    }

    /// The Check that Envoy sends for this request, with `encode_raw_headers` and `pack_as_bytes` as in `envoy/*.yaml`.
    pub fn check(&self) -> CheckRequest {
        let header = |key: &str, value: &str| HeaderValue {
            key: key.to_owned(),
            raw_value: value.as_bytes().to_vec(),
            ..HeaderValue::default()
        };
        let mut headers = vec![
            header(":authority", &self.host),
            header(":path", &self.path),
            header(":method", &self.method),
            header(":scheme", "https"),
        ];
        headers.extend(self.headers.iter().map(|(key, value)| header(key, value)));
        let id = self.headers.get("x-request-id").cloned();
        CheckRequest {
            attributes: Some(AttributeContext {
                source: Some(peer("192.0.2.7", 51234)),
                destination: Some(peer("192.0.2.80", 8443)),
                request: Some(Request {
                    time: Some(Timestamp {
                        seconds: 1_767_225_600,
                        nanos: 123_456_000,
                    }),
                    http: Some(HttpRequest {
                        id: id.unwrap_or_default(),
                        method: self.method.clone(),
                        path: self.path.clone(),
                        host: self.host.clone(),
                        scheme: "https".to_owned(),
                        protocol: "HTTP/2".to_owned(),
                        size: i64::try_from(self.body.len()).unwrap_or(i64::MAX),
                        raw_body: self.body.clone().into_bytes(),
                        header_map: Some(HeaderMap { headers }),
                        ..HttpRequest::default()
                    }),
                }),
                metadata_context: Some(Metadata::default()),
                route_metadata_context: Some(Metadata::default()),
                ..AttributeContext::default()
            }),
        }
    }

    /// [`HttpAsk::check`], encoded.
    pub fn encoded(&self) -> Bytes {
        self.check().encode_to_vec().into()
    }

    /// The encoded Check as Envoy sends it without `encode_raw_headers`: the headers are a map of texts.
    pub(crate) fn encoded_joined(&self) -> Bytes {
        let mut check = self.check();
        let request = check.attributes.as_mut().and_then(|a| a.request.as_mut());
        if let Some(http) = request.and_then(|request| request.http.as_mut()) {
            let raw = http.header_map.take().unwrap_or_default().headers;
            let text = |header: HeaderValue| {
                let value = String::from_utf8_lossy(&header.raw_value).into_owned();
                (header.key, value)
            };
            http.headers = raw.into_iter().map(text).collect();
        }
        check.encode_to_vec().into()
    }
}

fn peer(address: &str, port: u32) -> Peer {
    Peer {
        address: Some(Address {
            address: Some(address::Address::SocketAddress(SocketAddress {
                address: address.to_owned(),
                port_specifier: Some(PortSpecifier::PortValue(port)),
                ..SocketAddress::default()
            })),
        }),
        ..Peer::default()
    }
}

/// Reads the requests of a file: JSON lines of [`HttpAsk`], or one encoded `CheckRequest` if the name ends in `.pb`.
pub fn of_file(file: &Path) -> Result<Vec<Bytes>> {
    let shown = file.display().to_string();
    let bytes = fs::read(file).map_err(Error::io(format!("reading {shown}")))?;
    if file.extension().is_some_and(|extension| extension == "pb") {
        CheckRequest::decode(bytes.as_slice())
            .map_err(|e| Error::unexpected(shown, format!("expected a CheckRequest: {e}")))?;
        return Ok(vec![bytes.into()]);
    }
    let text = String::from_utf8(bytes)
        .map_err(|e| Error::unexpected(shown.clone(), format!("expected JSON lines: {e}")))?;
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty());
    let asks: Vec<Bytes> = lines
        .map(|(line, number)| {
            serde_json::from_str::<HttpAsk>(line)
                .map(|ask| ask.encoded())
                .map_err(|e| Error::unexpected(format!("{shown}, line {number}"), e))
        })
        .collect::<Result<_>>()?;
    if asks.is_empty() {
        return Err(Error::unexpected(
            shown,
            "expected a request a line, found none",
        ));
    }
    Ok(asks)
}
