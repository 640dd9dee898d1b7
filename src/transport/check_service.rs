//! The gRPC service `envoy.service.auth.v3.Authorization`. Its messages stay encoded.
//!
//! `request/envoy` reads a check from its bytes, and `response` writes an answer as bytes, so tonic builds no
//! structures.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use prost::bytes::{Buf, BufMut, Bytes};
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::{Service, http},
    server::{Grpc, NamedService, UnaryService},
};

use super::ext_authz::ExtAuthz;

const CHECK: &str = "/envoy.service.auth.v3.Authorization/Check";

/// Answers Envoy's checks over gRPC.
#[derive(Clone)]
pub struct CheckService {
    checks: Arc<ExtAuthz>,
    max_request_bytes: usize,
}

impl CheckService {
    /// Answers with `checks`. A request longer than `max_request_bytes` is an error.
    pub fn new(checks: ExtAuthz, max_request_bytes: usize) -> Self {
        Self {
            checks: Arc::new(checks),
            max_request_bytes,
        }
    }

    /// Whether a request is for this service.
    pub(super) fn is_asked<B>(request: &http::Request<B>) -> bool {
        let mut segments = request.uri().path().split('/').skip(1);
        segments.next() == Some(Self::NAME)
    }
}

impl NamedService for CheckService {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl Service<http::Request<Body>> for CheckService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != CHECK {
            let unknown = Status::unimplemented(
                "expected the method Check of Authorization, found another one",
            );
            return Box::pin(async move { Ok(unknown.into_http()) });
        }
        let (checks, limit) = (Arc::clone(&self.checks), self.max_request_bytes);
        Box::pin(async move {
            let answer = Answer(|request: Request<Bytes>| async {
                let (metadata, _, message) = request.into_parts();
                Ok(Response::new(checks.check(&metadata, message).await))
            });
            let mut grpc = Grpc::new(Encoded).max_decoding_message_size(limit);
            Ok(grpc.unary(answer, request).await)
        })
    }
}

/// A method of the service, made from a function.
struct Answer<F>(F);

impl<F, A> UnaryService<Bytes> for Answer<F>
where
    F: FnMut(Request<Bytes>) -> A,
    A: Future<Output = Result<Response<Vec<u8>>, Status>>,
{
    type Response = Vec<u8>;
    type Future = A;

    fn call(&mut self, request: Request<Bytes>) -> A {
        (self.0)(request)
    }
}

/// The buffer that tonic allocates for each message, in bytes. Most messages fit; for others it grows.
const USUAL_BYTES: usize = 2048;
/// tonic's default. It only affects streams.
const YIELD_THRESHOLD: usize = 32 * 1024;

/// A codec that passes bytes unchanged.
#[derive(Debug, Clone, Copy)]
struct Encoded;

impl Codec for Encoded {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(USUAL_BYTES, YIELD_THRESHOLD)
    }
}

impl Decoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(USUAL_BYTES, YIELD_THRESHOLD)
    }
}
