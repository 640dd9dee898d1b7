//! Checks the version of the running pygeoapi.
//!
//! How requests are read was measured with one version of pygeoapi. Another version may read them differently, so that
//! the policy would judge another resource than pygeoapi serves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{Client, redirect};
use thiserror::Error;
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::{
    authn::causes,
    config::{Config, Origin, Problem, Problems, PygeoapiVersion, VersionMismatch},
};

/// The time limit, both for connecting and for the whole exchange.
const LIMIT: Duration = Duration::from_secs(2);
/// The pause before a server that did not answer is asked again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of these pauses. Each is twice as long as the one before.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// The header with pygeoapi's version: `pygeoapi 0.24.0`.
const HEADER: &str = "x-powered-by";

/// Why the version is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AskError {
    /// There was no connection, no answer in time, or no HTTP.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The URL.
        url: String,
        /// The cause.
        cause: String,
    },
    /// The answer contains no version.
    #[error("{url}: expected `pygeoapi VERSION` in the header {HEADER}, found none")]
    NotTold {
        /// The URL.
        url: String,
    },
}

/// Two versions that should be equal.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// The configured version is not the one that geowarden was measured with.
    #[error(
        "`pygeoapi.version` is {0}, but geowarden was measured with {measured}: {0} may read requests differently",
        measured = PygeoapiVersion::MEASURED
    )]
    NotMeasured(PygeoapiVersion),
    /// The running version is not the configured one.
    #[error(
        "expected pygeoapi {guarded} (`pygeoapi.version`), found {running}: it may read requests differently"
    )]
    Running {
        /// The running version.
        running: PygeoapiVersion,
        /// The configured version.
        guarded: PygeoapiVersion,
    },
}

/// The result of asking the running server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is the configured version, or no `pygeoapi.url` is set.
    Same,
    /// It is another version.
    Other(Mismatch),
    /// The server could not be asked.
    Unknown(AskError),
}

/// Compares the version of the running server with the configured one.
pub async fn compare(config: &Config) -> Answer {
    let Some(url) = &config.pygeoapi.url else {
        return Answer::Same;
    };
    let page = format!(
        "{}{}/conformance?f=json",
        url.as_str().trim_end_matches('/'),
        config.pygeoapi.base_path
    );
    match ask(&page).await {
        Err(unknown) => Answer::Unknown(unknown),
        Ok(running) if running == config.pygeoapi.version => Answer::Same,
        Ok(running) => Answer::Other(Mismatch::Running {
            running,
            guarded: config.pygeoapi.version,
        }),
    }
}

async fn ask(page: &str) -> Result<PygeoapiVersion, AskError> {
    let unreachable = |error: reqwest::Error| AskError::Unreachable {
        url: page.to_owned(),
        cause: causes(&error.without_url()),
    };
    let client = Client::builder()
        .timeout(LIMIT)
        .redirect(redirect::Policy::none())
        // The proxy comes from the configuration only, never from an inherited environment.
        .no_proxy()
        .build()
        .map_err(unreachable)?;
    let answer = client.get(page).send().await.map_err(unreachable)?;
    let value = answer
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok());
    value
        .and_then(|value| value.strip_prefix("pygeoapi ")?.parse().ok())
        .ok_or_else(|| AskError::NotTold {
            url: page.to_owned(),
        })
}

/// The findings about the versions, for each tenant and each pygeoapi.
#[derive(Debug, Default)]
pub struct VersionFindings {
    /// Warnings for the operator, one sentence each.
    pub warnings: Vec<String>,
    /// Mismatches that are errors (`pygeoapi.version_mismatch`).
    pub problems: Problems,
    /// Servers that could not be asked, to ask them later.
    pub unknown: Vec<Config>,
}

impl VersionFindings {
    /// Checks the configured versions without asking a server.
    pub fn of_configuration(config: &Config) -> Self {
        let mut found = Self::default();
        for part in config.parts() {
            if part.config.pygeoapi.version != PygeoapiVersion::MEASURED {
                let mismatch = Mismatch::NotMeasured(part.config.pygeoapi.version);
                found.add(&part.config, "pygeoapi.version", &mismatch);
            }
        }
        found
    }

    /// Checks the configured versions and asks the running servers.
    pub async fn of_servers(config: &Config) -> Self {
        let mut found = Self::of_configuration(config);
        for part in config.parts() {
            match compare(&part.config).await {
                Answer::Same => {}
                Answer::Other(mismatch) => found.add(&part.config, "pygeoapi.url", &mismatch),
                Answer::Unknown(why) => {
                    found
                        .warnings
                        .push(format!("pygeoapi's version is not known: {why}"));
                    found.unknown.push(part.config);
                }
            }
        }
        // Most tenants share one pygeoapi.
        found.warnings.sort();
        found.warnings.dedup();
        found
    }

    fn add(&mut self, config: &Config, path: &str, mismatch: &Mismatch) {
        match config.pygeoapi.version_mismatch {
            VersionMismatch::Warn => self.warnings.push(mismatch.to_string()),
            VersionMismatch::Refuse => self.problems.0.push(Problem {
                origin: Origin::File {
                    file: "configuration".to_owned(),
                    line: None,
                },
                path: path.to_owned(),
                message: mismatch.to_string(),
            }),
        }
    }
}

/// Asks the servers that did not answer at start, until each has answered, and reports mismatches.
pub struct VersionChecks {
    unknown: Vec<Config>,
    refused: Arc<AtomicBool>,
}

impl VersionChecks {
    /// Asks the servers of `tenants`. If a mismatch is an error, `refused` becomes true.
    pub fn new(unknown: Vec<Config>, refused: Arc<AtomicBool>) -> Self {
        Self { unknown, refused }
    }

    /// Asks until `stopped` completes.
    pub async fn run(&mut self, stopped: impl Future<Output = ()>) {
        let mut stopped = std::pin::pin!(stopped);
        let mut pause = FIRST_PAUSE;
        while !self.unknown.is_empty() {
            tokio::select! {
                () = &mut stopped => return,
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            let mut still = Vec::new();
            for config in std::mem::take(&mut self.unknown) {
                match compare(&config).await {
                    Answer::Same => info!("pygeoapi {} runs, as guarded", config.pygeoapi.version),
                    Answer::Unknown(_) => still.push(config),
                    Answer::Other(mismatch) => self.report(&config, &mismatch),
                }
            }
            self.unknown = still;
        }
        stopped.await;
    }

    fn report(&self, config: &Config, mismatch: &Mismatch) {
        match config.pygeoapi.version_mismatch {
            VersionMismatch::Warn => warn!("{mismatch}"),
            VersionMismatch::Refuse => {
                error!("{mismatch}; geowarden is not ready");
                self.refused.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests;
