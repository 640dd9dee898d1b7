//! livez, readyz and metrics over HTTP, for probes and Prometheus.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::net::TcpListener;

use crate::{authn::KeySource, telemetry::metrics::Metrics};

/// What readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Set once the service is shutting down.
    pub draining: Arc<AtomicBool>,
    /// The issuers' keys: without any, tokens of that issuer get 503.
    pub sources: Vec<IssuerKeys>,
}

/// The keys of an issuer, and which tenant's they are.
#[derive(Clone)]
pub struct IssuerKeys {
    /// The tenant's name; none where there are no tenants.
    pub tenant: Option<Arc<str>>,
    /// The keys.
    pub source: Arc<KeySource>,
}

impl IssuerKeys {
    fn obstacle(&self) -> String {
        let issuer = self.source.issuer();
        match &self.tenant {
            Some(tenant) => format!("no keys yet of issuer {issuer} (tenant {tenant})"),
            None => format!("no keys yet of issuer {issuer}"),
        }
    }
}

impl Readiness {
    /// Why the service is not ready; nothing when it is.
    pub fn obstacles(&self) -> Vec<String> {
        let mut obstacles: Vec<String> = self
            .sources
            .iter()
            .filter(|keys| !keys.source.is_ready())
            .map(IssuerKeys::obstacle)
            .collect();
        if self.draining.load(Ordering::Relaxed) {
            obstacles.push("shutting down".to_owned());
        }
        obstacles
    }
}

/// Serves until `stopped` ends.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(metrics_text).with_state(metrics));
    axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    let obstacles = readiness.obstacles();
    if obstacles.is_empty() {
        "ok\n".into_response()
    } else {
        let text = format!("not ready: {}\n", obstacles.join("; "));
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    }
}

async fn metrics_text(State(metrics): State<Arc<Metrics>>) -> Response {
    match metrics.text() {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
