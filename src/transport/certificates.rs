//! The certificates of a gRPC port. They are replaced every few weeks by cert-manager and its like: a connection that begins
//! gets those that are in the files then.

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

/// How long a connection waits for a look at the files. What takes longer does not answer, and the last good certificates
/// serve.
const WAIT: Duration = Duration::from_secs(1);

/// Certificates, and the files that they come from.
pub struct Certificates {
    section: &'static str,
    settings: config::Tls,
    metrics: Arc<Metrics>,
    current: Mutex<Current>,
    looks: watch::Sender<Looks>,
}

/// The looks at the files, which are one after the other: so what is older takes the place of nothing newer, and files that do
/// not answer hold up one thread.
#[derive(Debug, Default)]
struct Looks {
    begun: u64,
    ended: u64,
    /// Somebody has come since the last one began.
    is_wanted: bool,
    /// One took longer than a connection waits, and has not ended.
    is_stalled: bool,
}

struct Current {
    server: Arc<ServerConfig>,
    /// The content that it was made of.
    content: Content,
    /// The fault of other content since, so that it is said once.
    fault: Option<String>,
}

/// What is in the files.
#[derive(PartialEq, Eq)]
struct Content {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Certificates {
    /// Those of the files that the section `section` of the configuration names.
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
            looks: watch::Sender::default(),
        })
    }

    /// What a connection that begins now is to use. Files that are of no use, or do not answer, leave the last good ones in
    /// force, and are tried again by the next connection.
    pub async fn now(self: &Arc<Self>) -> Arc<ServerConfig> {
        let read = |this: &Self| Content::read(&this.settings);
        self.after_a_look(read).await
    }

    async fn after_a_look(
        self: &Arc<Self>,
        read: impl Fn(&Self) -> Result<Content, ServerError> + Send + 'static,
    ) -> Arc<ServerConfig> {
        let mut looks = self.looks.subscribe();
        let (mut awaited, mut is_first) = (0, false);
        self.looks.send_modify(|looks| {
            // One that is under way may have read what is older than this connection.
            awaited = looks.begun + 1;
            is_first = looks.begun == looks.ended;
            if is_first {
                looks.begun += 1;
            } else {
                looks.is_wanted = true;
            }
        });
        if is_first {
            self.look(read);
        }
        let ended = looks.wait_for(|looks| looks.ended >= awaited || looks.is_stalled);
        let ended = timeout(WAIT, ended).await;
        if ended.is_err() {
            self.looks
                .send_modify(|looks| looks.is_stalled = looks.begun > looks.ended);
        }
        if self.looks.borrow().is_stalled {
            self.note(Err(ServerError::Silent {
                section: self.section,
            }));
        }
        Arc::clone(&self.current().server)
    }

    /// Looks at the files on a thread, and again where somebody has come meanwhile.
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
                this.looks.send_modify(|looks| {
                    looks.ended = looks.begun;
                    looks.is_stalled = false;
                    goes_on = std::mem::take(&mut looks.is_wanted);
                    looks.begun += u64::from(goes_on);
                });
            }
        };
        if thread.spawn(look).is_err() {
            // Without a thread nothing is looked at; the next connection tries again.
            self.looks.send_modify(|looks| {
                looks.ended = looks.begun;
                looks.is_wanted = false;
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
        info!(section = self.section, "took up new certificates");
        Ok(())
    }

    /// Tells how a look ended, a fault once.
    fn note(&self, followed: Result<(), ServerError>) {
        self.metrics.certificates(self.section, followed.is_ok());
        let fault = followed.err().map(|fault| fault.to_string());
        let mut current = self.current();
        if let Some(fault) = &fault
            && current.fault.as_ref() != Some(fault)
        {
            error!("{fault}; the last good certificates go on serving");
        }
        current.fault = fault;
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// All of it as it stood at one moment, so that the key is that of the certificate.
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
    certificates::server(&files.cert, &files.key, files.client_ca.as_deref()).map_err(|useless| {
        ServerError::Certificates {
            section,
            key: useless.key,
            cause: useless.message,
        }
    })
}

#[cfg(test)]
mod tests;
