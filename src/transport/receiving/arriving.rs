//! The body of a request, message by message: nothing is made of one that has not come whole.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::FutureExt;
use hyper::body::{Body, Frame, Incoming};
use prost::bytes::{Bytes, BytesMut};
use tokio::{
    sync::oneshot,
    time::{Sleep, sleep},
};
use tonic::Status;

use super::{Held, Sender};
use crate::telemetry::metrics::Dropped;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;
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
    has_ended: bool,
}

#[derive(Default)]
enum Gathered {
    #[default]
    Nothing,
    /// One frame as it came, which is all of a small message.
    One(Bytes),
    /// A copy of more: frames are parts of a larger buffer, which a small one must not keep alive.
    More(BytesMut),
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
            gathered: Gathered::Nothing,
            trailers: None,
            waiting: None,
            has_ended: false,
        }
    }

    fn sender(&self) -> &Sender {
        &self.held.sender
    }

    /// Takes up a frame; whether the message may go on.
    fn gather(&mut self, data: Bytes) -> bool {
        let before = self.room();
        self.gathered = match std::mem::take(&mut self.gathered) {
            Gathered::Nothing if self.waiting.is_none() => Gathered::One(data),
            Gathered::Nothing => Gathered::More(BytesMut::from(&data[..])),
            Gathered::One(first) => {
                let mut more = BytesMut::with_capacity(first.len() + data.len());
                more.extend_from_slice(&first);
                more.extend_from_slice(&data);
                Gathered::More(more)
            }
            Gathered::More(mut more) => {
                more.extend_from_slice(&data);
                Gathered::More(more)
            }
        };
        if self.waiting.is_some() {
            self.held.grow(self.room().saturating_sub(before))
        } else {
            if self.room() > SMALL {
                self.enter();
            }
            true
        }
    }

    /// The bytes that it takes.
    fn room(&self) -> usize {
        match &self.gathered {
            Gathered::Nothing => 0,
            Gathered::One(first) => first.len(),
            Gathered::More(more) => more.capacity(),
        }
    }

    fn gathered(&self) -> &[u8] {
        match &self.gathered {
            Gathered::Nothing => &[],
            Gathered::One(first) => first,
            Gathered::More(more) => more,
        }
    }

    /// Whether it is a whole message, or one that is refused by its length.
    fn is_of_use(&self) -> bool {
        let gathered = self.gathered();
        let Some(&[_, a, b, c, d]) = gathered.first_chunk::<PREFIX>() else {
            return false;
        };
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        length > self.longest || gathered.len() - PREFIX >= length
    }

    fn take(&mut self) -> Option<Bytes> {
        match std::mem::take(&mut self.gathered) {
            Gathered::Nothing => None,
            Gathered::One(first) => Some(first),
            Gathered::More(more) => Some(more.freeze()),
        }
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
        // A copy, since it may have to wait for long.
        if let Gathered::One(first) = &self.gathered {
            self.gathered = Gathered::More(BytesMut::from(&first[..]));
        }
        self.waiting = Some(Box::new(Waiting {
            late: Box::pin(sleep(self.sender().receiving.patience)),
            dropped: self.held.enter(self.headers + self.room()),
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
        loop {
            if me.has_ended {
                let data = me.take().map(Frame::data);
                return Poll::Ready(data.or_else(|| me.trailers.take()).map(Ok));
            }
            match Pin::new(&mut me.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => {
                        if !me.gather(data) {
                            return Poll::Ready(Some(Err(me.is_dropped().into())));
                        }
                        if me.body.is_end_stream() {
                            me.end();
                        } else if me.is_of_use() {
                            return Poll::Ready(me.take().map(|data| Ok(Frame::data(data))));
                        }
                    }
                    Err(trailers) => {
                        me.trailers = Some(trailers);
                        me.end();
                    }
                },
                Poll::Ready(Some(Err(error))) => {
                    me.waiting = None;
                    return Poll::Ready(Some(Err(error.into())));
                }
                Poll::Ready(None) => me.end(),
                Poll::Pending => return me.wait(context).map(|status| Some(Err(status.into()))),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended && matches!(self.gathered, Gathered::Nothing) && self.trailers.is_none()
    }
}
