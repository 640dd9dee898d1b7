//! How a connection begins: with TLS if configured, then the preface of HTTP/2.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;

use super::{certificates::Certificates, listener::Socket, stream_resets::StreamResets};

/// The first bytes of a client (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection for requests, with or without TLS.
pub(super) struct Connection {
    stream: Either<Socket, Box<TlsStream<Socket>>>,
    /// The part of the preface that hyper must still read. It was read before, to see whether the client speaks HTTP/2.
    unread: &'static [u8],
    resets: StreamResets,
}

/// Waits until the client sends something. HTTP/2 allocates buffers, which a silent client must not cause.
pub(super) async fn begin(
    socket: Socket,
    certificates: Option<Arc<Certificates>>,
    resets: StreamResets,
) -> io::Result<Connection> {
    let mut stream = match certificates {
        None => Either::Left(socket),
        Some(certificates) => Either::Right(Box::new(encrypted(socket, certificates).await?)),
    };
    let mut expected = PREFACE;
    let mut said = [0; PREFACE.len()];
    while !expected.is_empty() {
        let room = said.get_mut(..expected.len()).unwrap_or_default();
        let count = stream.read(room).await?;
        let (said, rest) = expected.split_at(count);
        if count == 0 || !room.starts_with(said) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "expected the preface of HTTP/2",
            ));
        }
        expected = rest;
    }
    Ok(Connection {
        stream,
        unread: PREFACE,
        resets,
    })
}

async fn encrypted(
    socket: Socket,
    certificates: Arc<Certificates>,
) -> io::Result<TlsStream<Socket>> {
    let current = certificates.now().await;
    TlsAcceptor::from(current).accept(socket).await
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.unread.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let (now, later) = self.unread.split_at(self.unread.len().min(buf.remaining()));
        buf.put_slice(now);
        self.unread = later;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        if let Poll::Ready(Ok(count)) = written {
            self.resets.written(buf.get(..count).unwrap_or_default());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
