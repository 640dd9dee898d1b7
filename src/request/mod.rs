//! The stop `read`: what Envoy says of a request, and the resource that it asks for.

pub mod envoy;
mod withheld;

pub use self::withheld::{Parameter, Withheld};
pub use geowarden_ogc::{self as ogc, Headers, Joined, Repeated, is_token};

/// One request as Envoy describes it. Nothing of it is verified yet.
#[derive(Debug, Clone, Default)]
pub struct CheckInput {
    /// The method, with its case unchanged.
    pub method: String,
    /// The raw `:path`: path and query as the client sent them, undecoded.
    pub target: Vec<u8>,
    /// `http` or `https`, as Envoy saw it.
    pub scheme: String,
    /// The `host` or `:authority`.
    pub host: String,
    /// `HTTP/1.1`, `HTTP/2`, ...
    pub protocol: String,
    /// The headers without pseudo-headers.
    pub headers: Headers,
    /// The body, or the part of it that Envoy sent.
    pub body: Vec<u8>,
    /// The client's IP address, as Envoy determines it from its trusted hops.
    pub source_address: Option<String>,
    /// The authenticated name of the peer (the URI SAN of its certificate), if the mesh provides one.
    pub source_principal: Option<String>,
    /// What was taken out of the query and the headers: credentials.
    pub withheld: Withheld,
    /// The whole attribute context, for policies written for OPA-Envoy.
    pub attributes: envoy::Attributes,
}

impl CheckInput {
    /// What cannot hold a credential: the method, the scheme, the path and Envoy's id of the request.
    #[must_use]
    pub fn without_credentials(self) -> Self {
        let end = self.target.iter().position(|byte| *byte == b'?');
        let ids = self.headers.all(REQUEST_ID);
        Self {
            headers: ids.map(|id| (REQUEST_ID, id)).collect(),
            target: self
                .target
                .get(..end.unwrap_or(self.target.len()))
                .map(<[u8]>::to_vec)
                .unwrap_or_default(),
            method: self.method,
            scheme: self.scheme,
            ..Self::default()
        }
    }

    /// The parts of the request that determine the resource.
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

/// Envoy's id of a request.
pub const REQUEST_ID: &str = "x-request-id";

/// Envoy's mark at a body of which it sent only a part.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";

/// Whether Envoy sent only part of the body: `with_request_body` is missing, or its limit is too small.
pub fn is_partial(headers: &Headers) -> bool {
    let mut partial = headers.all(PARTIAL_BODY);
    partial.any(|value| value == b"true")
}
