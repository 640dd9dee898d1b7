//! The body of a request, message by message. No work is done for an incomplete message.

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

use super::{MessageMemory, Sender, frame_buffer::FrameBuffer};
use crate::telemetry::metrics::Dropped;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A message up to this size needs no entry in the ledger if it arrives without a pause, in bytes.
const SMALL: usize = 64 * 1024;

/// A body that waits until a message is complete, within the time limit.
pub(in crate::transport) struct IncomingBody {
    body: Incoming,
    held: Arc<MessageMemory>,
    /// The memory of the stream besides its messages, in bytes.
    headers: usize,
    /// A longer message is passed on as it arrives. The reader then rejects it by its length.
    longest: usize,
    frame_buffer: FrameBuffer,
    trailers: Option<Frame<Bytes>>,
    waiting: Option<Box<Waiting>>,
    fault: Option<BoxError>,
    has_ended: bool,
}

struct Waiting {
    late: Pin<Box<Sleep>>,
    dropped: oneshot::Receiver<()>,
}

impl IncomingBody {
    /// The body of a request from `sender`, whose headers take this many bytes.
    pub(in crate::transport) fn new(
        body: Incoming,
        held: &Arc<MessageMemory>,
        headers: usize,
        longest: usize,
    ) -> Self {
        Self {
            body,
            held: Arc::clone(held),
            headers,
            longest,
            frame_buffer: FrameBuffer::default(),
            trailers: None,
            waiting: None,
            fault: None,
            has_ended: false,
        }
    }

    /// Waits until a message is complete, or cannot be completed any more. The reader then gets the result.
    ///
    /// Until then the stream uses little more memory than was sent. What is needed to answer is only created
    /// afterwards.
    pub(in crate::transport) async fn begun(mut self) -> Self {
        poll_fn(|context| self.poll_more(context)).await;
        self
    }

    /// Ready once there is a message to pass on, or the end.
    fn poll_more(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let has_data = self.frame_buffer.is_of_use() && !self.frame_buffer.is_empty();
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

    /// Adds a frame. Returns whether the message may go on.
    fn gather(&mut self, data: Bytes) -> bool {
        let before = self.frame_buffer.room();
        self.frame_buffer.take_up(data, self.longest);
        let room = self.frame_buffer.room();
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

    /// Begins to count the memory and the time of the message.
    fn enter(&mut self) {
        // The message may take long to arrive.
        self.frame_buffer.copy_first();
        self.waiting = Some(Box::new(Waiting {
            late: Box::pin(sleep(self.sender().receiving.patience)),
            dropped: self.held.enter(self.headers, self.frame_buffer.room()),
        }));
    }

    /// Nothing has arrived: wait, within the time limit.
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
                "the message was not complete in time",
            ));
        }
        Poll::Pending
    }

    fn is_dropped(&self) -> Status {
        self.sender().gave_up(Dropped::Memory);
        Status::resource_exhausted(
            "the message was dropped before it was complete: too much is being received",
        )
    }
}

impl Body for IncomingBody {
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
        let data = me.frame_buffer.take().map(Frame::data);
        Poll::Ready(data.or_else(|| me.trailers.take()).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        let is_empty = self.frame_buffer.is_empty() && self.trailers.is_none();
        self.has_ended && is_empty && self.fault.is_none()
    }
}
