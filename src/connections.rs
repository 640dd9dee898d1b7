//! Connections of clients: how many there may be, which one is closed for a new one, and how the last ones are drained.

mod heard;
pub mod open_files;
mod seats;

use std::{io, sync::Arc, time::Duration};

use tokio::{sync::watch, task::JoinSet, time::sleep};
use tracing::warn;

pub use self::{
    heard::Heard,
    seats::{Guest, Leave, OpenAnswer, Seats},
};
use crate::telemetry::{metrics::Dropped, occasionally::Occasionally};

/// How long a connection that may end its work can take for it.
pub const FAREWELL: Duration = Duration::from_secs(1);

/// A source of connections.
pub trait Accept {
    /// A connection.
    type Socket: Send + 'static;

    /// The next one.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Socket>> + Send;
}

/// The place of a connection while it is served.
pub struct Served {
    /// Its seat.
    pub guest: Arc<Guest>,
    /// True once the service ends: requests that have begun are finished, and no new ones are begun.
    pub ending: watch::Receiver<bool>,
}

impl Served {
    /// Ends once the service does.
    pub async fn end(&mut self) {
        // If the sender was dropped, the service has ended too.
        let _ = self.ending.wait_for(|ends| *ends).await;
    }
}

/// Serves each connection of `listener` by `each` until `shutdown` ends, then waits until those that are open have ended.
pub async fn serve<L, F>(
    listener: L,
    seats: Arc<Seats>,
    each: impl Fn(L::Socket, Served) -> F,
    shutdown: impl Future<Output = ()>,
) where
    L: Accept,
    F: Future<Output = ()> + Send + 'static,
{
    let mut shutdown = std::pin::pin!(shutdown);
    let (end, ending) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let faults = Occasionally::default();
    loop {
        let (socket, guest) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            next = next(&listener, &seats, &faults) => next,
        };
        let served = Served {
            guest: Arc::new(guest),
            ending: ending.clone(),
        };
        tasks.spawn(each(socket, served));
        while tasks.try_join_next().is_some() {}
    }
    // The port is free at once, and a Unix socket's file is gone.
    drop(listener);
    end.send_replace(true);
    while tasks.join_next().await.is_some() {}
}

async fn next<L: Accept>(
    listener: &L,
    seats: &Arc<Seats>,
    faults: &Occasionally,
) -> (L::Socket, Guest) {
    loop {
        match listener.accept().await {
            Ok(socket) => return (socket, seats.admit().await),
            Err(error) => {
                let listener = seats.listener();
                seats.metrics().dropped(listener, Dropped::NotAccepted);
                if let Some(count) = faults.due() {
                    warn!(listener, count, %error, "connections could not be accepted");
                }
                // No file descriptor is left. Trying again at once would use a processor for nothing.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
