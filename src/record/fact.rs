//! The facts of a decision record, with the name of each fact in every view.
//!
//! To add a fact, add an entry to [`FACTS`]: the log, `geowarden tail`, Envoy's metadata and the spans read this table.
//! The labels of a metric are a separate type, in `telemetry/metrics`. A test compares them with this table.

use std::time::Duration;

use serde_json::Value;

use super::DecisionRecord;
use crate::{policy::VerdictSource, request::ogc::Resource};

/// The value of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactValue<'a> {
    /// One of geowarden's own words.
    Word(&'static str),
    /// A text from the request, its credential, its policy or its tenant.
    Text(&'a str),
    /// A number.
    Number(u64),
    /// A boolean.
    Flag(bool),
    /// Any JSON.
    Json(&'a Value),
}

/// A fact and its names. A view in which it has no name omits it.
#[derive(Debug)]
pub struct Fact {
    /// The name in the decision log.
    pub log: Option<&'static str>,
    /// Whether `geowarden tail` shows it.
    is_in_tail: bool,
    /// The name in Envoy's dynamic metadata.
    pub metadata: Option<&'static str>,
    /// The name of the span attribute.
    pub span: Option<&'static str>,
    /// The name of the label of `geowarden_decisions_total`.
    pub label: Option<&'static str>,
    value: for<'a, 'r> fn(&'a DecisionRecord<'r>) -> Option<FactValue<'a>>,
}

impl Fact {
    /// The value in `record`; `None` if it is not known.
    pub fn of<'a>(&self, record: &'a DecisionRecord<'_>) -> Option<FactValue<'a>> {
        (self.value)(record)
    }

    /// Its name in `geowarden tail`.
    pub fn in_tail(&self) -> Option<&'static str> {
        self.log.filter(|_| self.is_in_tail)
    }

    const fn logged(
        name: &'static str,
        value: for<'a, 'r> fn(&'a DecisionRecord<'r>) -> Option<FactValue<'a>>,
    ) -> Self {
        Self {
            log: Some(name),
            is_in_tail: true,
            metadata: None,
            span: None,
            label: None,
            value,
        }
    }

    /// Not for `geowarden tail`: the text can quote what a client sent.
    const fn for_the_log_only(self) -> Self {
        Self {
            is_in_tail: false,
            ..self
        }
    }

    const fn in_metadata(self, name: &'static str) -> Self {
        Self {
            metadata: Some(name),
            ..self
        }
    }

    const fn in_spans(self, name: &'static str) -> Self {
        Self {
            span: Some(name),
            ..self
        }
    }

    const fn in_metrics(self, name: &'static str) -> Self {
        Self {
            label: Some(name),
            ..self
        }
    }
}

/// Every fact, in the order of a log line.
pub static FACTS: [Fact; 29] = [
    Fact::logged("decision_id", |record| Some(FactValue::Text(&record.id)))
        .in_metadata("decision_id")
        .in_spans("geowarden.decision.id"),
    Fact::logged("outcome", |record| Some(FactValue::Word(record.outcome())))
        .in_metadata("outcome")
        .in_spans("geowarden.decision.outcome")
        .in_metrics("outcome"),
    Fact::logged("status", |record| {
        Some(FactValue::Number(record.status().into()))
    })
    .in_spans("geowarden.decision.status")
    .in_metrics("status"),
    Fact::logged("reason", |record| Some(FactValue::Text(record.reason()))).in_metadata("reason"),
    // The reason without the policy's own words, which may name people.
    Fact {
        log: None,
        is_in_tail: false,
        ..Fact::logged("", |record| Some(FactValue::Word(record.code())))
    }
    .in_spans("geowarden.decision.reason")
    .in_metrics("reason"),
    Fact::logged("stop", |record| {
        Some(FactValue::Word(record.stops.current().as_str()))
    })
    .in_metadata("stop")
    .in_spans("geowarden.decision.stop")
    .in_metrics("stop"),
    Fact::logged("tenant", |record| text(record.tenant.as_deref()))
        .in_metadata("tenant")
        .in_spans("geowarden.tenant")
        .in_metrics("tenant"),
    Fact::logged("method", |record| Some(FactValue::Text(record.method()))),
    Fact::logged("path", |record| text(record.path())),
    // The id that Envoy uses in its access log and traces.
    Fact::logged("request_id", |record| text(record.request_id())),
    // In Envoy's metadata and headers, `method` is the kind of credential.
    Fact::logged("principal", |record| {
        record.credential().map(FactValue::Word)
    })
    .in_metadata("method")
    .in_spans("geowarden.principal.method")
    .in_metrics("principal"),
    Fact::logged("subject", |record| {
        text(record.principal.as_ref()?.subject.as_deref())
    })
    .in_metadata("subject"),
    Fact::logged("issuer", |record| {
        text(record.principal.as_ref()?.issuer.as_deref())
    }),
    Fact::logged("policy_revision", |record| text(record.policy_revision))
        .in_spans("geowarden.policy.revision"),
    Fact::logged("api", |record| {
        record
            .resource
            .as_ref()
            .map(Resource::api)
            .map(FactValue::Word)
    })
    .in_metadata("api")
    .in_spans("geowarden.resource.api"),
    Fact::logged("operation", |record| {
        record
            .resource
            .as_ref()
            .map(Resource::operation)
            .map(FactValue::Word)
    })
    .in_metadata("operation")
    .in_spans("geowarden.resource.operation"),
    Fact::logged("collection", |record| {
        text(record.resource.as_ref()?.collection())
    })
    .in_metadata("collection")
    .in_spans("geowarden.resource.collection"),
    Fact::logged("item", |record| text(record.resource.as_ref()?.item())),
    Fact::logged("process", |record| {
        text(record.resource.as_ref()?.process())
    }),
    Fact::logged("remembered", |record| {
        let source = record.verdict_source?;
        Some(FactValue::Flag(source == VerdictSource::Remembered))
    })
    .in_spans("geowarden.policy.remembered"),
    Fact::logged("evaluation_us", |record| match record.verdict_source? {
        VerdictSource::Remembered => None,
        VerdictSource::Evaluated(duration) => Some(micros(duration)),
    })
    .in_spans("geowarden.policy.evaluation_us"),
    Fact::logged("duration_us", |record| Some(micros(record.duration))),
    Fact::logged("detail", |record| text(record.logged_detail())).for_the_log_only(),
    Fact::logged("cause", |record| text(record.denial()?.cause.as_deref())).for_the_log_only(),
    Fact::logged("print", |record| text(record.printed.as_deref())).for_the_log_only(),
    Fact::logged("input_scope", |record| {
        Some(FactValue::Word(record.input.as_ref()?.scope.as_str()))
    })
    .for_the_log_only(),
    Fact::logged("input", |record| {
        let input = record.input.as_ref()?.input.as_ref();
        input.ok().map(FactValue::Json)
    })
    .for_the_log_only(),
    Fact::logged("input_too_long", |record| {
        let input = record.input.as_ref()?.input.as_ref();
        input.err().copied().map(FactValue::Number)
    })
    .for_the_log_only(),
    Fact::logged("erased", |record| {
        let erased = record.input.as_ref()?.erased.as_ref();
        erased.map(FactValue::Json)
    })
    .for_the_log_only(),
];

fn micros(duration: Duration) -> FactValue<'static> {
    FactValue::Number(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

fn text(value: Option<&str>) -> Option<FactValue<'_>> {
    value.map(FactValue::Text)
}
