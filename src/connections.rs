//! The connections of clients: their limit, which one is closed for a new one, and how they are drained at the end.

mod limit;
mod observed_stream;
pub mod open_files;

use std::{io, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::sleep};
use tracing::warn;

pub use self::{
    limit::{Close, ConnectionLimit, OpenAnswer, TrackedConnection},
    observed_stream::ObservedStream,
};
use crate::telemetry::{log_throttle::LogThrottle, metrics::Dropped};

/// How long a connection that must close may take to finish its requests.
pub const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// A source of connections.
pub trait Accept {
    /// A connection.
    type Socket: Send + 'static;

    /// The next one.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Socket>> + Send;
}

/// A connection that is being served.
pub struct Served {
    /// Its place under the limit.
    pub tracked: Arc<TrackedConnection>,
    /// True once the service stops: then requests that have begun are finished, and no new ones are accepted.
    pub ending: watch::Receiver<bool>,
}

impl Served {
    /// Completes once the service stops.
    pub async fn end(&mut self) {
        // If the sender was dropped, the service has stopped too.
        let _ = self.ending.wait_for(|ends| *ends).await;
    }
}

/// Serves each connection of `listener` with `each` until `shutdown` completes, then waits for the open connections to
/// end.
pub async fn serve<L, F>(
    listener: L,
    limit: Arc<ConnectionLimit>,
    each: impl Fn(L::Socket, Served) -> F,
    shutdown: impl Future<Output = ()>,
) where
    L: Accept,
    F: Future<Output = ()> + Send + 'static,
{
    let mut shutdown = std::pin::pin!(shutdown);
    let (end, ending) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let faults = LogThrottle::default();
    loop {
        let (socket, tracked) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = next(&listener, &limit, &faults) => next,
        };
        let served = Served {
            tracked: Arc::new(tracked),
            ending: ending.clone(),
        };
        tasks.spawn(each(socket, served));
        while tasks.try_join_next().is_some() {}
    }
    // This frees the port at once, and the file of a Unix socket is removed.
    drop(listener);
    end.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

async fn next<L: Accept>(
    listener: &L,
    limit: &Arc<ConnectionLimit>,
    faults: &LogThrottle,
) -> (L::Socket, TrackedConnection) {
    loop {
        match listener.accept().await {
            Ok(socket) => return (socket, limit.admit().await),
            Err(error) => {
                let listener = limit.listener();
                limit.metrics().dropped(listener, Dropped::NotAccepted);
                if let Some(count) = faults.due() {
                    warn!(listener, count, %error, "connections could not be accepted");
                }
                // No file descriptor is left. Trying again at once would only waste a processor.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
