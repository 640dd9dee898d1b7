//! The gRPC server: TLS, limits, health, graceful end.

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
    connection::{self, Rules},
    error::ServerError,
    listener::Listener,
    receiving::Receiving,
};
use crate::{
    config,
    connections::{self, Seats},
    telemetry::{metrics::Metrics, occasionally::Occasionally},
};

/// What a gRPC server lets its clients take.
pub struct Limits {
    /// Its connections.
    pub seats: Arc<Seats>,
    /// What is being received, over all servers of the process.
    pub receiving: Arc<Receiving>,
    /// The longest message, in bytes.
    pub longest_message: usize,
    /// After which silence a client counts as gone.
    pub pings: Pings,
}

/// A gRPC server with its socket bound.
pub struct GrpcServer {
    listener: Listener,
    seats: Arc<Seats>,
    rules: Rules,
}

impl GrpcServer {
    /// Reads the certificates of `settings`, which come with the name of their section, and checks that they can be used.
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
            seats: limits.seats,
            rules: Rules {
                certificates: certificates.map(Arc::new),
                receiving: limits.receiving,
                pings: limits.pings,
                longest_message: limits.longest_message,
                told: Arc::<Occasionally>::default(),
            },
        })
    }

    /// Answers Envoy's checks until `shutdown` ends, then until the requests in flight are answered.
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

    /// Answers operators until `shutdown` ends, then until the requests in flight are answered.
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
        let rules = self.rules;
        let each =
            |socket, served| connection::serve(socket, served, rules.clone(), service.clone());
        connections::serve(self.listener, self.seats, each, shutdown).await;
    }
}

/// Sends checks straight to their service, since a router would only cost time, and everything else to the router.
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
        // The service of checks is always ready.
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
