//! The trace context of the caller (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).

use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use crate::request::Headers;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
/// A longer `tracestate` is ignored, since it would be stored and sent on. Section 3.3.1.5 requires at least 512
/// characters.
const MAX_TRACESTATE: usize = 512;

/// The trace context that came with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallContext {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl CallContext {
    /// Reads it from headers. `value` returns a header by its name.
    pub fn read<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Self {
        let tracestate = value(TRACESTATE).filter(|state| state.len() <= MAX_TRACESTATE);
        Self {
            traceparent: value(TRACEPARENT).map(str::to_owned),
            tracestate: tracestate.map(str::to_owned),
        }
    }

    fn of_request(headers: &Headers) -> Self {
        // If there are two different values, neither can be trusted.
        let one = |name: &str| std::str::from_utf8(headers.one(name).ok()??).ok();
        Self::read(one)
    }

    fn context(&self) -> Option<SpanContext> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        let span = context.span().span_context().clone();
        span.is_valid().then_some(span)
    }
}

impl Extractor for CallContext {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => self.traceparent.as_deref(),
            TRACESTATE => self.tracestate.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}

/// The parent span of a Check: Envoy's span of the call, or else that of the request, if it is trusted.
pub(super) fn parent(call: &CallContext, trusted: Option<&Headers>) -> Option<SpanContext> {
    call.context()
        .or_else(|| CallContext::of_request(trusted?).context())
}

/// A context with this span of another process, as samplers need it.
pub(super) fn of(parent: &SpanContext) -> Context {
    Context::new().with_remote_span_context(parent.clone())
}
