//! Answers one check of Envoy, and reports it to log, metrics and traces.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
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
    config::{LoggedDecisions, LoggedInput},
    pipeline::{self, Permit},
    record::{DecisionRecord, Denial, InputScope},
    request::{CheckInput, envoy::UnreadableCheck},
    response,
    state::{State, TenantRules, Unmatched},
    status::DenialStatus,
    telemetry::{
        decision_log,
        decision_stream::DecisionStream,
        metrics::Metrics,
        traces::{CallContext, TraceQueue},
    },
};

/// Answers Envoy's checks.
pub struct ExtAuthz {
    /// The rules in force.
    pub state: Arc<State>,
    /// Counts decisions.
    pub metrics: Arc<Metrics>,
    /// Sends decisions to `geowarden tail`.
    pub decisions: Arc<DecisionStream>,
    /// Which decisions are logged.
    pub logged: LoggedDecisions,
    /// How much of the policy's input is logged.
    pub logged_input: LoggedInput,
    /// The time limit of one check.
    pub deadline: Duration,
    /// Makes traces of decisions, if configured.
    pub traces: Option<TraceQueue>,
}

/// A request and its tenant, as far as both are known.
#[derive(Default)]
struct Received {
    check: Option<CheckInput>,
    tenant: Option<Arc<TenantRules>>,
    /// Why the request cannot be judged.
    denial: Option<Denial>,
}

impl ExtAuthz {
    /// Answers an encoded `CheckRequest` with an encoded `CheckResponse`.
    pub async fn check(&self, metadata: &MetadataMap, message: Bytes) -> Vec<u8> {
        let begun = Instant::now();
        let _in_flight = self.metrics.in_flight();
        let traced = self.traces.as_ref().map(|traces| {
            let carried = CallContext::read(|name| metadata.get(name)?.to_str().ok());
            (traces, carried)
        });
        let received = receive(&self.state, message);
        let mut record = DecisionRecord::new(begun, traced.is_some());
        let permit = judge(&received, begun + self.deadline, &mut record).await;
        record.duration = begun.elapsed();
        self.metrics.decided(&record);
        if let Some(scope) = self.logged_scope(&record) {
            note_input(&received, scope, &mut record);
        }
        decision_log::write(self.logged, &record);
        // `tail` may get an input that the log does not record, so do this after the log.
        if self.decisions.wants_input_of(&record) {
            note_input(&received, InputScope::Reads, &mut record);
        }
        self.decisions.publish(&record);
        let trace = traced.as_ref();
        let trace = trace.and_then(|(traces, carried)| traces.begin(carried, &record));
        let answer = response::to_envoy(&record, permit.as_ref());
        if let Some(trace) = trace {
            trace.end();
        }
        answer
    }

    /// How much of the policy's input the log has of this decision.
    fn logged_scope(&self, record: &DecisionRecord<'_>) -> Option<InputScope> {
        let scope = match self.logged_input {
            LoggedInput::None => return None,
            LoggedInput::Reads => InputScope::Reads,
            LoggedInput::Full => InputScope::Full,
        };
        decision_log::is_logged(self.logged, record).then_some(scope)
    }
}

/// Writes the policy's input to `record`. After a panic it has none.
fn note_input(received: &Received, scope: InputScope, record: &mut DecisionRecord<'_>) {
    let Some(tenant) = &received.tenant else {
        return;
    };
    let note = || pipeline::note_input(&tenant.rules, scope, record);
    if catch_unwind(AssertUnwindSafe(note)).is_err() {
        error!("noting the input of a decision panicked");
    }
}

/// Reads Envoy's message and finds the tenant.
fn receive(state: &State, message: Bytes) -> Received {
    Received::guarded(|received| received.read(state, message))
}

impl Received {
    /// What `read` writes. A panic becomes a denial. Of the request, what cannot hold a credential stays.
    fn guarded(read: impl FnOnce(&mut Self) -> Option<Denial>) -> Self {
        let mut received = Self::default();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&mut received)));
        received.denial = outcome.unwrap_or_else(|_| {
            error!("reading a check panicked");
            // Perhaps nothing was withheld yet.
            received.check = received.check.take().map(CheckInput::without_credentials);
            Some(Denial::internal_error())
        });
        received
    }

    /// Reads the message. Returns why the request cannot be judged.
    fn read(&mut self, state: &State, message: Bytes) -> Option<Denial> {
        let check = match CheckInput::from_envoy(message) {
            Ok(check) => self.check.insert(check),
            Err(unreadable) => return Some(unreadable_check(&unreadable)),
        };
        let tenant = match state.tenant(check) {
            Ok(tenant) => self.tenant.insert(tenant),
            Err(unmatched) => return Some(no_tenant(&unmatched)),
        };
        check.withhold(tenant.rules.authn.query_parameters());
        None
    }
}

/// Decides before `end`. A panic or the deadline becomes a denial, and the record keeps what is known.
async fn judge<'r>(
    received: &'r Received,
    end: Instant,
    record: &mut DecisionRecord<'r>,
) -> Option<Permit<'r>> {
    record.request = received.check.as_ref();
    if let Some(tenant) = &received.tenant {
        record.tenant.clone_from(&tenant.name);
    }
    let (Some(check), Some(tenant), None) = (&received.check, &received.tenant, &received.denial)
    else {
        if let Some(tenant) = &received.tenant {
            pipeline::note_rules(&tenant.rules, record);
        }
        let denial = received.denial.clone();
        record.deny(denial.unwrap_or_else(Denial::internal_error));
        return None;
    };
    let decide = AssertUnwindSafe(pipeline::decide(&tenant.rules, check, record)).catch_unwind();
    let broken_off = match within(end, decide).await {
        Ok(Ok(permit)) => return permit,
        Ok(Err(_)) => {
            error!("judging a check panicked");
            Denial::internal_error()
        }
        Err(_) => Denial::new(
            DenialStatus::SERVICE_UNAVAILABLE,
            "deadline",
            "Judging the request took too long",
        ),
    };
    record.deny(broken_off);
    None
}

/// The value of a future, unless it is late. Most decisions never wait, and need no timer.
async fn within<F: Future>(end: Instant, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let at_once = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    match at_once {
        Poll::Ready(value) => Ok(value),
        Poll::Pending => tokio::time::timeout_at(end.into(), future).await,
    }
}

fn unreadable_check(unreadable: &UnreadableCheck) -> Denial {
    let status = DenialStatus::BAD_REQUEST;
    Denial::new(status, "unreadable-check", unreadable.to_string())
}

/// If a route names an unknown tenant, the operator is at fault. If no tenant has the host, the client is.
fn no_tenant(unmatched: &Unmatched) -> Denial {
    let denial = match unmatched {
        Unmatched::Tenant(_) | Unmatched::Key(_) => Denial::new(
            DenialStatus::SERVICE_UNAVAILABLE,
            "unknown-tenant",
            "The tenant of this route is not configured",
        ),
        Unmatched::Host(_) | Unmatched::NoHostName => Denial::new(
            DenialStatus::MISDIRECTED_REQUEST,
            "unknown-host",
            "Nothing is served under this host",
        ),
    };
    denial.because(unmatched)
}

#[cfg(test)]
mod tests;
