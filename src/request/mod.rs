//! Stop 2: what was asked.

pub mod envoy;

pub use geowarden_ogc::{self as ogc, Headers, Joined, Repeated};

/// One request as Envoy describes it, before anything is believed of it.
#[derive(Debug, Clone, Default)]
pub struct CheckInput {
    /// The method, case kept.
    pub method: String,
    /// The raw `:path`: path and query as the client sent them, undecoded.
    pub target: Vec<u8>,
    /// `http` or `https`, as Envoy saw it.
    pub scheme: String,
    /// The `host` or `:authority`.
    pub host: String,
    /// `HTTP/1.1`, `HTTP/2`, ...
    pub protocol: String,
    /// The headers, pseudo-headers left out.
    pub headers: Headers,
    /// The body, as far as Envoy sent it along.
    pub body: Vec<u8>,
    /// The client's IP address, by Envoy's reckoning of trusted hops.
    pub source_address: Option<String>,
    /// The peer's authenticated name (its certificate's URI SAN), where the mesh has one.
    pub source_principal: Option<String>,
    /// The whole attribute context, for policies written for OPA-Envoy.
    pub attributes: envoy::Attributes,
}

impl CheckInput {
    /// What decides on the resource that is asked for.
    pub fn raw_request(&self) -> ogc::RawRequest<'_> {
        ogc::RawRequest {
            method: &self.method,
            target: &self.target,
            headers: &self.headers,
            body: &self.body,
            is_partial: is_partial(&self.headers),
        }
    }
}

/// Whether Envoy sent only a part of the body along: its `with_request_body` is missing, or its limit too small.
pub fn is_partial(headers: &Headers) -> bool {
    let mut told = headers.all("x-envoy-auth-partial-body");
    told.any(|value| value == b"true")
}
