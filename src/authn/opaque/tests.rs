#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use data_encoding::BASE64;
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;
use crate::authn::{FetchSettings, SystemClock};

/// An issuer that answers about any token as it is told to.
struct Issuer {
    url: String,
    answer: Arc<Answer>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Answer {
    told: Mutex<(u16, String)>,
    asked: AtomicUsize,
    seen: Mutex<String>,
}

impl Issuer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(Answer::default());
        let metadata = json!({
            "issuer": url,
            "userinfo_endpoint": format!("{url}/userinfo"),
            "introspection_endpoint": format!("{url}/introspect"),
        })
        .to_string();
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(async move || metadata),
            )
            .route("/userinfo", get(told))
            .route("/introspect", post(told))
            .with_state(Arc::clone(&answer));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, answer, task }
    }

    fn tells(&self, status: u16, body: &Value) {
        *self.answer.told.lock().unwrap() = (status, body.to_string());
    }

    fn asked(&self) -> usize {
        self.answer.asked.load(Ordering::SeqCst)
    }

    fn authenticator(&self, inquiry: Inquiry, audiences: Audiences) -> OpaqueTokenAuthenticator {
        self.changed(inquiry, audiences, |settings| settings)
    }

    fn changed(
        &self,
        inquiry: Inquiry,
        audiences: Audiences,
        change: impl FnOnce(OpaqueSettings) -> OpaqueSettings,
    ) -> OpaqueTokenAuthenticator {
        let settings = OpaqueSettings {
            issuer: IssuerSettings::new(&self.url, audiences),
            inquiry,
            endpoint: None,
            remember: Duration::from_mins(1),
            capacity: 100,
            fetcher: Fetcher::new(&FetchSettings::default()).unwrap(),
        };
        OpaqueTokenAuthenticator::new(change(settings), Arc::new(SystemClock))
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn told(
    State(answer): State<Arc<Answer>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, String) {
    answer.asked.fetch_add(1, Ordering::SeqCst);
    let authorization = headers["authorization"].to_str().unwrap();
    *answer.seen.lock().unwrap() = format!("{authorization} {body}");
    let (status, text) = answer.told.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), text)
}

fn introspection() -> Inquiry {
    Inquiry::Introspection {
        client_id: "geo warden".to_owned(),
        client_secret: ClientSecret("s:cret".to_owned()),
    }
}

async fn ask(
    authenticator: &OpaqueTokenAuthenticator,
    token: &str,
) -> Result<Principal, AuthnErrorKind> {
    let outcome = authenticator.verify(&Secret::new(token.as_bytes())).await;
    outcome.map_err(|refusal| refusal.kind())
}

#[tokio::test]
async fn userinfo_tells_the_claims_and_is_asked_once() {
    let issuer = Issuer::start().await;
    issuer.tells(200, &json!({"sub": "ada", "company": "osgeo"}));
    let authenticator =
        issuer.authenticator(Inquiry::Userinfo, Audiences::OneOf(vec!["maps".into()]));
    for _ in 0..3 {
        let principal = ask(&authenticator, "opaque-token").await.unwrap();
        assert_eq!(principal.credential, CredentialKind::OpaqueToken);
        assert_eq!(principal.subject.as_deref(), Some("ada"));
        assert_eq!(principal.issuer.as_deref(), Some(issuer.url.as_str()));
        assert_eq!(principal.claims["company"], "osgeo");
    }
    assert_eq!(issuer.asked(), 1);
    assert_eq!(*issuer.answer.seen.lock().unwrap(), "Bearer opaque-token ");
}

#[tokio::test]
async fn introspection_is_asked_by_a_client_and_checked_like_a_token() {
    let issuer = Issuer::start().await;
    let maps = Audiences::OneOf(vec!["maps".to_owned()]);
    let far = 4_102_444_800_u64;
    for (told, expected) in [
        (
            json!({"active": true, "aud": "maps", "sub": "ada", "scope": "read", "exp": far}),
            Ok(()),
        ),
        (json!({"active": true, "aud": ["x", "maps"]}), Ok(())),
        (json!({"active": false}), Err(AuthnErrorKind::InactiveToken)),
        (
            json!({"active": true, "aud": "other"}),
            Err(AuthnErrorKind::WrongAudience),
        ),
        (
            json!({"active": true}),
            Err(AuthnErrorKind::MissingAudience),
        ),
        (
            json!({"active": true, "aud": "maps", "exp": 1}),
            Err(AuthnErrorKind::ExpiredToken),
        ),
        (
            json!({"active": true, "aud": "maps", "nbf": far}),
            Err(AuthnErrorKind::NotYetValid),
        ),
        (
            json!({"active": true, "aud": "maps", "iss": "https://other"}),
            Err(AuthnErrorKind::UnknownIssuer),
        ),
        (
            json!({"active": "true", "aud": "maps"}),
            Err(AuthnErrorKind::IssuerUnavailable),
        ),
        (
            json!({"aud": "maps"}),
            Err(AuthnErrorKind::IssuerUnavailable),
        ),
        (json!([true]), Err(AuthnErrorKind::IssuerUnavailable)),
    ] {
        issuer.tells(200, &told);
        let authenticator = issuer.authenticator(introspection(), maps.clone());
        assert_eq!(
            ask(&authenticator, "t+/=").await.map(|_| ()),
            expected,
            "{told}"
        );
    }
    let basic = BASE64.encode(b"geo+warden:s%3Acret");
    assert_eq!(
        *issuer.answer.seen.lock().unwrap(),
        format!("Basic {basic} token=t%2B%2F%3D&token_type_hint=access_token")
    );
}

#[tokio::test]
async fn a_refusal_is_remembered_and_a_fault_is_not() {
    let issuer = Issuer::start().await;
    let authenticator =
        issuer.authenticator(Inquiry::Userinfo, Audiences::OneOf(vec!["maps".into()]));
    issuer.tells(401, &json!({}));
    for _ in 0..3 {
        assert_eq!(
            ask(&authenticator, "revoked").await.err(),
            Some(AuthnErrorKind::InactiveToken)
        );
    }
    assert_eq!(issuer.asked(), 1);
    for (status, told) in [
        (500, json!({"sub": "x"})),
        (200, json!("x")),
        (200, json!({"name": "x"})),
    ] {
        issuer.tells(status, &told);
        let refused = ask(&authenticator, "other").await.err();
        assert_eq!(
            refused,
            Some(AuthnErrorKind::IssuerUnavailable),
            "{status} {told}"
        );
    }
    issuer.tells(200, &json!({"sub": "x"}));
    assert!(ask(&authenticator, "other").await.is_ok());
}

#[tokio::test]
async fn an_issuer_that_is_down_refuses() {
    let issuer = Issuer::start().await;
    let mut authenticator =
        issuer.authenticator(introspection(), Audiences::OneOf(vec!["maps".into()]));
    authenticator.endpoint =
        OnceCell::new_with(Some("http://127.0.0.1:1/introspect".parse().unwrap()));
    let refused = ask(&authenticator, "token").await.err();
    assert_eq!(refused, Some(AuthnErrorKind::IssuerUnavailable));
}

#[tokio::test]
async fn one_token_at_once_is_one_question() {
    let issuer = Issuer::start().await;
    issuer.tells(200, &json!({"sub": "ada"}));
    let authenticator =
        Arc::new(issuer.authenticator(Inquiry::Userinfo, Audiences::OneOf(vec!["maps".into()])));
    let all: Vec<_> = (0..100)
        .map(|_| {
            let authenticator = Arc::clone(&authenticator);
            tokio::spawn(async move { ask(&authenticator, "same").await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn no_more_answers_are_remembered_than_the_capacity() {
    let issuer = Issuer::start().await;
    issuer.tells(200, &json!({"sub": "ada"}));
    let authenticator =
        issuer.authenticator(Inquiry::Userinfo, Audiences::OneOf(vec!["maps".into()]));
    let capacity = authenticator.settings.capacity;
    for number in 0..2 * capacity {
        assert!(
            ask(&authenticator, &format!("token-{number}"))
                .await
                .is_ok()
        );
    }
    assert_eq!(issuer.asked(), 2 * capacity);
    assert!(authenticator.known.len() <= capacity);
    // What was forgotten is asked again, not refused.
    assert!(ask(&authenticator, "token-0").await.is_ok());
}

#[test]
fn a_clients_secret_is_not_printed() {
    assert_eq!(format!("{:?}", ClientSecret("x".to_owned())), "[redacted]");
}

#[tokio::test]
async fn where_nothing_is_remembered_every_request_asks() {
    type Change = fn(OpaqueSettings) -> OpaqueSettings;
    let no_time: Change = |settings| OpaqueSettings {
        remember: Duration::ZERO,
        ..settings
    };
    let no_room: Change = |settings| OpaqueSettings {
        capacity: 0,
        ..settings
    };
    for change in [no_time, no_room] {
        let issuer = Issuer::start().await;
        let maps = Audiences::OneOf(vec!["maps".into()]);
        let authenticator = issuer.changed(Inquiry::Userinfo, maps, change);
        issuer.tells(200, &json!({"sub": "ada"}));
        for _ in 0..3 {
            let principal = ask(&authenticator, "token").await.unwrap();
            assert_eq!(principal.subject.as_deref(), Some("ada"));
        }
        // What the issuer takes back is gone at once, and what it takes again is good at once.
        issuer.tells(401, &json!({}));
        assert_eq!(
            ask(&authenticator, "token").await.err(),
            Some(AuthnErrorKind::InactiveToken)
        );
        issuer.tells(200, &json!({"sub": "ada"}));
        assert!(ask(&authenticator, "token").await.is_ok());
        assert_eq!(issuer.asked(), 5);
    }
}
