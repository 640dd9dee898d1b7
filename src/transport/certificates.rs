//! The certificates of a gRPC port. Tools such as cert-manager replace them every few weeks, so each new connection
//! uses the current content of the files.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use tokio_rustls::rustls::ServerConfig;
use tracing::{error, info};

use super::error::ServerError;
use crate::{
    config::{self, certificates},
    files::{Files, Fresh, Root},
    telemetry::metrics::Metrics,
};

/// How long a connection waits for the files to be read. After that, the last good certificates are used.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// The certificates, and their files.
pub struct Certificates {
    section: &'static str,
    settings: config::Tls,
    metrics: Arc<Metrics>,
    current: Mutex<Current>,
    readings: watch::Sender<Readings>,
}

/// Counts the readings of the files. They run one after the other, so that older content never replaces newer content.
/// Files that do not answer block one thread only.
#[derive(Debug, Default)]
struct Readings {
    begun: u64,
    ended: u64,
    /// A connection has arrived since the last reading began.
    is_wanted: bool,
    /// A reading took longer than a connection waits, and has not ended yet.
    is_stalled: bool,
}

struct Current {
    server: Arc<ServerConfig>,
    /// The content that it was made from.
    content: Content,
    /// The last error, so that the same error is logged once.
    fault: Option<String>,
}

/// The content of the files.
#[derive(PartialEq, Eq)]
struct Content {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificates {
    /// Reads the files of the section `section` of the configuration.
    pub fn load(
        section: &'static str,
        settings: &config::Tls,
        metrics: Arc<Metrics>,
    ) -> Result<Self, ServerError> {
        let content = Content::read(settings)?;
        let current = Current {
            server: Arc::new(server(section, &content)?),
            content,
            fault: None,
        };
        metrics.certificates(section, true);
        Ok(Self {
            section,
            settings: settings.clone(),
            metrics,
            current: Mutex::new(current),
            readings: watch::Sender::default(),
        })
    }

    /// The certificates for a connection that begins now. If the files cannot be used or do not answer, these are the
    /// last good ones, and the next connection reads the files again.
    pub async fn now(self: &Arc<Self>) -> Arc<ServerConfig> {
        let read = |this: &Self| Content::read(&this.settings);
        self.after_a_look(read).await
    }

    async fn after_a_look(
        self: &Arc<Self>,
        read: impl Fn(&Self) -> Result<Content, ServerError> + Send + 'static,
    ) -> Arc<ServerConfig> {
        let mut readings = self.readings.subscribe();
        let (mut awaited, mut is_first) = (0, false);
        self.readings.send_modify(|readings| {
            // A reading that has already begun may have read files older than this connection.
            awaited = readings.begun + 1;
            is_first = readings.begun == readings.ended;
            if is_first {
                readings.begun += 1;
            } else {
                readings.is_wanted = true;
            }
        });
        if is_first {
            self.look(read);
        }
        let ended = readings.wait_for(|readings| readings.ended >= awaited || readings.is_stalled);
        // The value of `wait_for` locks the readings. It must not live on: the next lock could wait for a writer that waits for
        // this one.
        let is_late = timeout(MAX_WAIT, ended).await.is_err();
        if is_late {
            self.readings
                .send_modify(|readings| readings.is_stalled = readings.begun > readings.ended);
        }
        if self.readings.borrow().is_stalled {
            self.note(Err(ServerError::Silent {
                section: self.section,
            }));
        }
        Arc::clone(&self.current().server)
    }

    /// Reads the files on a thread, and again if a connection has arrived meanwhile.
    fn look(
        self: &Arc<Self>,
        read: impl Fn(&Self) -> Result<Content, ServerError> + Send + 'static,
    ) {
        let this = Arc::clone(self);
        let thread = thread::Builder::new().name("certificates".to_owned());
        let look = move || {
            let mut goes_on = true;
            while goes_on {
                let followed = catch_unwind(AssertUnwindSafe(|| {
                    let content = read(&this)?;
                    this.follow(content)
                }));
                this.note(followed.unwrap_or(Err(ServerError::BrokenOff {
                    section: this.section,
                })));
                this.readings.send_modify(|readings| {
                    readings.ended = readings.begun;
                    readings.is_stalled = false;
                    goes_on = std::mem::take(&mut readings.is_wanted);
                    readings.begun += u64::from(goes_on);
                });
            }
        };
        if thread.spawn(look).is_err() {
            // If no thread can be started, the files are not read. The next connection tries again.
            self.readings.send_modify(|readings| {
                readings.ended = readings.begun;
                readings.is_wanted = false;
            });
            self.note(Err(ServerError::BrokenOff {
                section: self.section,
            }));
        }
    }

    fn follow(&self, content: Content) -> Result<(), ServerError> {
        if content == self.current().content {
            return Ok(());
        }
        let server = Arc::new(server(self.section, &content)?);
        *self.current() = Current {
            server,
            content,
            fault: None,
        };
        info!(section = self.section, "put new certificates in force");
        Ok(())
    }

    /// Records the outcome of a reading, and logs an error if it is new.
    fn note(&self, followed: Result<(), ServerError>) {
        self.metrics.certificates(self.section, followed.is_ok());
        let fault = followed.err().map(|fault| fault.to_string());
        let mut current = self.current();
        if let Some(fault) = &fault
            && current.fault.as_ref() != Some(fault)
        {
            error!("{fault}; the last good certificates stay in use");
        }
        current.fault = fault;
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// Reads all files as they were at one moment, so that key and certificate match.
    fn read(settings: &config::Tls) -> Result<Self, ServerError> {
        let paths = [
            Some(&settings.cert),
            Some(&settings.key),
            settings.client_ca.as_ref(),
        ];
        let roots: Vec<Root> = paths.into_iter().flatten().map(Root::file).collect();
        let files = Files::read(&roots, Fresh::Read).map_err(ServerError::Unsettled)?;
        let read = |path: &Path| {
            let bytes = files.bytes(path).map(<[u8]>::to_vec);
            bytes.map_err(|source| ServerError::Unreadable {
                path: path.to_path_buf(),
                source,
            })
        };
        Ok(Self {
            cert: read(&settings.cert)?,
            key: read(&settings.key)?,
            client_ca: settings.client_ca.as_deref().map(read).transpose()?,
        })
    }
}

fn server(section: &'static str, files: &Content) -> Result<ServerConfig, ServerError> {
    certificates::server(&files.cert, &files.key, files.client_ca.as_deref()).map_err(|unusable| {
        ServerError::Certificates {
            section,
            key: unusable.key,
            cause: unusable.message,
        }
    })
}

#[cfg(test)]
mod tests;
