//! One connection of a gRPC client, from its first byte to its last.

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
    receiving::{Arriving, Held, Receiving, Sender},
    stream_resets::StreamResets,
};
use crate::{
    connections::{FAREWELL, Guest, Heard, Leave, OpenAnswer, Served},
    telemetry::{metrics::Dropped, occasionally::Occasionally},
};

/// Resets that a connection may have pending before it is closed. When many clients drop at once Envoy resets their
/// checks; h2's default of 20 would then close the connection for all others.
const MAX_PENDING_RESETS: usize = 100_000;
/// Checks in flight on one connection.
const MAX_STREAMS: u32 = 4096;

/// When clients are asked whether they are still there, and how long they may take to say so.
#[derive(Debug, Clone, Copy)]
pub struct Pings {
    /// A PING is sent after so long without a byte from the client.
    pub interval: Duration,
    /// How long its answer may take before the connection is ended, by GOAWAY.
    pub timeout: Duration,
    /// How long after that it is closed, whether GOAWAY could be sent or not.
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

/// What all connections of a server have in common.
#[derive(Clone)]
pub(super) struct Rules {
    pub(super) certificates: Option<Arc<Certificates>>,
    pub(super) receiving: Arc<Receiving>,
    pub(super) pings: Pings,
    pub(super) longest_message: usize,
    /// When it was told that requests cannot be read.
    pub(super) told: Arc<Occasionally>,
}

/// Serves a connection until it ends, has to leave, or the service ends.
pub(super) async fn serve<S>(socket: Socket, mut served: Served, rules: Rules, service: S)
where
    S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let guest = Arc::clone(&served.guest);
    let resets = StreamResets::of(&guest, &rules.told);
    let opening = begin(socket, rules.certificates.clone(), resets);
    let opened = tokio::select! {
        opened = timeout(rules.receiving.patience(), opening) => opened,
        _ = guest.dismissal() => return,
        () = served.end() => return,
    };
    match opened {
        Ok(Ok(connection)) => speak(connection, served, &rules, service).await,
        Ok(Err(error)) => debug!(%error, "a connection did not come about"),
        Err(_) => silent(&guest),
    }
}

fn silent(guest: &Guest) {
    let seats = guest.seats();
    seats.metrics().dropped(seats.listener(), Dropped::Silent);
}

async fn speak<S>(connection: Connection, mut served: Served, rules: &Rules, service: S)
where
    S: Service<Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let guest = Arc::clone(&served.guest);
    guest.has_begun();
    let sender = Arc::new(Sender::new(&rules.receiving, &guest));
    let (longest, asking) = (rules.longest_message, Arc::clone(&guest));
    let service = service_fn(move |request: Request<Incoming>| {
        let held = Arc::new(Held::new(&sender));
        let headers = size(request.headers());
        let (parts, body) = request.into_parts();
        let arriving = Arriving::new(body, &held, headers, longest);
        let mut service = service.clone();
        let guest = Arc::clone(&asking);
        async move {
            let body = Body::new(arriving.begun().await);
            let answer = service.call(Request::from_parts(parts, body)).await;
            drop(held);
            answer.map(|answer| {
                answer.map(|body| Answer {
                    body,
                    _open: guest.answers(),
                })
            })
        }
    });
    let pings = rules.pings;
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .keep_alive_interval(pings.interval)
        .keep_alive_timeout(pings.timeout)
        .serve_connection(TokioIo::new(Heard::new(connection, &guest)), service);
    let mut serving = pin!(serving);
    let mut silence = pin!(guest.silence(pings.interval + pings.timeout + pings.grace));
    let mut is_ending = false;
    loop {
        tokio::select! {
            ended = &mut serving => {
                match ended {
                    Ok(()) => {}
                    Err(error) if error.is_timeout() => silent(&guest),
                    Err(error) => debug!(%error, "a connection broke off"),
                }
                return;
            }
            leave = guest.dismissal() => {
                if leave == Leave::Kindly {
                    serving.as_mut().graceful_shutdown();
                    // The client is gone, so nobody can be told.
                    let _ = timeout(FAREWELL, serving).await;
                }
                return;
            }
            // GOAWAY is in its buffer, and it does not read that either.
            () = &mut silence => return silent(&guest),
            () = served.end(), if !is_ending => {
                is_ending = true;
                serving.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What headers take, about.
fn size(headers: &http::HeaderMap) -> usize {
    let of = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        name.as_str().len() + value.len() + 64
    };
    headers.iter().map(of).sum()
}

/// The body of an answer, which is open until HTTP/2 has taken it.
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
