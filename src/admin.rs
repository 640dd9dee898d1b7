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
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
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
    connections::{self, Accept, CLOSE_LIMIT, ConnectionLimit, ObservedStream, Served},
    supervision::{TaskStatus, Tasks},
    telemetry::{
        exposition::Exposition,
        metrics::{Dropped, Metrics},
        reload_history::{Failing, ReloadHistory, Reloads},
    },
};

/// The state that readiness depends on.
#[derive(Clone)]
pub struct Readiness {
    /// Set once the service is shutting down.
    pub draining: Arc<AtomicBool>,
    /// The keys of the issuers. Without keys, tokens of that issuer get 503.
    pub sources: Vec<IssuerKeys>,
    /// The history of reloads. Files that cannot be used are a warning, since the last good ones serve.
    pub history: Arc<ReloadHistory>,
    /// The background tasks.
    pub tasks: Arc<Tasks>,
    /// Set if the running pygeoapi is not the guarded one, and the configuration makes that an error.
    pub other_pygeoapi: Arc<AtomicBool>,
}

/// The keys of an issuer, with its tenant.
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
                .map(|task| format!("the background task `{}` keeps ending", task.name)),
        );
        if self.other_pygeoapi.load(Ordering::Relaxed) {
            obstacles.push(
                "the running pygeoapi is not the guarded version (`pygeoapi.version`)".to_owned(),
            );
        }
        if self.draining.load(Ordering::Relaxed) {
            obstacles.push("shutting down".to_owned());
        }
        obstacles
    }

    /// Problems that do not make the service unready. They quote no files: `geowarden status` and the log do.
    pub fn notes(&self) -> Vec<String> {
        let Reloads {
            failing, restart, ..
        } = self.history.seen();
        let ended = |task: &TaskStatus| !task.is_down && !task.is_running;
        let tasks = self.tasks.status().into_iter().filter(ended);
        failing
            .iter()
            .map(failed_reload)
            .chain(restart)
            .chain(tasks.map(|task| {
                format!(
                    "the background task `{}` has ended and is being restarted",
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
    format!("reloads of the files{whose} have failed since {since}; the last good ones serve")
}

/// How long a client may take to read an answer, or stay silent.
const SILENCE: Duration = Duration::from_secs(30);
/// The limit for the headers of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;

struct Pages(TcpListener);

impl Accept for Pages {
    type Socket = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(self.0.accept().await?.0)
    }
}

/// Serves until `stopped` completes. The headers of a request may take `patience` to arrive, and so may the next
/// request.
pub async fn serve(
    listener: TcpListener,
    limit: Arc<ConnectionLimit>,
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
    connections::serve(Pages(listener), limit, each, stopped).await;
}

async fn connection(socket: TcpStream, mut served: Served, router: Router, patience: Duration) {
    let tracked = Arc::clone(&served.tracked);
    let io = TokioIo::new(ObservedStream::new(socket, &tracked));
    let router = TowerToHyperService::new(router);
    let asking = Arc::clone(&tracked);
    let service = service_fn(move |request: Request<Incoming>| {
        asking.sent_request();
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
            // A client that has sent a request may keep its connection open, so its timeout is not counted.
            if ended.is_err_and(|error| error.is_timeout()) && !tracked.has_sent_requests() {
                tracked.limit().metrics().dropped(tracked.limit().listener(), Dropped::Silent);
            }
        }
        _ = tracked.must_close() => {}
        () = tracked.silence(patience + SILENCE) => {
            tracked.limit().metrics().dropped(tracked.limit().listener(), Dropped::Silent);
        }
        () = served.end() => {
            serving.as_mut().graceful_shutdown();
            // Writing fails only if the client has gone.
            let _ = timeout(CLOSE_LIMIT, serving).await;
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

async fn metrics_text(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> = headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let exposition = Exposition::preferred(&accepted.join(","));
    match metrics.text() {
        Ok(text) => (
            [(CONTENT_TYPE, exposition.content_type())],
            exposition.written(text),
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
