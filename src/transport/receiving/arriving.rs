//! The body of a request, message by message: nothing is made of one that has not come whole.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_util::FutureExt;
use hyper::body::{Body, Frame, Incoming};
use prost::bytes::Bytes;
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};
use tonic::Status;

use super::{Held, Sender, gathered::Gathered};
use crate::telemetry::metrics::Dropped;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What needs no entry as long as it comes without a pause, in bytes.
const SMALL: usize = 64 * 1024;

/// A body that waits for a message to be whole, as long as it may.
pub(in crate::transport) struct Arriving {
    body: Incoming,
    held: Arc<Held>,
    /// What the stream holds beside its messages, in bytes.
    headers: usize,
    /// A longer message is passed on as it comes, to be refused by its length.
    longest: usize,
    gathered: Gathered,
    trailers: Option<Frame<Bytes>>,
    waiting: Option<Box<Waiting>>,
    fault: Option<BoxError>,
    has_ended: bool,
}

struct Waiting {
    late: Pin<Box<Sleep>>,
    dropped: oneshot::Receiver<()>,
}

impl Arriving {
    /// The body of a request of `sender`'s, whose headers take so many bytes.
    pub(in crate::transport) fn new(
        body: Incoming,
        held: &Arc<Held>,
        headers: usize,
        longest: usize,
    ) -> Self {
        Self {
            body,
            held: Arc::clone(held),
            headers,
            longest,
            gathered: Gathered::default(),
            trailers: None,
            waiting: None,
            fault: None,
            has_ended: false,
        }
    }

    /// Waits until a message is whole, or will not be any more: whoever reads it gets to know.
    ///
    /// Until then the stream takes little more than what was sent: what judges a message is made when there is one.
    pub(in crate::transport) async fn begun(mut self) -> Self {
        poll_fn(|context| self.poll_more(context)).await;
        self
    }

    /// Ready once there is something to pass on, be it the end.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let has_data = self.gathered.is_of_use() && !self.gathered.is_empty();
            if has_data || self.has_ended || self.fault.is_some() {
                return Poll::Ready(());
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        if !self.gather(data) {
                            self.fault = Some(self.is_dropped().into());
                        }
                        if self.body.is_end_stream() {
                            self.end();
                        }
                    }
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        self.end();
                    }
                },
                Poll::Ready(Some(Err(error))) => self.fault = Some(error.into()),
                Poll::Ready(None) => self.end(),
                Poll::Pending => match self.wait(context) {
                    Poll::Ready(status) => self.fault = Some(status.into()),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn sender(&self) -> &Sender {
        &self.held.sender
    }

    /// Takes up a frame; whether the message may go on.
    fn gather(&mut self, data: Bytes) -> bool {
        let before = self.gathered.room();
        self.gathered.take_up(data, self.longest);
        let room = self.gathered.room();
        if self.waiting.is_some() {
            return self.held.grow(room.saturating_sub(before));
        }
        if room > SMALL {
            self.enter();
        }
        true
    }

    fn end(&mut self) {
        if !self.has_ended {
            self.has_ended = true;
            self.waiting = None;
            self.held.is_whole();
        }
    }

    /// From now on it is counted what it holds, and for how long.
    fn enter(&mut self) {
        // It may have to wait for long.
        self.gathered.copy_first();
        self.waiting = Some(Box::new(Waiting {
            late: Box::pin(sleep(self.sender().receiving.patience)),
            dropped: self.held.enter(self.headers, self.gathered.room()),
        }));
    }

    /// Nothing has come: it waits, as long as it may.
    fn wait(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        if self.waiting.is_none() {
            self.enter();
        }
        let Some(waiting) = &mut self.waiting else {
            return Poll::Pending;
        };
        if waiting.dropped.poll_unpin(context).is_ready() {
            return Poll::Ready(self.is_dropped());
        }
        if waiting.late.as_mut().poll(context).is_ready() {
            self.sender().gave_up(Dropped::Late);
            return Poll::Ready(Status::deadline_exceeded(
                "the message did not come whole in time",
            ));
        }
        Poll::Pending
    }

    fn is_dropped(&self) -> Status {
        self.sender().gave_up(Dropped::Memory);
        Status::resource_exhausted(
            "the message was dropped before it had come whole: too much is being received",
        )
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let me = self.get_mut();
        ready!(me.poll_more(context));
        if let Some(fault) = me.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        let data = me.gathered.take().map(Frame::data);
        Poll::Ready(data.or_else(|| me.trailers.take()).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        let is_empty = self.gathered.is_empty() && self.trailers.is_none();
        self.has_ended && is_empty && self.fault.is_none()
    }
}
