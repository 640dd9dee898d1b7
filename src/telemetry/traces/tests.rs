#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use std::time::Duration;

use opentelemetry::{InstrumentationScope, SpanId, trace::Status};
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::{
    config::{Config, Environment},
    record::Denial,
    request::CheckInput,
    status::DenialStatus,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

fn sampled(trace: &str) -> String {
    format!("00-{trace}-b7ad6b7169203331-01")
}

fn settings(more: &str) -> config::Traces {
    let text = format!("telemetry: {{traces: {{endpoint: 'http://127.0.0.1:1/v1/traces'{more}}}}}");
    let folder = std::path::Path::new("");
    let config = Config::from_text("test", &text, folder, &Environment::default()).unwrap();
    config.telemetry.traces.unwrap()
}

fn carried(traceparent: &str) -> CallContext {
    CallContext::read(|name| (name == "traceparent").then_some(traceparent))
}

fn check(headers: &[(&str, &str)]) -> CheckInput {
    CheckInput {
        headers: headers.iter().copied().collect(),
        ..CheckInput::default()
    }
}

/// When an answer is ready, after the begin of its check.
const ANSWERED_AFTER: Duration = Duration::from_millis(30);

/// A denial that took 2 ms, all of which have passed.
fn refused<'c>(check: &'c CheckInput, status: u16, code: &'static str) -> DecisionRecord<'c> {
    let begun = Instant::now().checked_sub(Duration::from_millis(10));
    let mut record = DecisionRecord::new(begun.unwrap(), true);
    record.request = Some(check);
    record.duration = Duration::from_millis(2);
    record.policy_revision = Some("r1");
    record.deny(Denial::new(DenialStatus::new(status).unwrap(), code, ""));
    record
}

fn spans(carried: &CallContext, record: &DecisionRecord<'_>) -> Vec<SpanData> {
    let ids = RandomIdGenerator::default();
    let headers = record.request.map(|check| &check.headers);
    let parent = context::parent(carried, headers);
    let trace_id = parent
        .as_ref()
        .map_or_else(|| ids.new_trace_id(), SpanContext::trace_id);
    let mut spans = DecisionSpans::new(record, parent, trace_id);
    spans.answered_at(record.begun + ANSWERED_AFTER);
    let len = spans.len();
    let all: Vec<_> = spans
        .into_spans(&ids, &InstrumentationScope::default())
        .collect();
    assert_eq!(all.len(), len);
    all
}

/// How many decisions are noted, and the text of the metrics.
fn noted(
    ratio: &str,
    carried: &CallContext,
    headers: &[(&str, &str)],
    times: usize,
) -> (usize, String) {
    let metrics = Arc::new(Metrics::default());
    let (traces, exporter) = TraceQueue::new(&settings(ratio), Arc::clone(&metrics)).unwrap();
    let check = check(headers);
    let record = refused(&check, 403, "policy-denied");
    for _ in 0..times {
        if let Some(trace) = traces.begin(carried, &record) {
            trace.end();
        }
    }
    (exporter.waiting(), metrics.text().unwrap())
}

#[test]
fn the_context_of_the_call_is_nearer_than_the_request_s() {
    let (call, request) = (sampled(TRACE), sampled(OTHER_TRACE));
    let check = check(&[("traceparent", &request)]);
    let record = refused(&check, 403, "policy-denied");
    let trace = |carried: &CallContext| {
        spans(carried, &record)[0]
            .span_context
            .trace_id()
            .to_string()
    };
    assert_eq!(trace(&carried(&call)), TRACE);
    assert_eq!(trace(&CallContext::default()), OTHER_TRACE);
    assert_eq!(trace(&carried("00-nonsense")), OTHER_TRACE);
}

#[test]
fn a_context_that_nobody_can_believe_is_none() {
    let (one, two) = (sampled(TRACE), sampled(OTHER_TRACE));
    for headers in [
        vec![("traceparent", one.as_str()), ("traceparent", &two)],
        vec![(
            "traceparent",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        )],
        vec![(
            "traceparent",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01",
        )],
        vec![("traceparent", "")],
    ] {
        let check = check(&headers);
        let record = refused(&check, 403, "policy-denied");
        let all = spans(&CallContext::default(), &record);
        assert_eq!(all[0].parent_span_id, SpanId::INVALID, "{headers:?}");
    }
}

#[test]
fn a_tracestate_is_kept_unless_it_is_long() {
    let parent = sampled(TRACE);
    let long = format!("a={}", "x".repeat(600));
    for (state, kept) in [("rojo=1,congo=2", "rojo=1,congo=2"), (&long, "")] {
        let check = check(&[("traceparent", &parent), ("tracestate", state)]);
        let record = refused(&check, 403, "policy-denied");
        for span in spans(&CallContext::default(), &record) {
            assert_eq!(span.span_context.trace_state().header(), kept);
        }
    }
}

#[test]
fn the_callers_flag_decides_and_without_a_caller_the_ratio() {
    let (yes, no) = (sampled(TRACE), sampled(TRACE).replace("-01", "-00"));
    let none = CallContext::default();
    let count = |ratio, carried: &CallContext, headers: &[(&str, &str)]| {
        noted(ratio, carried, headers, 1).0
    };
    assert_eq!(count(", sample_ratio: 0", &carried(&yes), &[]), 1);
    let of_client = [("traceparent", yes.as_str())];
    assert_eq!(count(", sample_ratio: 0", &none, &of_client), 0);
    let trusting = ", sample_ratio: 0, trust_request_context: true";
    assert_eq!(count(trusting, &none, &of_client), 1);
    assert_eq!(
        count(", sample_ratio: 1", &none, &[("traceparent", &no)]),
        1
    );
    assert_eq!(
        count(", sample_ratio: 1", &carried(&no), &[("traceparent", &yes)]),
        0
    );
    assert_eq!(count(", sample_ratio: 0", &none, &[]), 0);
    assert_eq!(count("", &none, &[]), 1);
    let some = noted(", sample_ratio: 0.5", &none, &[], 1000).0;
    assert!((350..650).contains(&some), "{some}");
}

#[test]
fn a_client_s_context_is_not_the_parent_unless_it_is_trusted() {
    let check = check(&[("traceparent", &sampled(TRACE))]);
    let record = refused(&check, 403, "policy-denied");
    let parent = |more: &str| {
        let (traces, _exporter) = TraceQueue::new(&settings(more), Arc::default()).unwrap();
        let trace = traces.begin(&CallContext::default(), &record).unwrap();
        let scope = InstrumentationScope::default();
        let mut spans = trace.spans.into_spans(&traces.ids, &scope);
        let call = spans.next().unwrap();
        (
            call.span_context.trace_id().to_string() == TRACE,
            call.parent_span_id != SpanId::INVALID,
        )
    };
    assert_eq!(parent(""), (false, false));
    assert_eq!(parent(", trust_request_context: true"), (true, true));
}

#[test]
fn a_full_queue_drops_whole_traces_and_counts_them() {
    let (waiting, metrics) = noted("", &CallContext::default(), &[], QUEUE + 3);
    assert_eq!(waiting, QUEUE);
    // The call, the stop at which it was refused, and the answer.
    let line = "geowarden_trace_spans_total{result=\"queue-full\"} 9";
    assert!(metrics.lines().any(|shown| shown == line), "{metrics}");
}

#[test]
fn the_stops_follow_each_other_below_the_call() {
    let check = check(&[]);
    let mut record = refused(&check, 403, "policy-denied");
    record.begun = Instant::now();
    let pause = || std::thread::sleep(Duration::from_millis(2));
    pause();
    record.stops.leave_read();
    pause();
    record.stops.leave_authenticate();
    pause();
    record.duration = record.begun.elapsed();
    let mut begun = record.begun;
    let lengths = record.stops.reached().map(|(_, left)| {
        let length = left.unwrap_or(record.begun + record.duration) - begun;
        begun += length;
        length
    });
    let lengths: Vec<Duration> = lengths.collect();
    let all = spans(&carried(&sampled(TRACE)), &record);
    let names: Vec<_> = all.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "envoy.service.auth.v3.Authorization/Check",
            "read",
            "authenticate",
            "policy",
            "respond"
        ]
    );
    assert_eq!(all[0].parent_span_id.to_string(), "b7ad6b7169203331");
    assert!(all[0].parent_span_is_remote);
    assert_eq!(all[0].span_kind, SpanKind::Server);
    let whole = all[0].end_time.duration_since(all[0].start_time).unwrap();
    assert_eq!(whole, ANSWERED_AFTER);
    let told = all[1..4].iter().map(|span| {
        let length = span.end_time.duration_since(span.start_time);
        length.unwrap()
    });
    assert_eq!(told.collect::<Vec<_>>(), lengths);
    assert!(
        lengths
            .iter()
            .all(|length| *length >= Duration::from_millis(2))
    );
    for pair in all[1..].windows(2) {
        assert_eq!(pair[0].end_time, pair[1].start_time);
        assert_eq!(pair[0].parent_span_id, all[0].span_context.span_id());
    }
    // To refuse is no fault.
    assert!(all.iter().all(|span| span.status == Status::Unset));
}

#[test]
fn a_fault_is_an_error_of_the_call_and_of_the_stop_where_it_broke_off() {
    let check = check(&[]);
    let mut record = refused(&check, 503, "deadline");
    record.stops.leave_read();
    let faulty: Vec<_> = spans(&CallContext::default(), &record)
        .into_iter()
        .filter(|span| span.status == Status::error("deadline"))
        .map(|span| span.name)
        .collect();
    assert_eq!(
        faulty,
        ["envoy.service.auth.v3.Authorization/Check", "authenticate"]
    );
}

#[test]
fn headers_and_authorities_that_cannot_be_used_are_faults_that_tell_no_credential() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let settings = settings("");
    let error = |settings: &config::Traces| {
        let built = TraceQueue::new(settings, Arc::default());
        built.err().unwrap().to_string()
    };
    for text in ["bad name=s3cret", "Authorization: Bearer s3cret=="] {
        std::fs::write(&file, text).unwrap();
        let told = error(&config::Traces {
            headers_file: Some(file.clone()),
            ..settings.clone()
        });
        assert!(told.contains("number 1 has no header's name"), "{told}");
        assert!(
            !told.contains("s3cret") && !told.contains("bad name"),
            "{told}"
        );
    }
    for text in ["", "s3cret"] {
        std::fs::write(&file, text).unwrap();
        let told = error(&config::Traces {
            ca_file: Some(file.clone()),
            ..settings.clone()
        });
        assert!(
            told.contains("found none that can be used") && !told.contains("s3cret"),
            "{told}"
        );
    }
}

#[test]
fn the_call_says_whose_policies_judged() {
    let check = check(&[]);
    let mut record = refused(&check, 403, "policy-denied");
    record.tenant = Some("osgeo".into());
    let all = spans(&CallContext::default(), &record);
    for (key, value) in [
        ("geowarden.tenant", "osgeo"),
        ("geowarden.policy.revision", "r1"),
    ] {
        let is_there = |pair: &opentelemetry::KeyValue| {
            pair.key.as_str() == key && pair.value.as_str() == value
        };
        assert!(all[0].attributes.iter().any(is_there), "{key}");
    }
}
