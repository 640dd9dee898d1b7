#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::*;
use crate::authn::jwt::signing::{ManualClock, NOW, Signer, es256, jwks, other_rsa, rsa};
use crate::authn::key_server::KeyServer;
use crate::authn::{
    Audiences, AuthnErrorKind, Chain, ChainSettings, FetchSettings, IssuerSettings,
};
use crate::request::CheckInput;
use crate::status::DenialStatus;

fn http() -> Fetcher {
    Fetcher::new(&FetchSettings::default()).unwrap()
}

fn settings(issuer: &str) -> KeyFetchSettings {
    KeyFetchSettings {
        refresh: Duration::from_hours(1),
        ..KeyFetchSettings::new(issuer)
    }
}

/// A chain with a running fetcher; the fetcher ends with it.
struct Running {
    chain: Arc<Chain>,
    source: Arc<KeySource>,
    issuer: String,
    _stop: oneshot::Sender<()>,
}

fn run(settings: KeyFetchSettings, events: Arc<dyn KeyEvents>) -> Running {
    let issuer = settings.issuer.clone();
    let (source, mut fetcher) = KeyFetcher::new(settings, http(), events).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        fetcher.run(stopped).await;
    });
    let issuers = vec![(
        IssuerSettings::new(&issuer, Audiences::Any),
        Arc::clone(&source),
    )];
    let chain = Chain::new(
        ChainSettings {
            issuers,
            ..ChainSettings::default()
        },
        ManualClock::new(),
    )
    .unwrap();
    Running {
        chain: Arc::new(chain),
        source,
        issuer,
        _stop: stop,
    }
}

fn bearer(token: &str) -> CheckInput {
    let headers = [("authorization", format!("Bearer {token}"))];
    CheckInput {
        headers: headers.into_iter().collect(),
        ..CheckInput::default()
    }
}

impl Running {
    async fn ready(&self) {
        until(|| self.source.is_ready()).await;
    }

    fn token(&self, signer: &Signer) -> CheckInput {
        bearer(&signer.token(&json!({"iss": self.issuer, "exp": NOW + 300})))
    }

    async fn check(&self, signer: &Signer) -> Option<AuthnErrorKind> {
        self.chain
            .authenticate(&self.token(signer))
            .await
            .err()
            .map(|error| error.kind())
    }
}

async fn until(mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap();
}

#[tokio::test]
async fn keys_are_found_by_discovery() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let running = run(settings(&server.issuer()), Arc::new(()));
    running.ready().await;
    assert_eq!(running.check(rsa()).await, None);
    let status = running.source.status();
    assert_eq!((status.keys, status.failure), (Some(1), None));
}

#[tokio::test]
async fn the_first_request_waits_for_the_first_fetch() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    *server.state.delay.lock().unwrap() = Duration::from_millis(100);
    let running = run(settings(&server.issuer()), Arc::new(()));
    assert_eq!(running.check(rsa()).await, None);
    assert_eq!(server.fetches(), 1);
}

#[tokio::test]
async fn a_new_key_is_fetched_once_for_all_and_not_again_before_the_floor() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let mut settings = settings(&server.issuer());
    settings.ask = AskSettings {
        floor: Duration::from_hours(1),
        wait: Duration::from_secs(5),
    };
    let running = Arc::new(run(settings, Arc::new(())));
    running.ready().await;
    assert_eq!(server.fetches(), 1);

    server.serve(200, jwks(&[rsa(), other_rsa()]).to_string());
    *server.state.delay.lock().unwrap() = Duration::from_millis(100);
    let requests: Vec<_> = (0..100)
        .map(|_| {
            let running = Arc::clone(&running);
            tokio::spawn(async move { running.check(other_rsa()).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), None);
    }
    assert_eq!(server.fetches(), 2);
    assert_eq!(server.state.metadata_requests.load(Ordering::SeqCst), 1);

    for _ in 0..20 {
        assert_eq!(
            running.check(es256()).await,
            Some(AuthnErrorKind::AlgorithmNotAllowed)
        );
        let unknown = rsa().sign(
            "RS256",
            r#"{"alg":"RS256","kid":"new"}"#,
            &json!({"iss": running.issuer}).to_string(),
        );
        let asked = bearer(&unknown);
        let error = running.chain.authenticate(&asked).await.unwrap_err();
        assert_eq!(error.kind(), AuthnErrorKind::UnknownKeyId);
    }
    assert_eq!(server.fetches(), 2);
}

#[tokio::test]
async fn after_the_floor_a_new_key_is_fetched_again() {
    let server = KeyServer::start(&jwks(&[other_rsa()])).await;
    let mut settings = settings(&server.issuer());
    settings.ask = AskSettings {
        floor: Duration::from_millis(50),
        wait: Duration::from_secs(5),
    };
    let running = run(settings, Arc::new(()));
    running.ready().await;
    assert_eq!(
        running.check(rsa()).await,
        Some(AuthnErrorKind::UnknownKeyId)
    );
    server.serve(200, jwks(&[rsa()]).to_string());
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(running.check(rsa()).await, None);
    assert_eq!(server.fetches(), 3);
}

#[tokio::test]
async fn a_request_does_not_wait_longer_than_it_may() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let mut settings = settings(&server.issuer());
    settings.ask.wait = Duration::from_millis(50);
    let running = run(settings, Arc::new(()));
    running.ready().await;
    *server.state.delay.lock().unwrap() = Duration::from_secs(3);
    let start = Instant::now();
    // It may be the key that the issuer has just begun to use, so that the token is not called wrong.
    let unavailable = Some(AuthnErrorKind::KeysUnavailable);
    assert_eq!(running.check(other_rsa()).await, unavailable);
    assert_eq!(running.check(other_rsa()).await, unavailable);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(running.check(rsa()).await, None);
}

#[tokio::test]
async fn at_a_rotation_a_slow_server_is_waited_for() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let running = run(patient(&server), Arc::new(()));
    running.ready().await;
    server.serve(200, jwks(&[other_rsa()]).to_string());
    *server.state.delay.lock().unwrap() = Duration::from_millis(600);
    assert_eq!(running.check(other_rsa()).await, None);
    // Of a server that fails, nothing is known about a new key.
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let running = run(patient(&server), Arc::new(()));
    running.ready().await;
    server.serve(500, String::new());
    let unavailable = Some(AuthnErrorKind::KeysUnavailable);
    assert_eq!(running.check(other_rsa()).await, unavailable);
    assert_eq!(running.check(rsa()).await, None);
}

fn patient(server: &KeyServer) -> KeyFetchSettings {
    let mut settings = settings(&server.issuer());
    settings.ask.wait = Duration::from_secs(5);
    settings
}

#[tokio::test]
async fn keys_of_no_use_are_no_keys() {
    let server = KeyServer::start(&jwks(&[])).await;
    let mut settings = settings(&server.issuer());
    settings.refresh = Duration::from_millis(20);
    let running = run(settings, Arc::new(()));
    until(|| running.source.status().failure.is_some()).await;
    assert!(!running.source.is_ready());
    let unavailable = Some(AuthnErrorKind::KeysUnavailable);
    assert_eq!(running.check(rsa()).await, unavailable);
    server.serve(200, jwks(&[rsa()]).to_string());
    running.ready().await;
    assert_eq!(running.check(rsa()).await, None);
}

#[tokio::test]
async fn without_keys_the_fault_is_ours_until_the_server_is_there() {
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let mut settings = settings(&format!("http://{address}/realms/geo"));
    settings.refresh = Duration::from_millis(50);
    settings.ask.wait = Duration::from_millis(50);
    let running = run(settings, Arc::new(()));
    until(|| running.source.status().failure.is_some()).await;
    let error = running
        .chain
        .authenticate(&running.token(rsa()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (
            AuthnErrorKind::KeysUnavailable,
            DenialStatus::SERVICE_UNAVAILABLE
        )
    );
    assert!(error.challenges().is_empty());
    let _server = KeyServer::start_at(address, &jwks(&[rsa()])).await;
    running.ready().await;
    assert_eq!(running.check(rsa()).await, None);
    assert_eq!(running.source.status().failure, None);
}

#[derive(Default)]
struct Counted(Mutex<Vec<Result<usize, &'static str>>>);

impl KeyEvents for Counted {
    fn fetched(&self, _issuer: &str, keys: usize, _skipped: usize) {
        self.0.lock().unwrap().push(Ok(keys));
    }

    fn failed(&self, _issuer: &str, error: &KeyFetchError) {
        self.0.lock().unwrap().push(Err(error.as_str()));
    }
}

#[tokio::test]
async fn a_failed_fetch_keeps_the_last_keys() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    let events = Arc::new(Counted::default());
    let mut settings = settings(&server.issuer());
    settings.refresh = Duration::from_millis(20);
    let running = run(settings, Arc::clone(&events) as Arc<dyn KeyEvents>);
    running.ready().await;
    for (status, body, reason) in [
        (200, "{]", "not-a-key-set"),
        (500, "", "status"),
        (200, "[]", "not-a-key-set"),
        (200, r#"{"keys": []}"#, "no-usable-key"),
        (
            200,
            r#"{"keys": [{"kty": "RSA", "kid": "a", "x5c": ["MIIC"]}]}"#,
            "no-usable-key",
        ),
    ] {
        server.serve(status, body.to_owned());
        until(|| events.0.lock().unwrap().last() == Some(&Err(reason))).await;
        assert_eq!(running.check(rsa()).await, None, "{body}");
    }
    server.serve(200, jwks(&[other_rsa()]).to_string());
    until(|| running.source.status().failure.is_none()).await;
    assert_eq!(running.check(other_rsa()).await, None);
    assert_eq!(
        running.check(rsa()).await,
        Some(AuthnErrorKind::UnknownKeyId)
    );
}

#[tokio::test]
async fn pauses_double_while_fetches_fail() {
    let settings = KeyFetchSettings::new("https://id.example");
    let (source, mut fetcher) = KeyFetcher::new(settings, http(), Arc::new(())).unwrap();
    let mut pause = || {
        fetcher
            .fail(KeyFetchError::Keys(FetchError::Timeout))
            .as_secs()
    };
    let pauses: Vec<u64> = std::iter::repeat_with(&mut pause).take(8).collect();
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(
        source.status().failure.as_deref().map(String::as_str),
        Some(
            "key set: expected a complete answer within the time limit, found none: check that the address can be reached from here"
        )
    );
    let set = KeySet::none();
    assert_eq!(fetcher.succeed(set).as_secs(), 300);
    assert_eq!(
        fetcher
            .fail(KeyFetchError::Keys(FetchError::Timeout))
            .as_secs(),
        1
    );
}

#[tokio::test]
async fn a_fetcher_stops_when_told_even_during_a_fetch() {
    let server = KeyServer::start(&jwks(&[rsa()])).await;
    *server.state.delay.lock().unwrap() = Duration::from_mins(1);
    let (source, mut fetcher) =
        KeyFetcher::new(settings(&server.issuer()), http(), Arc::new(())).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        fetcher.run(stopped).await;
    });
    until(|| server.fetches() == 1).await;
    drop(stop);
    tokio::time::timeout(Duration::from_millis(200), task)
        .await
        .unwrap()
        .unwrap();
    assert!(!source.is_ready());
}

#[test]
fn an_issuer_that_could_never_be_reached_is_refused_at_once() {
    let build = |issuer: &str| {
        let refused = KeyFetcher::new(KeyFetchSettings::new(issuer), http(), Arc::new(()));
        refused.err().map(|error| error.as_str())
    };
    assert_eq!(build("https://id.example"), None);
    assert_eq!(build("http://id.example"), Some("insecure"));
    assert_eq!(build("geo"), Some("issuer"));
}
