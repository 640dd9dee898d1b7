//! The gRPC server: TLS, limits, health, graceful shutdown.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use tonic::{
    body::Body,
    codegen::{Service, http},
    service::Routes,
};
use tonic_health::server::{HealthReporter, health_reporter};

pub use super::connection::Pings;
use super::{
    admin::AdminService,
    certificates::Certificates,
    check_service::CheckService,
    connection::{self, ConnectionSettings},
    error::ServerError,
    listener::Listener,
    receiving::Receiving,
};
use crate::{
    config,
    connections::{self, ConnectionLimit},
    telemetry::{log_throttle::LogThrottle, metrics::Metrics},
};

/// The limits for clients of a gRPC server.
pub struct Limits {
    /// The limit of its connections.
    pub limit: Arc<ConnectionLimit>,
    /// The limits for incomplete messages, shared by all servers of the process.
    pub receiving: Arc<Receiving>,
    /// The longest message, in bytes.
    pub longest_message: usize,
    /// After how much silence a client counts as gone.
    pub pings: Pings,
}

/// A gRPC server with its socket bound.
pub struct GrpcServer {
    listener: Listener,
    limit: Arc<ConnectionLimit>,
    settings: ConnectionSettings,
}

impl GrpcServer {
    /// Reads the certificates of `settings` and checks that they can be used. The settings come with the name of their
    /// section.
    pub fn new(
        listener: Listener,
        settings: Option<(&'static str, &config::Tls)>,
        limits: Limits,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, ServerError> {
        let certificates = settings
            .map(|(section, settings)| Certificates::load(section, settings, Arc::clone(metrics)))
            .transpose()?;
        Ok(Self {
            listener,
            limit: limits.limit,
            settings: ConnectionSettings {
                certificates: certificates.map(Arc::new),
                receiving: limits.receiving,
                pings: limits.pings,
                longest_message: limits.longest_message,
                reset_throttle: Arc::<LogThrottle>::default(),
            },
        })
    }

    /// Answers Envoy's checks until `shutdown` completes, then finishes the requests in flight.
    pub async fn run(
        self,
        checks: CheckService,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) {
        let (health, health_service) = health_reporter();
        health.set_serving::<CheckService>().await;
        let service = ChecksFirst {
            checks,
            others: Routes::new(health_service).prepare(),
        };
        self.serve(service, not_serving(health, shutdown)).await;
    }

    /// Answers operators until `shutdown` completes, then finishes the requests in flight.
    pub async fn run_admin(
        self,
        service: AdminService,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServerError> {
        let routes = service.routes()?.prepare();
        self.serve(routes, shutdown).await;
        Ok(())
    }

    async fn serve<S>(self, service: S, shutdown: impl Future<Output = ()>)
    where
        S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + Clone
            + Send
            + 'static,
        S::Future: Send,
    {
        let settings = self.settings;
        let each =
            |socket, served| connection::serve(socket, served, settings.clone(), service.clone());
        connections::serve(self.listener, self.limit, each, shutdown).await;
    }
}

/// Sends checks directly to their service, since a router would cost time. Everything else goes to the router.
#[derive(Clone)]
struct ChecksFirst {
    checks: CheckService,
    others: Routes,
}

impl Service<http::Request<Body>> for ChecksFirst {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Either<
        <CheckService as Service<http::Request<Body>>>::Future,
        <Routes as Service<http::Request<Body>>>::Future,
    >;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // The check service is always ready.
        Service::<http::Request<Body>>::poll_ready(&mut self.others, context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if CheckService::is_asked(&request) {
            Either::Left(self.checks.call(request))
        } else {
            Either::Right(self.others.call(request))
        }
    }
}

async fn not_serving(health: HealthReporter, shutdown: impl Future<Output = ()>) {
    shutdown.await;
    health.set_not_serving::<CheckService>().await;
}

#[cfg(test)]
mod tests;
