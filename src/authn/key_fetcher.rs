//! The background task that refreshes the keys of one issuer.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;
use url::Url;

use super::discovery::{self, DiscoveryError};
use super::fetch::{FetchError, Fetcher};
use super::jwks::{KeySet, KeySetError, UnfitKey};
use super::key_source::{AskSettings, KeySource};

/// The pause after the first failure. It doubles with each further failure.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// The longest pause after a failure.
const LAST_BACKOFF: Duration = Duration::from_mins(1);

/// Where the keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// At the `jwks_uri` of the issuer's metadata.
    Discovery,
    /// At this URL.
    JwksUri(Url),
}

/// How the keys of one issuer are refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFetchSettings {
    /// The issuer, exactly as in `iss`.
    pub issuer: String,
    /// Where its keys are.
    pub location: KeyLocation,
    /// The pause between two successful fetches.
    pub refresh: Duration,
    /// What a token with an unknown `kid` causes.
    pub ask: AskSettings,
}

impl KeyFetchSettings {
    /// The default settings: the keys are found by discovery and fetched every five minutes.
    pub fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            location: KeyLocation::Discovery,
            refresh: Duration::from_mins(5),
            ask: AskSettings::default(),
        }
    }
}

/// Why keys could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyFetchError {
    /// The metadata could not be fetched.
    #[error("issuer metadata: {0}")]
    Metadata(#[source] FetchError),
    /// The metadata could not be used.
    #[error("issuer metadata: {0}")]
    Discovery(#[from] DiscoveryError),
    /// The keys could not be fetched.
    #[error("key set: {0}")]
    Keys(#[source] FetchError),
    /// The fetched document is not a usable key set.
    #[error("key set: {0}")]
    KeySet(#[from] KeySetError),
}

impl KeyFetchError {
    /// The name that metrics use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Metadata(error) | Self::Keys(error) => error.as_str(),
            Self::Discovery(error) => error.as_str(),
            Self::KeySet(KeySetError::NoUsableKey(_)) => "no-usable-key",
            Self::KeySet(_) => "not-a-key-set",
        }
    }
}

/// Receives the outcome of each fetch. Metrics implement it.
pub trait KeyEvents: Send + Sync {
    /// Keys were fetched.
    fn fetched(&self, issuer: &str, keys: usize, skipped: usize);
    /// A fetch failed; the last keys stay in use.
    fn failed(&self, issuer: &str, error: &KeyFetchError);
}

/// Ignores the outcomes.
impl KeyEvents for () {
    fn fetched(&self, _issuer: &str, _keys: usize, _skipped: usize) {}
    fn failed(&self, _issuer: &str, _error: &KeyFetchError) {}
}

/// Fetches the keys of one issuer while it runs.
#[must_use = "without `run` the issuer never has keys"]
pub struct KeyFetcher {
    settings: KeyFetchSettings,
    http: Fetcher,
    source: Arc<KeySource>,
    events: Arc<dyn KeyEvents>,
    located: Option<(Url, Instant)>,
    backoff: Duration,
    last_error: Option<KeyFetchError>,
    /// The faulty keys that were logged last.
    faulty: Vec<UnfitKey>,
}

impl KeyFetcher {
    /// Creates a fetcher and the source that it publishes to. A URL that can never be fetched is an error here.
    pub fn new(
        settings: KeyFetchSettings,
        http: Fetcher,
        events: Arc<dyn KeyEvents>,
    ) -> Result<(Arc<KeySource>, Self), KeyFetchError> {
        match &settings.location {
            KeyLocation::Discovery => {
                let url = discovery::document_url(&settings.issuer)?;
                http.check(&url).map_err(KeyFetchError::Metadata)?;
            }
            KeyLocation::JwksUri(url) => http.check(url).map_err(KeyFetchError::Keys)?,
        }
        let source = KeySource::waiting(&settings.issuer, settings.ask);
        let fetcher = Self {
            settings,
            http,
            source: Arc::clone(&source),
            events,
            located: None,
            backoff: FIRST_BACKOFF,
            last_error: None,
            faulty: Vec::new(),
        };
        Ok((source, fetcher))
    }

    /// Fetches the keys until `shutdown` completes.
    pub async fn run(&mut self, shutdown: impl Future<Output = ()> + Send) {
        let source = Arc::clone(&self.source);
        let mut shutdown = pin!(shutdown);
        let mut asked = false;
        loop {
            let pause = tokio::select! {
                biased;
                () = &mut shutdown => return,
                pause = self.attempt(asked) => pause,
            };
            asked = tokio::select! {
                biased;
                () = &mut shutdown => return,
                () = source.asked() => true,
                () = tokio::time::sleep(pause) => false,
            };
        }
    }

    /// Fetches once, and returns the pause before the next fetch.
    async fn attempt(&mut self, asked: bool) -> Duration {
        let source = Arc::clone(&self.source);
        // The guard is dropped after the outcome is published, so that the requests which wait for it see the outcome.
        let _running = source.start_try();
        match self.fetch(asked).await {
            Ok(set) => self.succeed(set),
            Err(error) => self.fail(error),
        }
    }

    async fn fetch(&mut self, asked: bool) -> Result<KeySet, KeyFetchError> {
        let url = self.locate(asked).await?;
        keys_at(&url, &self.http).await
    }

    /// The URL of the keys. While a request waits, known metadata are reused, if they are not older than the refresh
    /// interval.
    async fn locate(&mut self, asked: bool) -> Result<Url, KeyFetchError> {
        if let KeyLocation::JwksUri(url) = &self.settings.location {
            return Ok(url.clone());
        }
        if let Some((url, since)) = &self.located
            && asked
            && since.elapsed() < self.settings.refresh
        {
            return Ok(url.clone());
        }
        let url = discovered(&self.settings.issuer, &self.http).await?;
        self.located = Some((url.clone(), Instant::now()));
        Ok(url)
    }

    fn succeed(&mut self, set: KeySet) -> Duration {
        let issuer = self.settings.issuer.as_str();
        let (keys, skipped) = (set.len(), set.unfit().len());
        let faulty = set.unfit().iter().filter(|key| key.is_faulty());
        if !faulty.clone().eq(&self.faulty) {
            self.faulty = faulty.cloned().collect();
            for key in &self.faulty {
                tracing::warn!(issuer, "the issuer must correct its keys: {key}");
            }
        }
        if self.last_error.is_some() || !self.source.is_ready() {
            tracing::info!(issuer, keys, skipped, "keys of the issuer fetched");
        }
        self.source.publish(set);
        self.events.fetched(issuer, keys, skipped);
        self.last_error = None;
        self.backoff = FIRST_BACKOFF;
        self.settings.refresh
    }

    fn fail(&mut self, error: KeyFetchError) -> Duration {
        let issuer = self.settings.issuer.as_str();
        if self.last_error.as_ref() != Some(&error) {
            let in_use = self.source.status().keys;
            tracing::warn!(issuer, %error, in_use, "keys of the issuer cannot be fetched");
        }
        self.source.fail(Arc::new(error.to_string()));
        self.events.failed(issuer, &error);
        self.located = None;
        self.last_error = Some(error);
        let pause = self.backoff;
        self.backoff = (pause * 2).min(LAST_BACKOFF);
        pause.min(self.settings.refresh)
    }
}

/// The keys of an issuer, fetched once.
pub async fn fetch_keys(
    settings: &KeyFetchSettings,
    http: &Fetcher,
) -> Result<KeySet, KeyFetchError> {
    let url = match &settings.location {
        KeyLocation::JwksUri(url) => url.clone(),
        KeyLocation::Discovery => discovered(&settings.issuer, http).await?,
    };
    keys_at(&url, http).await
}

async fn discovered(issuer: &str, http: &Fetcher) -> Result<Url, KeyFetchError> {
    let document = discovery::document_url(issuer)?;
    let body = http.get(&document).await;
    let body = body.map_err(KeyFetchError::Metadata)?;
    Ok(discovery::jwks_uri(&body, issuer)?)
}

async fn keys_at(url: &Url, http: &Fetcher) -> Result<KeySet, KeyFetchError> {
    let body = http.get(url).await.map_err(KeyFetchError::Keys)?;
    Ok(KeySet::parse_usable(&body)?)
}

#[cfg(test)]
mod tests;
