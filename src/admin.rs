//! livez, readyz and metrics over HTTP, for probes and Prometheus.

use std::{
    fmt::Write as _,
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper::{
    Request, body::Incoming, server::conn::http1, service::Service as _, service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    authn::KeySource,
    connections::{self, Accept, FAREWELL, Heard, Seats, Served},
    supervision::{TaskStatus, Tasks},
    telemetry::{
        metrics::{Dropped, Metrics},
        reload_history::{Failing, ReloadHistory},
    },
};

/// Everything that readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Set once the service is shutting down.
    pub draining: Arc<AtomicBool>,
    /// The issuers' keys: without any, tokens of that issuer get 503.
    pub sources: Vec<IssuerKeys>,
    /// The history of reloads. Files that cannot be used are a warning, since the last good ones serve.
    pub history: Arc<ReloadHistory>,
    /// The background tasks.
    pub tasks: Arc<Tasks>,
    /// Set if the running pygeoapi is not the guarded one, and the configuration makes that an error.
    pub other_pygeoapi: Arc<AtomicBool>,
}

/// The keys of an issuer, and which tenant's they are.
#[derive(Clone)]
pub struct IssuerKeys {
    /// The tenant's name; `None` if no tenants are configured.
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
    /// Why the service is not ready; empty if it is.
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

    /// Problems that do not make the service unready. They quote no files: `geowarden status` and the log do.
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

/// How long a client may take to read an answer, or stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// Room for a request's headers, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

struct Pages(TcpListener);

impl Accept for Pages {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(self.0.accept().await?.0)
    }
}

/// Serves until `stopped` ends. A request's headers may take `patience` to come, and so may the next request.
pub async fn serve(
    listener: TcpListener,
    seats: Arc<Seats>,
    patience: Duration,
    readiness: Readiness,
    metrics: Arc<Metrics>,
    stopped: impl Future<Output = ()> + Send + 'static,
) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(metrics_text).with_state(metrics));
    let each = |socket, served| connection(socket, served, router.clone(), patience);
    connections::serve(Pages(listener), seats, each, stopped).await;
}

async fn connection(socket: TcpStream, mut served: Served, router: Router, patience: Duration) {
    let guest = Arc::clone(&served.guest);
    let io = TokioIo::new(Heard::new(socket, &guest));
    let router = TowerToHyperService::new(router);
    let asking = Arc::clone(&guest);
    let service = service_fn(move |request: Request<Incoming>| {
        asking.has_asked();
        router.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(io, service);
    let mut serving = pin!(serving);
    tokio::select! {
        ended = &mut serving => {
            // Who has asked before may leave its connection open, and finds it closed.
            if ended.is_err_and(|error| error.is_timeout()) && !guest.is_known() {
                guest.seats().metrics().dropped(guest.seats().listener(), Dropped::Silent);
            }
        }
        _ = guest.dismissal() => {}
        () = guest.silence(patience + SILENCE) => {
            guest.seats().metrics().dropped(guest.seats().listener(), Dropped::Silent);
        }
        () = served.end() => {
            serving.as_mut().graceful_shutdown();
            // There is nobody to tell.
            let _ = timeout(FAREWELL, serving).await;
        }
    }
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
