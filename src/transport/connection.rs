//! Serves one connection of a gRPC client, from its first byte to its last.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::{
    Request,
    body::{Frame, Incoming, SizeHint},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use prost::bytes::Bytes;
use tokio::time::timeout;
use tonic::{
    Status,
    body::Body,
    codegen::{Service, http},
};
use tracing::debug;

use super::{
    certificates::Certificates,
    incoming::{Connection, begin},
    listener::Socket,
    receiving::{IncomingBody, MessageMemory, Receiving, Sender},
    stream_resets::StreamResets,
};
use crate::{
    connections::{CLOSE_LIMIT, Close, ObservedStream, OpenAnswer, Served, TrackedConnection},
    telemetry::{log_throttle::LogThrottle, metrics::Dropped},
};

/// How many resets may be pending before a connection is closed. When many clients disconnect at once, Envoy resets
/// their checks. h2's default of 20 would then close the connection for all other clients.
const MAX_PENDING_RESETS: usize = 100_000;
/// The most checks in flight on one connection.
const MAX_STREAMS: u32 = 4096;

/// When a silent client is asked for a sign of life, and how long it may take to answer.
#[derive(Debug, Clone, Copy)]
pub struct Pings {
    /// A PING is sent after this long without a byte from the client.
    pub interval: Duration,
    /// How long the answer may take. After that the connection is ended by GOAWAY.
    pub timeout: Duration,
    /// How much later the connection is closed, even if GOAWAY could not be sent.
    pub grace: Duration,
}

impl Default for Pings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(30),
            timeout: Duration::from_secs(20),
            grace: Duration::from_secs(10),
        }
    }
}

/// The settings that all connections of a server share.
#[derive(Clone)]
pub(super) struct ConnectionSettings {
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) receiving: Arc<Receiving>,
    pub(super) pings: Pings,
    pub(super) longest_message: usize,
    /// When unreadable requests were last logged.
    pub(super) reset_throttle: Arc<LogThrottle>,
}

/// Serves a connection until it ends, must close, or the service stops.
pub(super) async fn serve<S>(
    socket: Socket,
    mut served: Served,
    settings: ConnectionSettings,
    service: S,
) where
    S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let tracked = Arc::clone(&served.tracked);
    let resets = StreamResets::of(&tracked, &settings.reset_throttle);
    let opening = begin(socket, settings.certificates.clone(), resets);
    let opened = tokio::select! {
        opened = timeout(settings.receiving.patience(), opening) => opened,
        _ = tracked.must_close() => return,
        () = served.end() => return,
    };
    match opened {
        Ok(Ok(connection)) => speak(connection, served, &settings, service).await,
        Ok(Err(error)) => debug!(%error, "a connection failed before HTTP/2"),
        Err(_) => silent(&tracked),
    }
}

fn silent(tracked: &TrackedConnection) {
    let limit = tracked.limit();
    limit.metrics().dropped(limit.listener(), Dropped::Silent);
}

async fn speak<S>(
    connection: Connection,
    mut served: Served,
    settings: &ConnectionSettings,
    service: S,
) where
    S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let tracked = Arc::clone(&served.tracked);
    tracked.speaks_http2();
    let sender = Arc::new(Sender::new(&settings.receiving, &tracked));
    let (longest, asking) = (settings.longest_message, Arc::clone(&tracked));
    let service = service_fn(move |request: Request<Incoming>| {
        let held = Arc::new(MessageMemory::new(&sender));
        let headers = size(request.headers());
        let (parts, body) = request.into_parts();
        let arriving = IncomingBody::new(body, &held, headers, longest);
        let mut service = service.clone();
        let tracked = Arc::clone(&asking);
        async move {
            let body = Body::new(arriving.begun().await);
            let answer = service.call(Request::from_parts(parts, body)).await;
            drop(held);
            answer.map(|answer| {
                answer.map(|body| Answer {
                    body,
                    _open: tracked.answers(),
                })
            })
        }
    });
    let pings = settings.pings;
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .keep_alive_interval(pings.interval)
        .keep_alive_timeout(pings.timeout)
        .serve_connection(
            TokioIo::new(ObservedStream::new(connection, &tracked)),
            service,
        );
    let mut serving = pin!(serving);
    let mut silence = pin!(tracked.silence(pings.interval + pings.timeout + pings.grace));
    let mut is_ending = false;
    loop {
        tokio::select! {
            ended = &mut serving => {
                match ended {
                    Ok(()) => {}
                    Err(error) if error.is_timeout() => silent(&tracked),
                    Err(error) => debug!(%error, "a connection failed"),
                }
                return;
            }
            leave = tracked.must_close() => {
                if leave == Close::Gracefully {
                    serving.as_mut().graceful_shutdown();
                    // The client is gone, so no GOAWAY can be sent.
                    let _ = timeout(CLOSE_LIMIT, serving).await;
                }
                return;
            }
            // GOAWAY is in the buffer, and the client does not read it either.
            () = &mut silence => return silent(&tracked),
            () = served.end(), if !is_ending => {
                is_ending = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The size of the headers, roughly.
fn size(headers: &http::HeaderMap) -> usize {
    let of = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + 64
    };
    headers.iter().map(of).sum()
}

/// The body of an answer. It counts as open until HTTP/2 has accepted it.
struct Answer {
    body: Body,
    _open: OpenAnswer,
}

impl hyper::body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
