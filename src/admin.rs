//! livez, readyz and metrics over HTTP, for probes and Prometheus.

use std::{
    fmt::Write as _,
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

use crate::{
    authn::KeySource,
    supervision::{TaskStatus, Tasks},
    telemetry::{
        metrics::Metrics,
        reload_history::{Failing, ReloadHistory},
    },
};

/// What readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Set once the service is shutting down.
    pub draining: Arc<AtomicBool>,
    /// The issuers' keys: without any, tokens of that issuer get 503.
    pub sources: Vec<IssuerKeys>,
    /// How reloads went: files that cannot be used are told, and the last good ones serve.
    pub history: Arc<ReloadHistory>,
    /// The background tasks.
    pub tasks: Arc<Tasks>,
    /// Set where another pygeoapi runs than the guarded one, and that is refused.
    pub other_pygeoapi: Arc<AtomicBool>,
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
        let tasks = self.tasks.status().into_iter();
        obstacles.extend(
            tasks
                .filter(|task| task.is_down)
                .map(|task| format!("the background task `{}` ends again and again", task.name)),
        );
        if self.other_pygeoapi.load(Ordering::Relaxed) {
            obstacles
                .push("another pygeoapi runs than the guarded one (`pygeoapi.version`)".to_owned());
        }
        if self.draining.load(Ordering::Relaxed) {
            obstacles.push("shutting down".to_owned());
        }
        obstacles
    }

    /// What is wrong without making the service unready. The files' own texts are not told here: `geowarden status` and the
    /// log have them.
    pub fn notes(&self) -> Vec<String> {
        let failing = self.history.seen().failing;
        let ended = |task: &TaskStatus| !task.is_down && !task.is_running;
        let tasks = self.tasks.status().into_iter().filter(ended);
        failing
            .iter()
            .map(failed_reload)
            .chain(tasks.map(|task| {
                format!(
                    "the background task `{}` has ended and is started again",
                    task.name
                )
            }))
            .collect()
    }
}

fn failed_reload(Failing { tenant, since }: &Failing) -> String {
    let whose = tenant
        .as_ref()
        .map_or_else(String::new, |tenant| format!(" of tenant {tenant}"));
    let since = humantime::format_rfc3339_seconds(*since);
    format!("the reload of the files{whose} fails since {since}, the last good ones serve")
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
    let mut notes = String::new();
    for note in readiness.notes() {
        // Writing to a string cannot fail.
        let _ = writeln!(notes, "warning: {note}");
    }
    if obstacles.is_empty() {
        format!("ok\n{notes}").into_response()
    } else {
        let text = format!("not ready: {}\n{notes}", obstacles.join("; "));
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
