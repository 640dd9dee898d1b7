//! A decision that ends at any stop in any way has the same facts in every view.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeMap, time::SystemTime};

use data_encoding::BASE64URL_NOPAD;
use envoy_types::{
    ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse},
    pb::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request},
        },
    },
};
use prost::Message;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::*;
use crate::{
    authn::{
        ApiKeySettings, AskSettings, Audiences, Chain, ChainSettings, Clock, FetchSettings,
        Fetcher, IssuerSettings, KeyEntry, KeyFetchSettings, KeyFetcher, KeyRing, KeyTable,
        key_digest,
    },
    pipeline::Rules,
    policy::{Judgement, Policy, Question, Turn, Verdict, VerdictSource},
    record::{FACTS, FactValue, FastgeoapiMode},
    request::ogc::{Backend, Reader},
    state::Snapshot,
    telemetry::{decision_stream::DecisionEvent, traces},
    transport::admin::v1,
};

const KEY: &str = "osgeo-key";
const ISSUER: &str = "http://127.0.0.1:1";

/// What happens at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Allowed,
    Refused,
    Panic,
    Deadline,
}

/// Where it happens.
#[derive(Debug, Clone, Copy)]
struct Case {
    stop: &'static str,
    way: Way,
}

struct TestClock(Case);

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        assert!(
            !self.0.is("authenticate", Way::Panic),
            "a panic of this test"
        );
        SystemTime::now()
    }
}

struct TestPolicy {
    case: Case,
    /// Never has a place.
    lane: Semaphore,
}

impl Policy for TestPolicy {
    fn decide(&self, _: &Question<'_>) -> Judgement {
        assert!(!self.case.is("policy", Way::Panic), "a panic of this test");
        let verdict = Verdict {
            reason: Some("words of the policy".to_owned()),
            ..Verdict::plain(self.case.way == Way::Allowed)
        };
        Judgement {
            verdict: Ok(Arc::new(verdict)),
            source: VerdictSource::Evaluated(Duration::from_micros(7)),
            printed: Vec::new(),
        }
    }

    fn turn(&self, _: &Question<'_>) -> Turn<'_> {
        if self.case.is("policy", Way::Deadline) {
            Turn::After(&self.lane)
        } else {
            Turn::Now
        }
    }

    fn shown(&self, _: &Question<'_>) -> Value {
        Value::Null
    }

    fn revision(&self) -> &'static str {
        assert!(!self.case.is("read", Way::Panic), "a panic of this test");
        "r1"
    }
}

impl Case {
    fn is(self, stop: &str, way: Way) -> bool {
        self.stop == stop && self.way == way
    }

    fn authn(self) -> Chain {
        let keys = KeyTable::new(vec![KeyEntry {
            id: "osgeo".to_owned(),
            sha256: key_digest(KEY.as_bytes()),
            attributes: Map::new(),
            expires: Some(chrono::Utc::now() + Duration::from_hours(1)),
        }]);
        // Nobody runs the fetcher, so that a token waits for keys until the deadline.
        let mut fetch = KeyFetchSettings::new(ISSUER);
        fetch.ask = AskSettings {
            wait: Duration::from_mins(1),
            ..AskSettings::default()
        };
        let fetcher = Fetcher::new(&FetchSettings::default()).unwrap();
        let (source, _fetcher) = KeyFetcher::new(fetch, fetcher, Arc::new(())).unwrap();
        let settings = ChainSettings {
            api_keys: Some(ApiKeySettings::by_header(
                "x-api-key",
                Arc::new(KeyRing::new(keys.unwrap())),
            )),
            issuers: vec![(IssuerSettings::new(ISSUER, Audiences::Any), source)],
            ..ChainSettings::default()
        };
        Chain::new(settings, Arc::new(TestClock(self))).unwrap()
    }

    fn state(self) -> State {
        let rules = Rules {
            reader: Reader::new("", Backend::Flask).unwrap(),
            authn: Arc::new(self.authn()),
            policy: Arc::new(TestPolicy {
                case: self,
                lane: Semaphore::new(0),
            }),
            fastgeoapi: Some(FastgeoapiMode::Keys),
        };
        let tenant = TenantRules {
            name: Some("osgeo".into()),
            rules,
        };
        State::new(Snapshot::default().with(Arc::new(tenant), &[]))
    }

    fn message(self) -> Bytes {
        let path = match self.stop {
            "read" if self.way == Way::Refused => "/collections/obs//items",
            _ => "/collections/obs/items/a1?f=json",
        };
        let claims = BASE64URL_NOPAD.encode(format!(r#"{{"iss":"{ISSUER}"}}"#).as_bytes());
        let credential = if self.is("authenticate", Way::Refused) {
            ("x-api-key", "another-key".to_owned())
        } else if self.is("authenticate", Way::Deadline) {
            let token = format!("Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.{claims}.AAAA");
            ("authorization", token)
        } else {
            ("x-api-key", KEY.to_owned())
        };
        let http = HttpRequest {
            method: "GET".to_owned(),
            path: path.to_owned(),
            header_map: Some(HeaderMap {
                headers: [credential, ("x-request-id", "an-id".to_owned())]
                    .map(|(key, value)| HeaderValue {
                        key: key.to_owned(),
                        value,
                        ..HeaderValue::default()
                    })
                    .into(),
            }),
            ..HttpRequest::default()
        };
        let check = CheckRequest {
            attributes: Some(AttributeContext {
                request: Some(Request {
                    http: Some(http),
                    ..Request::default()
                }),
                context_extensions: [("policy".to_owned(), "osgeo".to_owned())].into(),
                ..AttributeContext::default()
            }),
        };
        check.encode_to_vec().into()
    }

    /// What every view must say.
    fn expected(self) -> Vec<(&'static str, Value)> {
        let (status, code, reason) = match (self.stop, self.way) {
            (_, Way::Allowed) => (200, "policy-allowed", "words of the policy"),
            (_, Way::Panic) => (503, "internal-error", "internal-error"),
            (_, Way::Deadline) => (503, "deadline", "deadline"),
            ("read", Way::Refused) => (400, "empty-segment", "empty-segment"),
            ("authenticate", Way::Refused) => (401, "unknown-key", "unknown-key"),
            (_, Way::Refused) => (403, "policy-denied", "words of the policy"),
        };
        let outcome = if status == 200 { "allow" } else { "deny" };
        let mut all = vec![
            ("outcome", outcome.into()),
            ("status", status.into()),
            ("code", code.into()),
            ("reason", reason.into()),
            ("stop", self.stop.into()),
            ("tenant", "osgeo".into()),
            ("method", "GET".into()),
            ("request_id", "an-id".into()),
        ];
        if self.stop != "read" {
            all.extend([
                ("path", "/collections/obs/items/a1".into()),
                ("api", "collections".into()),
                ("operation", "item".into()),
                ("item", "a1".into()),
                ("collection", "obs".into()),
            ]);
        }
        if self.stop == "policy" && [Way::Allowed, Way::Refused].contains(&self.way) {
            all.extend([("remembered", false.into()), ("evaluation_us", 7.into())]);
        }
        if self.stop == "policy" {
            all.extend([("principal", "api_key".into()), ("subject", "osgeo".into())]);
        }
        all
    }
}

/// The cases that there are. Reading waits for nothing, so that no deadline can pass there.
fn cases() -> Vec<Case> {
    let mut all = vec![Case {
        stop: "policy",
        way: Way::Allowed,
    }];
    for stop in ["read", "authenticate", "policy"] {
        for way in [Way::Refused, Way::Panic, Way::Deadline] {
            all.push(Case { stop, way });
        }
    }
    all.retain(|case| !case.is("read", Way::Deadline));
    all
}

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
    for case in cases() {
        let state = case.state();
        let received = receive(&state, case.message());
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
        assert_eq!(permit.is_some(), case.way == Way::Allowed, "{case:?}");
        if case.is("authenticate", Way::Refused) {
            assert_eq!(body, r#"{"detail":"invalid api key"}"#);
        }
    }
}

#[tokio::test]
async fn a_record_that_allows_without_a_permit_is_answered_as_a_denial() {
    let mut record = DecisionRecord::new(Instant::now(), false);
    assert_eq!(answer(&record, None).1, 503);
    record.allow();
    assert_eq!(answer(&record, None).1, 503);
}
