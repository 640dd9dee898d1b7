//! An identity provider on loopback, for tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

/// An issuer on loopback that answers as the test sets it.
pub(super) struct KeyServer {
    pub(super) address: SocketAddr,
    pub(super) state: Arc<Served>,
    task: JoinHandle<()>,
}

#[derive(Default)]
pub(super) struct Served {
    address: Mutex<String>,
    answer: Mutex<(u16, String)>,
    pub(super) delay: Mutex<Duration>,
    key_requests: AtomicUsize,
    pub(super) metadata_requests: AtomicUsize,
}

impl KeyServer {
    pub(super) async fn start(keys: &Value) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), keys).await
    }

    pub(super) async fn start_at(address: SocketAddr, keys: &Value) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Served::default());
        *state.address.lock().unwrap() = format!("http://{address}");
        let router = Router::new()
            .route(
                "/realms/geo/.well-known/openid-configuration",
                get(metadata),
            )
            .route("/realms/geo/keys", get(keys_of))
            .route(
                "/moved",
                get(async || Redirect::permanent("/realms/geo/keys")),
            )
            .route("/endless", get(endless))
            .with_state(Arc::clone(&state));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let server = Self {
            address,
            state,
            task,
        };
        server.serve(200, keys.to_string());
        server
    }

    pub(super) fn serve(&self, status: u16, body: String) {
        *self.state.answer.lock().unwrap() = (status, body);
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}/realms/geo", self.address)
    }

    pub(super) fn url(&self, path: &str) -> Url {
        format!("http://{}{path}", self.address).parse().unwrap()
    }

    pub(super) fn fetches(&self) -> usize {
        self.state.key_requests.load(Ordering::SeqCst)
    }
}

impl Drop for KeyServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn metadata(State(state): State<Arc<Served>>) -> String {
    state.metadata_requests.fetch_add(1, Ordering::SeqCst);
    let base = state.address.lock().unwrap().clone();
    json!({"issuer": format!("{base}/realms/geo"), "jwks_uri": format!("{base}/realms/geo/keys")})
        .to_string()
}

/// Like some key servers, it only answers requests that accept the media type of RFC 7517.
async fn keys_of(State(state): State<Arc<Served>>, headers: HeaderMap) -> Response {
    let accepted = headers
        .get(header::ACCEPT)
        .map(|value| value.to_str().unwrap());
    if !accepted.is_some_and(|value| value.contains("application/jwk-set+json")) {
        return StatusCode::NOT_ACCEPTABLE.into_response();
    }
    state.key_requests.fetch_add(1, Ordering::SeqCst);
    let delay = *state.delay.lock().unwrap();
    tokio::time::sleep(delay).await;
    let (status, body) = state.answer.lock().unwrap().clone();
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn endless() -> Body {
    let chunks = futures_util::stream::iter(std::iter::repeat_with(|| {
        Ok::<_, std::io::Error>(vec![b' '; 65536])
    }));
    Body::from_stream(chunks)
}
