//! What Envoy asks: the answer to one check, and its traces in log, metrics and spans.

use std::{
    future::poll_fn,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use prost::bytes::Bytes;
use tokio::time::error::Elapsed;
use tonic::metadata::MetadataMap;
use tracing::error;

use crate::{
    config::LoggedDecisions,
    pipeline::{self, Decided, decision::Denial, stops::Stops},
    request::{CheckInput, envoy::UnreadableCheck},
    response,
    state::{State, Tenant, Unmatched},
    telemetry::{
        decision_log,
        decision_stream::DecisionStream,
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
    /// Where decisions are told to those who watch.
    pub decisions: Arc<DecisionStream>,
    /// Which decisions are logged.
    pub logged: LoggedDecisions,
    /// How long one check may take.
    pub deadline: Duration,
    /// Where decisions become traces, if anywhere.
    pub traces: Option<Traces>,
}

impl ExtAuthz {
    /// The answer to an encoded `CheckRequest`: an encoded `CheckResponse`.
    pub async fn check(&self, metadata: &MetadataMap, message: Bytes) -> Vec<u8> {
        let start = Instant::now();
        let _in_flight = self.metrics.in_flight();
        let traced = self.traces.as_ref().map(|traces| {
            let carried = Carried::read(|name| metadata.get(name)?.to_str().ok());
            (traces, carried)
        });
        let mut stops = Stops::new(traced.is_some());
        let check = CheckInput::from_envoy(message);
        let (tenant, decided) = match self.addressed(&check) {
            Ok((check, tenant)) => {
                let end = start + self.deadline;
                let decided = judge(&tenant, check, end, &mut stops).await;
                (Some(tenant), decided)
            }
            Err(refused) => (None, *refused),
        };
        let duration = start.elapsed();
        let check = check.as_ref().ok();
        self.metrics.decided(&decided, duration);
        let method = check.map_or("", |check| &check.method);
        decision_log::record(self.logged, &decided, method, duration);
        self.decisions.publish(&decided, method, duration);
        let trace = traced.as_ref().and_then(|(traces, carried)| {
            traces.begin(&Checked {
                carried,
                check,
                revision: tenant.as_ref().map(|t| t.rules.policy.revision()),
                decided: &decided,
                stops,
                begun: start,
                decided_at: start + duration,
            })
        });
        let answer = response::to_envoy(&decided);
        if let Some(trace) = trace {
            trace.end();
        }
        answer
    }

    /// The check, if it could be read, and whose it is.
    fn addressed<'c>(
        &self,
        check: &'c Result<CheckInput, UnreadableCheck>,
    ) -> Result<(&'c CheckInput, Arc<Tenant>), Box<Decided>> {
        let check = check.as_ref().map_err(|unreadable| {
            Box::new(pipeline::refuse(Denial {
                status: 400,
                reason: "unreadable-check",
                detail: unreadable.to_string(),
                ..Denial::default()
            }))
        })?;
        let tenant = self.state.tenant(check);
        let tenant = tenant.map_err(|unmatched| Box::new(refused(&unmatched)))?;
        Ok((check, tenant))
    }
}

async fn judge(tenant: &Tenant, check: &CheckInput, end: Instant, stops: &mut Stops) -> Decided {
    // A panic unwinds into a refusal of this request, with its log line; others do not notice.
    let decide = pipeline::decide_timed(&tenant.rules, check, stops);
    let decide = AssertUnwindSafe(decide).catch_unwind();
    let mut decided = match within(end, decide).await {
        Ok(Ok(decided)) => decided,
        Ok(Err(_)) => {
            error!("a check broke off by a panic");
            ours("internal-error", "The request could not be judged")
        }
        Err(_) => ours("deadline", "Judging the request took too long"),
    };
    decided.tenant.clone_from(&tenant.name);
    decided
}

/// A future's value, unless it is not there in time. Most decisions wait for nothing, and need no timer.
async fn within<F: Future>(end: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let at_once = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    match at_once {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => tokio::time::timeout_at(end.into(), future).await,
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
        Unmatched::Tenant(_) | Unmatched::Key(_) => Denial {
            status: 503,
            reason: "unknown-tenant",
            detail: "What is to judge this route is not configured".to_owned(),
            cause,
            ..Denial::default()
        },
        // Misdirected Request (RFC 9110, section 15.5.20).
        Unmatched::Host(_) | Unmatched::NoHostName => Denial {
            status: 421,
            reason: "unknown-host",
            detail: "Nothing is served under this host".to_owned(),
            cause,
            ..Denial::default()
        },
    })
}
