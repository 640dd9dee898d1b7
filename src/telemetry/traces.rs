//! OpenTelemetry traces: one span for each Check, below Envoy's span, and below it one span for each stop.
//!
//! No decision waits for the export. The data of its spans is put into a bounded queue. If the queue is full, the data
//! is dropped. Everything else happens in the task of the [`Exporter`].

mod context;
mod export;
mod spans;

use std::{sync::Arc, time::Instant};

use opentelemetry::{
    TraceId,
    trace::{SpanContext, SpanKind},
};
use opentelemetry_sdk::trace::{
    IdGenerator, ParentBasedSampler, RandomIdGenerator, Sampler, SamplingDecision, ShouldSample,
};
use tokio::sync::mpsc;

use self::spans::DecisionSpans;
#[cfg(test)]
pub(crate) use self::spans::attributes;
pub use self::{
    context::CallContext,
    export::{ExportError, Exporter},
};
use super::metrics::{Metrics, SpanEnd};
use crate::{config, record::DecisionRecord};

/// The most decisions that may wait for their export.
const QUEUE: usize = 2048;

/// Accepts decisions and makes traces of them.
pub struct TraceQueue {
    sampler: ParentBasedSampler,
    trusts_requests: bool,
    ids: RandomIdGenerator,
    queue: mpsc::Sender<DecisionSpans>,
    metrics: Arc<Metrics>,
}

impl TraceQueue {
    /// Creates the client of the collector. Nothing is sent before the [`Exporter`] runs.
    pub fn new(
        settings: &config::Traces,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, Exporter), ExportError> {
        let (queue, records) = mpsc::channel(QUEUE);
        let exporter = Exporter::new(settings, records, Arc::clone(&metrics))?;
        let traces = Self {
            sampler: Sampler::parent_based(Sampler::TraceIdRatioBased(settings.sample_ratio)),
            trusts_requests: settings.trust_request_context,
            ids: RandomIdGenerator::default(),
            queue,
            metrics,
        };
        Ok((traces, exporter))
    }

    /// The trace of a decision, if it is sampled. It ends with the answer. `carried` is the trace context of the call.
    pub fn begin(&self, carried: &CallContext, record: &DecisionRecord<'_>) -> Option<Trace<'_>> {
        let headers = record.request.map(|check| &check.headers);
        // Otherwise a client's sampled flag would replace the configured ratio.
        let trusted = headers.filter(|_| self.trusts_requests);
        let parent = context::parent(carried, trusted);
        let trace_id = match &parent {
            Some(parent) => parent.trace_id(),
            None => self.ids.new_trace_id(),
        };
        self.is_sampled(parent.as_ref(), trace_id).then(|| Trace {
            spans: DecisionSpans::new(record, parent, trace_id),
            traces: self,
        })
    }

    /// Follows the sampled flag of the caller. Without a caller's context, the ratio decides.
    fn is_sampled(&self, parent: Option<&SpanContext>, trace_id: TraceId) -> bool {
        let parent = parent.map(context::of);
        let parent = parent.as_ref();
        let kind = SpanKind::Server;
        let result = self
            .sampler
            .should_sample(parent, trace_id, spans::CHECK, &kind, &[], &[]);
        result.decision == SamplingDecision::RecordAndSample
    }
}

/// The trace of a decision whose answer is not sent yet.
pub struct Trace<'a> {
    spans: DecisionSpans,
    traces: &'a TraceQueue,
}

impl Trace<'_> {
    /// Ends the trace: the answer is ready.
    pub fn end(mut self) {
        self.spans.answered_at(Instant::now());
        let count = self.spans.len();
        if self.traces.queue.try_send(self.spans).is_err() {
            self.traces.metrics.spans(SpanEnd::QueueFull, count);
        }
    }
}

#[cfg(test)]
mod tests;
