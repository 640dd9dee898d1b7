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
/// A longer `tracestate` is left out (section 3.3.1.5 asks for at least 512 characters): it would be kept and sent on.
const MAX_TRACESTATE: usize = 512;

/// The trace context that came with a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carried {
    traceparent: Option<String>,
    tracestate: Option<String>,
}

impl Carried {
    /// Reads it off headers of which `value` finds one by its name.
    pub fn read<'a>(value: impl Fn(&str) -> Option<&'a str>) -> Self {
        let tracestate = value(TRACESTATE).filter(|state| state.len() <= MAX_TRACESTATE);
        Self {
            traceparent: value(TRACEPARENT).map(str::to_owned),
            tracestate: tracestate.map(str::to_owned),
        }
    }

    fn of_request(headers: &Headers) -> Self {
        // Of two that differ none can be believed.
        let one = |name: &str| std::str::from_utf8(headers.one(name).ok()??).ok();
        Self::read(one)
    }

    fn context(&self) -> Option<SpanContext> {
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), self);
        let span = context.span().span_context().clone();
        span.is_valid().then_some(span)
    }
}

impl Extractor for Carried {
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

/// The span that a Check belongs under: Envoy's of the call itself, else that of a request whose word counts.
pub(super) fn parent(call: &Carried, trusted: Option<&Headers>) -> Option<SpanContext> {
    call.context()
        .or_else(|| Carried::of_request(trusted?).context())
}

/// A context with this span of another process, as samplers want it.
pub(super) fn of(parent: &SpanContext) -> Context {
    Context::new().with_remote_span_context(parent.clone())
}
