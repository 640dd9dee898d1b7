//! From a decision to its spans.
//!
//! What a client sent is in none of them, but for the collection that it asked for: no header, no query, no credential,
//! nor who it is.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

use super::Checked;
use crate::request::ogc::Resource;

/// The span of the call, by the semantic conventions for gRPC.
pub(super) const CHECK: &str = "envoy.service.auth.v3.Authorization/Check";
/// A longer collection id is cut off: a client can ask for any.
const MAX_COLLECTION: usize = 256;

/// What the spans of one decision are made of.
#[derive(Debug)]
pub(super) struct Record {
    parent: Option<SpanContext>,
    trace_id: TraceId,
    begun: SystemTime,
    decided_at: SystemTime,
    answered_at: SystemTime,
    /// The same moment by both clocks.
    clock: (SystemTime, Instant),
    tenant: Option<Arc<str>>,
    /// Each stop with its end; the last one ended with the decision.
    stops: Vec<(&'static str, SystemTime)>,
    decision_id: String,
    outcome: &'static str,
    status: u16,
    reason: &'static str,
    principal: Option<&'static str>,
    api: Option<&'static str>,
    operation: Option<&'static str>,
    collection: Option<String>,
    revision: Option<String>,
}

impl Record {
    pub(super) fn new(
        checked: &Checked<'_>,
        parent: Option<SpanContext>,
        trace_id: TraceId,
    ) -> Self {
        let decided = checked.decided;
        let resource = decided.resource.as_ref();
        let clock = (SystemTime::now(), Instant::now());
        let time = |instant| wall_time(clock, instant);
        let decided_at = time(checked.decided_at);
        let ends = [
            ("read", checked.stops.read),
            ("authenticate", checked.stops.authenticated),
            ("policy", None),
        ];
        let mut stops = Vec::with_capacity(ends.len());
        for (name, end) in ends {
            stops.push((name, end.map_or(decided_at, time)));
            if end.is_none() {
                break;
            }
        }
        Self {
            parent,
            trace_id,
            begun: time(checked.begun),
            decided_at,
            answered_at: decided_at,
            clock,
            tenant: decided.tenant.clone(),
            stops,
            decision_id: decided.id.clone(),
            outcome: decided.decision.outcome(),
            status: decided.decision.status(),
            reason: decided.decision.reason(),
            principal: decided.principal.as_ref().map(|p| p.method.as_str()),
            api: resource.map(Resource::api),
            operation: resource.map(Resource::operation),
            collection: resource.and_then(Resource::collection).map(cut),
            revision: checked.revision.map(str::to_owned),
        }
    }

    pub(super) fn answered_at(&mut self, instant: Instant) {
        self.answered_at = wall_time(self.clock, instant);
    }

    /// How many spans it becomes.
    pub(super) fn len(&self) -> usize {
        // The call itself and the answer.
        self.stops.len() + 2
    }

    pub(super) fn into_spans(
        self,
        ids: &RandomIdGenerator,
        scope: &InstrumentationScope,
    ) -> impl Iterator<Item = SpanData> {
        // A refusal is what geowarden is for; a fault is one that it could not judge.
        let status = if self.status >= 500 {
            Status::error(self.reason)
        } else {
            Status::Unset
        };
        let state = match &self.parent {
            Some(parent) => parent.trace_state().clone(),
            None => TraceState::default(),
        };
        let context =
            |id| SpanContext::new(self.trace_id, id, TraceFlags::SAMPLED, false, state.clone());
        let span = |context, parent, name, (start_time, end_time), status| SpanData {
            span_context: context,
            parent_span_id: parent,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: std::borrow::Cow::Borrowed(name),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: scope.clone(),
        };
        let call = ids.new_span_id();
        let caller = self
            .parent
            .as_ref()
            .map_or(SpanId::INVALID, SpanContext::span_id);
        let whole = (self.begun, self.answered_at);
        let mut all = vec![span(context(call), caller, CHECK, whole, status.clone())];
        let mut begun = self.begun;
        for (index, (name, end)) in self.stops.iter().enumerate() {
            // It was decided, or given up, at the last of them.
            let is_last = index + 1 == self.stops.len();
            let status = if is_last {
                status.clone()
            } else {
                Status::Unset
            };
            all.push(span(
                context(ids.new_span_id()),
                call,
                name,
                (begun, *end),
                status,
            ));
            begun = *end;
        }
        let answer = (self.decided_at, self.answered_at);
        all.push(span(
            context(ids.new_span_id()),
            call,
            "respond",
            answer,
            Status::Unset,
        ));
        if let Some(check) = all.first_mut() {
            check.span_kind = SpanKind::Server;
            check.parent_span_is_remote = self.parent.is_some();
            check.attributes = self.attributes();
        }
        all.into_iter()
    }

    fn attributes(&self) -> Vec<KeyValue> {
        let text = |key: &'static str, value: &str| KeyValue::new(key, value.to_owned());
        let mut all = vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", CHECK),
            KeyValue::new("rpc.response.status_code", "OK"),
            text("geowarden.decision.id", &self.decision_id),
            KeyValue::new("geowarden.decision.outcome", self.outcome),
            KeyValue::new("geowarden.decision.status", i64::from(self.status)),
            KeyValue::new("geowarden.decision.reason", self.reason),
        ];
        if self.status >= 500 {
            all.push(KeyValue::new("error.type", self.reason));
        }
        let known = [
            ("geowarden.principal.method", self.principal),
            ("geowarden.resource.api", self.api),
            ("geowarden.resource.operation", self.operation),
            ("geowarden.resource.collection", self.collection.as_deref()),
            ("geowarden.tenant", self.tenant.as_deref()),
            ("geowarden.policy.revision", self.revision.as_deref()),
        ];
        all.extend(
            known
                .into_iter()
                .filter_map(|(key, value)| Some(text(key, value?))),
        );
        all
    }
}

fn wall_time((wall, now): (SystemTime, Instant), instant: Instant) -> SystemTime {
    match instant.checked_duration_since(now) {
        Some(later) => wall.checked_add(later),
        None => wall.checked_sub(now.saturating_duration_since(instant)),
    }
    .unwrap_or(wall)
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_COLLECTION).collect()
}
