//! The pygeoapi that runs: which version it is, and whether that is the one that is guarded.
//!
//! How a request is read was measured with one version of pygeoapi. Another one may read it differently, so that what a policy
//! sees is not what pygeoapi serves.

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

/// The limit on connecting, and on the whole exchange.
const LIMIT: Duration = Duration::from_secs(2);
/// Before a server that did not answer is asked again.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest of these pauses, which double.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// In which pygeoapi tells its version: `pygeoapi 0.24.0`.
const HEADER: &str = "x-powered-by";

/// Why the version is not known.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AskError {
    /// No connection, no answer in time, or no HTTP.
    #[error("{url} was not reached: {cause}")]
    Unreachable {
        /// What was asked.
        url: String,
        /// Why.
        cause: String,
    },
    /// The answer names no version.
    #[error("{url} does not tell its version: expected `pygeoapi VERSION` in the header {HEADER}")]
    NotTold {
        /// What was asked.
        url: String,
    },
}

/// Two versions that should be one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// geowarden was not measured with the version that is configured.
    #[error(
        "`pygeoapi.version` is {0}, but geowarden was measured with {measured}: {0} may read requests differently",
        measured = PygeoapiVersion::MEASURED
    )]
    NotMeasured(PygeoapiVersion),
    /// Another version runs.
    #[error(
        "pygeoapi {running} runs, but {guarded} is guarded (`pygeoapi.version`): it may read requests differently"
    )]
    Running {
        /// What the server tells.
        running: PygeoapiVersion,
        /// What is configured.
        guarded: PygeoapiVersion,
    },
}

/// What asking the running server came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The guarded version, or there is nobody to ask (`pygeoapi.url`).
    Same,
    /// Another one.
    Other(Mismatch),
    /// It could not be asked.
    Unknown(AskError),
}

/// Compares the version of the running server with the guarded one.
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
        // A proxy is a matter of configuration, not of an inherited environment.
        .no_proxy()
        .build()
        .map_err(unreachable)?;
    let answer = client.get(page).send().await.map_err(unreachable)?;
    let told = answer
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok());
    told.and_then(|told| told.strip_prefix("pygeoapi ")?.parse().ok())
        .ok_or_else(|| AskError::NotTold {
            url: page.to_owned(),
        })
}

/// What there is to say of the versions, for each tenant and each pygeoapi.
#[derive(Debug, Default)]
pub struct Findings {
    /// For the operator, one sentence each.
    pub warnings: Vec<String>,
    /// Mismatches that are refused (`pygeoapi.version_mismatch`).
    pub problems: Problems,
    /// Those that could not be asked, for later.
    pub unknown: Vec<Config>,
}

impl Findings {
    /// Without asking: whether the configured versions are the measured one.
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

    /// The same, and the running servers asked.
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
        // Tenants mostly share one pygeoapi.
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

/// The servers that could not be asked at start: each is asked until it has answered, and a mismatch is told.
pub struct Later {
    unknown: Vec<Config>,
    refused: Arc<AtomicBool>,
}

impl Later {
    /// Of these; where a mismatch is refused, `refused` becomes true.
    pub fn new(unknown: Vec<Config>, refused: Arc<AtomicBool>) -> Self {
        Self { unknown, refused }
    }

    /// Asks until `stopped` ends.
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
                    Answer::Other(mismatch) => self.tell(&config, &mismatch),
                }
            }
            self.unknown = still;
        }
        stopped.await;
    }

    fn tell(&self, config: &Config, mismatch: &Mismatch) {
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
mod tests {
    use super::*;
    use crate::config::Environment;

    fn configuration(text: &str) -> Config {
        let folder = std::path::Path::new("");
        Config::from_text("test", text, folder, &Environment::default()).unwrap()
    }

    fn found(text: &str) -> Findings {
        Findings::of_configuration(&configuration(text))
    }

    #[test]
    fn another_version_than_the_measured_one_is_told() {
        for text in [
            "",
            "pygeoapi: {version: '0.24'}",
            "pygeoapi: {version: 0.24.1, version_mismatch: refuse}",
        ] {
            let found = found(text);
            assert!(
                found.warnings.is_empty() && found.problems.0.is_empty(),
                "{text}"
            );
        }
        let warned = found("pygeoapi: {version: '0.25'}");
        assert!(warned.problems.0.is_empty());
        assert!(
            warned.warnings[0].contains("measured with 0.24"),
            "{warned:?}"
        );
        let refused = found("pygeoapi: {version: '0.25', version_mismatch: refuse}");
        assert_eq!(refused.problems.0[0].path, "pygeoapi.version");
    }

    #[test]
    fn a_mismatch_that_is_found_later_is_refused_where_it_is_to_be() {
        for (on_mismatch, is_refused) in [("warn", false), ("refuse", true)] {
            let text = format!("pygeoapi: {{version_mismatch: {on_mismatch}}}");
            let config = configuration(&text);
            let refused = Arc::default();
            let later = Later::new(Vec::new(), Arc::clone(&refused));
            let running = "0.25".parse().unwrap();
            let guarded = config.pygeoapi.version;
            later.tell(&config, &Mismatch::Running { running, guarded });
            assert_eq!(refused.load(Ordering::Relaxed), is_refused, "{on_mismatch}");
        }
    }
}
