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
    pipeline::{self, Decided, Rules, decision::Denial, stops::Stops},
    request::CheckInput,
    response,
    state::State,
    telemetry::{
        decision_log,
        metrics::Metrics,
        traces::{Carried, Checked, Traces},
    },
};

/// Answers Envoy's checks.
pub struct ExtAuthz {
    /// The rules in force.
    pub state: Arc<State>,
    /// Where decisions are counted.
    pub metrics: Arc<Metrics>,
    /// Which decisions are logged.
    pub logged: LoggedDecisions,
    /// How long one check may take.
    pub deadline: Duration,
    /// Where decisions become traces, if anywhere.
    pub traces: Option<Traces>,
}

/// A decision and what is known of how it came about.
struct Judged {
    check: Option<CheckInput>,
    rules: Option<Arc<Rules>>,
    stops: Stops,
    decided: Decided,
}

#[async_trait]
impl Authorization for ExtAuthz {
    async fn check(
        &self,
        request: Request<CheckRequest>,
    ) -> Result<Response<CheckResponse>, Status> {
        let start = Instant::now();
        let _in_flight = self.metrics.in_flight();
        let traced = self.traces.as_ref().map(|traces| {
            let metadata = request.metadata();
            let carried = Carried::read(|name| metadata.get(name)?.to_str().ok());
            (traces, carried)
        });
        let judged = self.decide(request.into_inner()).await;
        let (decided, check) = (&judged.decided, judged.check.as_ref());
        let decided_at = Instant::now();
        let duration = decided_at - start;
        self.metrics.decided(decided, duration);
        let method = check.map_or("", |check| &check.method);
        decision_log::record(self.logged, decided, method, duration);
        let answer = response::to_envoy(decided);
        if let Some((traces, carried)) = &traced {
            traces.record(&Checked {
                carried,
                check,
                revision: judged.rules.as_ref().map(|rules| rules.policy.revision()),
                decided,
                stops: judged.stops,
                begun: start,
                decided_at,
                answered_at: Instant::now(),
            });
        }
        Ok(Response::new(answer))
    }
}

impl ExtAuthz {
    async fn decide(&self, check: CheckRequest) -> Judged {
        let mut stops = Stops::default();
        let check = match CheckInput::from_envoy(check) {
            Ok(check) => check,
            Err(unreadable) => {
                return Judged {
                    check: None,
                    rules: None,
                    stops,
                    decided: pipeline::refuse(Denial {
                        status: 400,
                        reason: "unreadable-check",
                        detail: unreadable.to_string(),
                        ..Denial::default()
                    }),
                };
            }
        };
        let rules = self.state.rules();
        // A panic unwinds into a refusal of this request, with its log line; others do not notice.
        let decide = pipeline::decide_timed(&rules, &check, &mut stops);
        let decide = AssertUnwindSafe(decide).catch_unwind();
        let decided = match tokio::time::timeout(self.deadline, decide).await {
            Ok(Ok(decided)) => decided,
            Ok(Err(_)) => {
                error!("a check broke off by a panic");
                ours("internal-error", "The request could not be judged")
            }
            Err(_) => ours("deadline", "Judging the request took too long"),
        };
        Judged {
            check: Some(check),
            rules: Some(rules),
            stops,
            decided,
        }
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
