//! The whole service: builds the rules, binds its sockets and serves. Only this module spawns the service's tasks.

mod background;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tracing::{info, warn};

use self::background::Background;
use crate::{
    admin,
    authn::KeyFetcher,
    config::{Config, ListenAddress, Problems, Tls},
    connections::{
        ConnectionLimit,
        open_files::{self, RESERVED_FILES},
    },
    files::descriptors,
    reload::{
        Reloader,
        tenants::{self, LoadedTenant},
    },
    running_pygeoapi::{self, VersionChecks},
    service_manager,
    state::State,
    telemetry::{
        decision_stream::DecisionStream,
        metrics::Metrics,
        reload_history::ReloadHistory,
        traces::{ExportError, Exporter, TraceQueue},
    },
    transport::{
        admin::AdminService,
        check_service::CheckService,
        error::ServerError,
        ext_authz::ExtAuthz,
        listener::Listener,
        receiving::Receiving,
        server::{GrpcServer, Limits, Pings},
    },
};

/// How long the clients of the operators' ports have to close their connections.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);

/// Why the service could not start or stopped with an error.
#[derive(Debug, Error)]
pub enum AppError {
    /// The configuration, keys or policies cannot be used.
    #[error("{0}")]
    Rules(Problems),
    /// A socket could not be bound.
    #[error(
        "{setting}: cannot listen on {address}: {source}: stop what listens there, or set another address"
    )]
    Bind {
        /// The key of the configuration that sets the address.
        setting: &'static str,
        /// The address.
        address: String,
        /// The cause.
        source: io::Error,
    },
    /// The gRPC server failed.
    #[error("gRPC: {0}")]
    Server(#[from] ServerError),
    /// The admin server failed.
    #[error("admin: {0}")]
    Admin(io::Error),
    /// The export of traces cannot be set up.
    #[error("telemetry.traces: {0}")]
    Traces(#[from] ExportError),
    /// The drain took longer than its limit.
    #[error("requests in flight did not end within the drain limit")]
    Drain,
}

/// A service whose sockets are bound and whose rules are loaded.
pub struct App {
    config: Config,
    grpc: GrpcServer,
    grpc_address: ListenAddress,
    admin: TcpListener,
    admin_limit: Arc<ConnectionLimit>,
    admin_address: SocketAddr,
    admin_grpc: Option<(GrpcServer, ListenAddress)>,
    state: Arc<State>,
    metrics: Arc<Metrics>,
    history: Arc<ReloadHistory>,
    reloader: Reloader,
    issuers: Vec<admin::IssuerKeys>,
    /// The fetchers of keys, each named after its tenant and issuer.
    fetchers: Vec<(String, KeyFetcher)>,
    /// The tenants whose pygeoapi could not be asked for its version.
    unknown_versions: Vec<Config>,
    traces: Option<(TraceQueue, Exporter)>,
}

impl App {
    /// Loads keys and policies and binds the sockets. Nothing is served yet.
    pub async fn bind(config: Config) -> Result<Self, AppError> {
        descriptors::keep();
        let metrics = Arc::new(Metrics::default());
        let events = |tenant: Option<&Arc<str>>| Metrics::key_events(&metrics, tenant);
        let (tenants, fetchers) =
            tenants::key_sources(&config, &events).map_err(AppError::Rules)?;
        let built = tenants::all(&tenants).map_err(AppError::Rules)?;
        let versions = running_pygeoapi::VersionFindings::of_servers(&config).await;
        let versions_warnings = versions.problems.into_result(versions.warnings);
        for warning in config
            .notes
            .iter()
            .chain(&versions_warnings.map_err(AppError::Rules)?)
            .chain(&built.risks)
            .chain(&built.warnings)
        {
            warn!("{warning}");
        }
        let state = Arc::new(State::new(built.rules));
        let history = Arc::<ReloadHistory>::default();
        let issuers = issuers(&tenants);
        let reloader = Reloader::new(
            &config,
            tenants.into_iter().zip(built.tenants).collect(),
            Arc::clone(&state),
            Arc::clone(&metrics),
            Arc::clone(&history),
        );
        metrics.reloaded(true, false);
        let server = &config.server;
        let shares = open_files::shares(open_files::raise_limit(), server.max_connections);
        if shares.grpc < server.max_connections {
            warn!(
                connections = shares.grpc,
                wanted = server.max_connections,
                "the limit of open files (ulimit -n) allows fewer connections than `server.max_connections`; {RESERVED_FILES} files are reserved for reloads"
            );
        }
        let receiving = Receiving::new(server.receive_timeout.0, server.receive_memory_bytes);
        let limits = |name, most| Limits {
            limit: ConnectionLimit::new(name, most, &metrics),
            receiving: Arc::clone(&receiving),
            longest_message: server.max_request_bytes,
            pings: Pings::default(),
        };
        let listener = bind("server.grpc", &server.grpc, server.socket_mode.bits()).await?;
        let (grpc, grpc_address) = grpc(
            listener,
            server.tls.as_ref().map(|tls| ("server.tls", tls)),
            limits("grpc", shares.grpc),
            &metrics,
        )?;
        let admin_grpc = match &server.admin_grpc {
            Some(admin) => {
                let listener =
                    bind("server.admin_grpc.address", &admin.address, OWNER_ONLY).await?;
                let tls = admin.tls.as_ref();
                let tls = tls.map(|tls| ("server.admin_grpc.tls", tls));
                let limits = limits("admin_grpc", shares.operators);
                Some(self::grpc(listener, tls, limits, &metrics)?)
            }
            None => None,
        };
        let admin_bind = |source| bind_error("server.admin", &config.server.admin, source);
        let admin = TcpListener::bind(config.server.admin)
            .await
            .map_err(admin_bind)?;
        let admin_address = admin.local_addr().map_err(admin_bind)?;
        let admin_limit = ConnectionLimit::new("admin", shares.operators, &metrics);
        let traces = config.telemetry.traces.as_ref();
        let traces = traces.map(|settings| TraceQueue::new(settings, Arc::clone(&metrics)));
        let traces = traces.transpose()?;
        Ok(Self {
            config,
            grpc,
            grpc_address,
            admin,
            admin_limit,
            admin_address,
            admin_grpc,
            state,
            metrics,
            history,
            reloader,
            issuers,
            fetchers,
            unknown_versions: versions.unknown,
            traces,
        })
    }

    /// The address for Envoy, with the port that the system chose.
    pub fn grpc_address(&self) -> &ListenAddress {
        &self.grpc_address
    }

    /// The address of livez, readyz and metrics.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The address of the gRPC admin service, if there is one.
    pub fn admin_grpc_address(&self) -> Option<&ListenAddress> {
        self.admin_grpc.as_ref().map(|(_, address)| address)
    }

    /// Serves until `shutdown` completes, then drains.
    ///
    /// Each change of `reload` asks for a reload. Watched files ask for reloads too.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()>,
        reload: watch::Receiver<u64>,
    ) -> Result<(), AppError> {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let draining = Arc::new(AtomicBool::new(false));
        let background = Background::new(&self.metrics, &stopped);
        let readiness = admin::Readiness {
            draining: Arc::clone(&draining),
            sources: self.issuers,
            history: Arc::clone(&self.history),
            tasks: Arc::clone(&background.tasks),
            other_pygeoapi: Arc::default(),
        };
        for (whose, fetcher) in self.fetchers {
            tasks.spawn(background.fetcher(whose, fetcher));
        }
        tasks.spawn(background.reloader(self.reloader, reload));
        if let Some(interval) = service_manager::watchdog_interval() {
            tasks.spawn(background::watchdog(interval));
        }
        if !self.unknown_versions.is_empty() {
            let later =
                VersionChecks::new(self.unknown_versions, Arc::clone(&readiness.other_pygeoapi));
            tasks.spawn(background.versions(later));
        }
        let decisions = Arc::<DecisionStream>::default();
        let (admin_server, admin_grpc_address) = self.admin_grpc.unzip();
        let admin_service = AdminService {
            parts: self.config.parts(),
            state: Arc::clone(&self.state),
            readiness: readiness.clone(),
            history: self.history,
            decisions: Arc::clone(&decisions),
            stopped: stopped.clone(),
        };
        let admin_stopped = ended(stopped.clone());
        let mut admin_grpc = tokio::spawn(async move {
            if let Some(server) = admin_server {
                return server.run_admin(admin_service, admin_stopped).await;
            }
            admin_stopped.await;
            Ok(())
        });
        let admin = admin::serve(
            self.admin,
            self.admin_limit,
            self.config.server.receive_timeout.0,
            readiness,
            Arc::clone(&self.metrics),
            ended(stopped.clone()),
        );
        let mut admin = tokio::spawn(admin);
        let (traces, exporter) = self.traces.unzip();
        let exports = exporter.map(|exporter| tokio::spawn(background.exporter(exporter)));
        let service = ExtAuthz {
            state: self.state,
            metrics: self.metrics,
            decisions,
            logged: self.config.decision_log.decisions,
            logged_input: self.config.decision_log.input,
            deadline: self.config.server.deadline.0,
            traces,
        };
        let service = CheckService::new(service, self.config.server.max_request_bytes);
        let mut grpc = tokio::spawn(self.grpc.run(service, ended(stopped)));
        info!(grpc = %self.grpc_address, admin = %self.admin_address, admin_grpc = admin_grpc_address.map(|address| address.to_string()), "listening");
        service_manager::ready("requests are judged");
        tokio::select! {
            () = shutdown => {}
            ended = &mut grpc => {
                return ended.map_err(|e| AppError::Admin(io::Error::other(e)));
            }
            ended = &mut admin_grpc => {
                return ended.map_err(|e| AppError::Admin(io::Error::other(e)))?.map_err(AppError::Server);
            }
            ended = &mut admin => {
                return ended.map_err(|e| AppError::Admin(io::Error::other(e)));
            }
        }
        service_manager::stopping();
        info!("shutting down: no new connections, requests in flight are answered");
        draining.store(true, Ordering::Relaxed);
        stop.send_replace(true);
        let limit = Instant::now() + self.config.server.drain.0;
        let Ok(ended) = timeout_at(limit, grpc).await else {
            warn!("requests in flight did not end within the drain limit");
            return Err(AppError::Drain);
        };
        ended.map_err(|e| AppError::Admin(io::Error::other(e)))?;
        // The service has ended, so there are no more traces, and the exporter sends the last ones.
        if let Some(exports) = exports
            && timeout_at(limit, exports).await.is_err()
        {
            warn!("the last spans were not exported within the drain limit");
        }
        // Readers of decisions are told that the service ends. It does not wait for readers that do not answer.
        let _ = timeout_at(Instant::now() + CLOSE_LIMIT, admin_grpc).await;
        info!("stopped");
        Ok(())
    }
}

/// The mode of the admin service's socket: anyone who can connect sees every caller and request.
const OWNER_ONLY: u32 = 0o600;

async fn ended(mut stopped: watch::Receiver<bool>) {
    // If the sender was dropped, the service has stopped too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn bind(
    setting: &'static str,
    address: &ListenAddress,
    mode: u32,
) -> Result<Listener, AppError> {
    let bound = Listener::bind(address, mode).await;
    bound.map_err(|source| bind_error(setting, address, source))
}

/// A gRPC server on `listener`, and its address with the port that the system chose.
fn grpc(
    listener: Listener,
    tls: Option<(&'static str, &Tls)>,
    limits: Limits,
    metrics: &Arc<Metrics>,
) -> Result<(GrpcServer, ListenAddress), AppError> {
    let address = listener
        .address()
        .map_err(|error| ServerError::Transport(error.to_string()))?;
    Ok((GrpcServer::new(listener, tls, limits, metrics)?, address))
}

fn bind_error(setting: &'static str, address: &impl ToString, source: io::Error) -> AppError {
    AppError::Bind {
        setting,
        address: address.to_string(),
        source,
    }
}

/// The keys of all tenants' issuers, for readiness.
fn issuers(tenants: &[LoadedTenant]) -> Vec<admin::IssuerKeys> {
    let of = |one: &LoadedTenant| {
        let tenant = one.part.tenant.clone();
        let sources = one.sources.clone().into_iter();
        sources.map(move |source| admin::IssuerKeys {
            tenant: tenant.clone(),
            source,
        })
    };
    tenants.iter().flat_map(of).collect()
}
