//! `envoy.service.auth.v3.Authorization`: the service that Envoy calls.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use envoy_types::ext_authz::v3::pb::{Authorization, CheckRequest, CheckResponse};
use futures_util::FutureExt;
use tonic::{Request, Response, Status, async_trait};
use tracing::error;

use crate::{
    config::LoggedDecisions,
    pipeline::{self, Decided, decision::Denial},
    request::CheckInput,
    response,
    state::{State, Unmatched},
    telemetry::{decision_log, decision_stream::DecisionStream, metrics::Metrics},
};

/// Answers Envoy's checks.
pub struct ExtAuthz {
    /// The rules in force.
    pub state: Arc<State>,
    /// Where decisions are counted.
    pub metrics: Arc<Metrics>,
    /// Where decisions are told to those who watch.
    pub decisions: Arc<DecisionStream>,
    /// Which decisions are logged.
    pub logged: LoggedDecisions,
    /// How long one check may take.
    pub deadline: Duration,
}

#[async_trait]
impl Authorization for ExtAuthz {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let start = Instant::now();
        let _in_flight = self.metrics.in_flight();
        let (method, decided) = self.decide(request.into_inner()).await;
        let duration = start.elapsed();
        self.metrics.decided(&decided, duration);
        decision_log::record(self.logged, &decided, &method, duration);
        self.decisions.publish(&decided, &method, duration);
        Ok(Response::new(response::to_envoy(decided)))
    }
}

impl ExtAuthz {
    async fn decide(&self, check: CheckRequest) -> (String, Decided) {
        let check = match CheckInput::from_envoy(check) {
            Ok(check) => check,
            Err(unreadable) => {
                return (
                    String::new(),
                    pipeline::refuse(Denial {
                        status: 400,
                        reason: "unreadable-check",
                        detail: unreadable.to_string(),
                        ..Denial::default()
                    }),
                );
            }
        };
        let tenant = match self.state.tenant(&check) {
            Ok(tenant) => tenant,
            Err(unmatched) => return (check.method, refused(&unmatched)),
        };
        // A panic unwinds into a refusal of this request, with its log line; others do not notice.
        let decide = AssertUnwindSafe(pipeline::decide(&tenant.rules, &check)).catch_unwind();
        let mut decided = match tokio::time::timeout(self.deadline, decide).await {
            Ok(Ok(decided)) => decided,
            Ok(Err(_)) => {
                error!("a check broke off by a panic");
                ours("internal-error", "The request could not be judged")
            }
            Err(_) => ours("deadline", "Judging the request took too long"),
        };
        decided.tenant.clone_from(&tenant.name);
        (check.method, decided)
    }
}

fn ours(reason: &'static str, detail: &str) -> Decided {
    pipeline::refuse(Denial {
        status: 503,
        reason,
        detail: detail.to_owned(),
        ..Denial::default()
    })
}

/// A route that names a tenant that is not there is a fault of the operator's; a host that is nobody's is the client's.
fn refused(unmatched: &Unmatched) -> Decided {
    let cause = Some(unmatched.to_string());
    pipeline::refuse(match unmatched {
        Unmatched::Tenant(_) => Denial {
            status: 503,
            reason: "unknown-tenant",
            detail: "What is to judge this route is not configured".to_owned(),
            cause,
            ..Denial::default()
        },
        // Misdirected Request (RFC 9110, section 15.5.20).
        Unmatched::Host(_) => Denial {
            status: 421,
            reason: "unknown-host",
            detail: "Nothing is served under this host".to_owned(),
            cause,
            ..Denial::default()
        },
    })
}
