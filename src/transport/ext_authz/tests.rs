//! A decision that ends at any stop in any way has the same facts in every view.

#![allow(clippy::unwrap_used, clippy::panic)]

mod cases;

use std::collections::{BTreeMap, BTreeSet};

use envoy_types::ext_authz::v3::pb::{CheckResponse, HttpResponse};
use prost::Message;
use serde_json::{Map, Value, json};

use self::cases::{Way, cases};
use super::*;
use crate::{
    record::{FACTS, FactValue},
    telemetry::{decision_stream::DecisionEvent, traces},
    transport::admin::v1,
};

fn shown(value: FactValue<'_>) -> Value {
    match value {
        FactValue::Word(text) | FactValue::Text(text) => text.into(),
        FactValue::Number(number) => number.into(),
        FactValue::Flag(flag) => flag.into(),
        FactValue::Json(value) => value.clone(),
    }
}

/// What Envoy gets: the metadata, and the status of the answer.
fn answer(record: &DecisionRecord<'_>, permit: Option<&Permit<'_>>) -> (Value, i32, String) {
    let answer = response::to_envoy(record, permit);
    let answer = CheckResponse::decode(answer.as_slice()).unwrap();
    let metadata = answer.dynamic_metadata.unwrap().fields.into_iter();
    let metadata: BTreeMap<_, _> = metadata
        .map(|(name, value)| {
            use envoy_types::pb::google::protobuf::value::Kind;
            let value = match value.kind.unwrap() {
                Kind::StringValue(text) => json!(text),
                Kind::NumberValue(number) => json!(number),
                Kind::BoolValue(flag) => json!(flag),
                other => panic!("{name}: {other:?}"),
            };
            (name, value)
        })
        .collect();
    match answer.http_response.unwrap() {
        HttpResponse::OkResponse(_) => (json!(metadata), 200, String::new()),
        HttpResponse::DeniedResponse(denied) => {
            (json!(metadata), denied.status.unwrap().code, denied.body)
        }
        HttpResponse::ErrorResponse(_) => panic!("an error"),
    }
}

/// What `geowarden tail` gets.
fn tail(decision: v1::Decision) -> Value {
    let facts = decision.facts.into_iter().map(|fact| {
        let value = match fact.value.unwrap() {
            v1::fact::Value::Text(text) => json!(text),
            v1::fact::Value::Number(number) => json!(number),
            v1::fact::Value::Flag(flag) => json!(flag),
        };
        (fact.name, value)
    });
    facts.collect::<Map<_, _>>().into()
}

fn labels(metrics: &str) -> Value {
    let mut lines = metrics.lines();
    let line = lines.find(|line| line.starts_with("geowarden_decisions_total{"));
    let labels = line.unwrap().split(['{', '}']).nth(1).unwrap().to_owned();
    let pairs = labels.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), json!(value.trim_matches('"')))
    });
    pairs.collect::<Map<_, _>>().into()
}

#[tokio::test]
async fn a_decision_that_ends_anywhere_says_the_same_in_every_view() {
    // What no case has: a token's issuer, and the input, which the log has by a setting only.
    let mut unseen = BTreeSet::from(["issuer", "input_scope", "input", "input_too_long", "erased"]);
    let mut seen = BTreeSet::new();
    for case in cases() {
        let state = case.state();
        let received = Received::guarded(|received| {
            let denial = received.read(&state, case.message());
            assert!(!case.is("read", Way::PanicBefore), "a panic of this test");
            denial
        });
        let mut record = DecisionRecord::new(Instant::now(), true);
        let end = Instant::now() + Duration::from_millis(20);
        let permit = judge(&received, end, &mut record).await;
        record.duration = record.begun.elapsed();

        for (name, value) in case.expected() {
            let fact = FACTS.iter().find(|fact| match name {
                "code" => fact.log.is_none(),
                name => fact.log == Some(name),
            });
            let found = fact.unwrap().of(&record).map(shown);
            assert_eq!(found, Some(value), "{case:?}: {name}");
        }

        let log: Value =
            serde_json::from_slice(&decision_log::json_line(&record).unwrap()).unwrap();
        let event = DecisionEvent::of(&record, false);
        let tail = tail(crate::transport::admin::decision(&event, false));
        let spans: Map<String, Value> = traces::attributes(&record)
            .into_iter()
            .map(|pair| (pair.key.to_string(), json!(pair.value.to_string())))
            .collect();
        let spans = Value::Object(spans);
        let (metadata, status, body) = answer(&record, permit.as_ref());
        let metrics = Metrics::default();
        metrics.decided(&record);
        let labels = labels(&metrics.text().unwrap());

        for fact in &FACTS {
            let value = fact.of(&record).map(shown);
            if value.is_some() {
                seen.insert(fact.log.unwrap_or("code"));
            }
            let as_text = value.as_ref().map(|value| match value {
                Value::String(text) => json!(text),
                other => json!(other.to_string()),
            });
            for (view, name, told, value) in [
                ("log", fact.log, &log, &value),
                ("tail", fact.in_tail(), &tail, &value),
                ("metadata", fact.metadata, &metadata, &value),
                ("span", fact.span, &spans, &as_text),
                ("label", fact.label, &labels, &as_text),
            ] {
                let Some(name) = name else { continue };
                let told = told.get(name).filter(|told| *told != "unknown");
                assert_eq!(told, value.as_ref(), "{case:?}: {name} in {view}");
            }
        }
        assert_eq!(status, i32::from(record.status()), "{case:?}");
        assert_eq!(permit.is_some(), case.is_allowed(), "{case:?}");
        if case.is("authenticate", Way::Refused) {
            assert_eq!(body, r#"{"detail":"invalid api key"}"#);
        }
        if case.way == Way::PanicBefore {
            assert_eq!(record.policy_revision, Some("r1"));
            assert!(record.fastgeoapi.is_some());
        }
    }
    // Otherwise a fact could be missing from a view without notice.
    unseen.extend(seen);
    let all: BTreeSet<_> = FACTS
        .iter()
        .map(|fact| fact.log.unwrap_or("code"))
        .collect();
    assert_eq!(unseen, all);
}

/// A panic may come before credentials are taken out of the request.
#[test]
fn what_is_kept_of_a_request_after_a_panic_has_no_credential() {
    let received = Received::guarded(|received| {
        received.check = Some(CheckInput {
            method: "GET".to_owned(),
            target: b"/collections?api_key=MARKER".to_vec(),
            headers: [("x-request-id", "an-id"), ("x-api-key", "MARKER")]
                .into_iter()
                .collect(),
            body: b"MARKER".to_vec(),
            ..CheckInput::default()
        });
        panic!("a panic of this test")
    });
    let check = received.check.unwrap();
    assert_eq!(
        (check.method.as_str(), &*check.target),
        ("GET", &b"/collections"[..])
    );
    assert_eq!(
        check.headers.one("x-request-id").unwrap(),
        Some(&b"an-id"[..])
    );
    assert!(!format!("{check:?}").contains("MARKER") && check.body.is_empty());
    assert_eq!(check.headers.iter().count(), 1);
    assert!(received.denial.is_some());
}

#[tokio::test]
async fn a_record_that_allows_without_a_permit_is_answered_as_a_denial() {
    let mut record = DecisionRecord::new(Instant::now(), false);
    assert_eq!(answer(&record, None).1, 503);
    record.allow();
    assert_eq!(answer(&record, None).1, 503);
}
