//! Connections as they come, encrypted ones once they are.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::either::Either;
use tonic::transport::server::Connected;
use tracing::{debug, warn};

use super::{
    certificates::Certificates,
    listener::{Listener, Socket},
};

/// How long a client may take to agree on a key.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Clients that may be about it at once; more wait to be accepted.
const MAX_HANDSHAKES: usize = 4096;

/// A connection that requests can come over: as it is, or by TLS.
pub(super) struct Connection(Either<Socket, Box<TlsStream<Socket>>>);

/// All connections to `listener`, by TLS where there are certificates.
pub(super) fn incoming(
    listener: Listener,
    certificates: Option<Arc<Certificates>>,
) -> impl Stream<Item = io::Result<Connection>> {
    let door = Door {
        listener,
        certificates,
        handshakes: JoinSet::new(),
    };
    stream::unfold(door, |mut door| async {
        let connection = door.next().await;
        Some((Ok(connection), door))
    })
}

struct Door {
    listener: Listener,
    certificates: Option<Arc<Certificates>>,
    handshakes: JoinSet<io::Result<Connection>>,
}

impl Door {
    /// The next connection. One that comes to nothing is no reason to end.
    async fn next(&mut self) -> Connection {
        loop {
            tokio::select! {
                accepted = self.listener.accept(), if self.handshakes.len() < MAX_HANDSHAKES => {
                    match (accepted, &self.certificates) {
                        (Ok(socket), None) => return Connection(Either::Left(socket)),
                        (Ok(socket), Some(certificates)) => {
                            let certificates = Arc::clone(certificates);
                            self.handshakes.spawn(encrypted(socket, certificates));
                        }
                        (Err(error), _) => {
                            warn!(%error, "a connection could not be accepted");
                            // Out of file descriptors: trying again at once would only spin.
                            sleep(Duration::from_millis(50)).await;
                        }
                    }
                }
                Some(ended) = self.handshakes.join_next() => match ended {
                    Ok(Ok(connection)) => return connection,
                    Ok(Err(error)) => debug!(%error, "a TLS handshake failed"),
                    Err(error) => warn!(%error, "a TLS handshake broke off"),
                },
            }
        }
    }
}

async fn encrypted(socket: Socket, certificates: Arc<Certificates>) -> io::Result<Connection> {
    let handshake = async {
        let current = certificates.now().await;
        TlsAcceptor::from(current).accept(socket).await
    };
    let stream = timeout(HANDSHAKE, handshake).await??;
    Ok(Connection(Either::Right(Box::new(stream))))
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
