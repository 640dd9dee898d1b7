//! Makes the spans of a decision.
//!
//! Of the client's request, a span only contains the collection. It contains no headers, no query, no credential and no
//! caller.

use std::time::{Instant, SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId, Value,
    trace::{SpanContext, SpanKind, Status, TraceState},
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanLinks};

use crate::record::{DecisionRecord, FactValue, Stop};

/// The span of the call, by the semantic conventions for gRPC.
pub(super) const CHECK: &str = "envoy.service.auth.v3.Authorization/Check";
/// A longer text, such as the id of a collection, is cut after this many characters: clients choose its length.
const MAX_TEXT: usize = 256;

/// The data for the spans of one decision.
#[derive(Debug)]
pub(super) struct DecisionSpans {
    parent: Option<SpanContext>,
    trace_id: TraceId,
    begun: SystemTime,
    decided_at: SystemTime,
    answered_at: SystemTime,
    /// The same moment on both clocks.
    clock: (SystemTime, Instant),
    /// The end of each stop. The last stop ended with the decision.
    stops: Vec<(Stop, SystemTime)>,
    /// The reason, if the request could not be judged.
    fault: Option<&'static str>,
    attributes: Vec<KeyValue>,
}

impl DecisionSpans {
    pub(super) fn new(
        record: &DecisionRecord<'_>,
        parent: Option<SpanContext>,
        trace_id: TraceId,
    ) -> Self {
        let clock = (SystemTime::now(), Instant::now());
        let time = |instant| wall_time(clock, instant);
        let decided_at = time(record.begun + record.duration);
        let stops = record.stops.reached();
        Self {
            parent,
            trace_id,
            begun: time(record.begun),
            decided_at,
            answered_at: decided_at,
            clock,
            stops: stops
                .map(|(stop, end)| (stop, end.map_or(decided_at, time)))
                .collect(),
            fault: fault(record),
            attributes: attributes(record),
        }
    }

    pub(super) fn answered_at(&mut self, instant: Instant) {
        self.answered_at = wall_time(self.clock, instant);
    }

    /// The number of its spans.
    pub(super) fn len(&self) -> usize {
        // One for the call and one for the answer.
        self.stops.len() + 2
    }

    pub(super) fn into_spans(
        self,
        ids: &RandomIdGenerator,
        scope: &InstrumentationScope,
    ) -> impl Iterator<Item = SpanData> {
        // A denial is a normal result. Only a request that could not be judged is an error.
        let status = self.fault.map_or(Status::Unset, Status::error);
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
        for (index, (stop, end)) in self.stops.iter().enumerate() {
            // The decision was made, or the request was dropped, at the last stop.
            let is_last = index + 1 == self.stops.len();
            let status = if is_last {
                status.clone()
            } else {
                Status::Unset
            };
            all.push(span(
                context(ids.new_span_id()),
                call,
                stop.as_str(),
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
            check.attributes = self.attributes;
        }
        all.into_iter()
    }
}

/// The reason, if the request could not be judged.
fn fault(record: &DecisionRecord<'_>) -> Option<&'static str> {
    let denial = record.denial()?;
    denial.status.is_server_error().then_some(denial.code)
}

/// The attributes of the call: OpenTelemetry's attributes for gRPC, and the facts of the record.
pub(crate) fn attributes(record: &DecisionRecord<'_>) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(20);
    all.extend([
        KeyValue::new("rpc.system.name", "grpc"),
        KeyValue::new("rpc.method", CHECK),
        KeyValue::new("rpc.response.status_code", "OK"),
    ]);
    all.extend(fault(record).map(|code| KeyValue::new("error.type", code)));
    let facts = record.facts(|fact| fact.span);
    all.extend(facts.map(|(name, value)| KeyValue::new(name, attribute(value))));
    all
}

fn attribute(value: FactValue<'_>) -> Value {
    match value {
        FactValue::Word(word) => word.into(),
        FactValue::Text(text) => cut(text).into(),
        FactValue::Number(number) => i64::try_from(number).unwrap_or(i64::MAX).into(),
        FactValue::Flag(flag) => flag.into(),
        FactValue::Json(value) => cut(&value.to_string()).into(),
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
    text.chars().take(MAX_TEXT).collect()
}
