//! Stop 2: what was asked.

pub mod envoy;
mod headers;
pub mod ogc;

pub use headers::{Headers, Joined, Repeated};

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
