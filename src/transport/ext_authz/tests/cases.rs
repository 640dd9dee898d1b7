//! Decisions that end at each stop in each way, and the facts that each must have.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use data_encoding::BASE64URL_NOPAD;
use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::envoy::{
        config::core::v3::{HeaderMap, HeaderValue},
        service::auth::v3::{
            AttributeContext,
            attribute_context::{HttpRequest, Request},
        },
    },
};
use prost::{Message, bytes::Bytes};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::{
    authn::{
        ApiKeySettings, AskSettings, Audiences, Chain, ChainSettings, Clock, FetchSettings,
        Fetcher, IssuerSettings, KeyEntry, KeyFetchSettings, KeyFetcher, KeyRing, KeyTable,
        key_digest,
    },
    pipeline::Rules,
    policy::{
        Judgement, Policy, PolicyError, Question, Turn, Verdict, VerdictError, VerdictSource,
    },
    record::FastgeoapiMode,
    request::ogc::{Backend, Reader},
    state::{Snapshot, State, TenantRules},
};

const KEY: &str = "osgeo-key";
const ISSUER: &str = "http://127.0.0.1:1";

/// What happens at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Allowed,
    /// Allowed by a remembered verdict, with a request for a process.
    Remembered,
    Refused,
    /// The policy gives no verdict.
    Fault,
    Panic,
    /// A panic after the request was received, before the pipeline has it.
    PanicBefore,
    Deadline,
}

/// Where it happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) stop: &'static str,
    pub(super) way: Way,
}

fn no_verdict() -> PolicyError {
    VerdictError::Header("a name".to_owned()).into()
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
            ..Verdict::plain(self.case.is_allowed())
        };
        Judgement {
            verdict: match self.case.way {
                Way::Fault => Err(no_verdict()),
                _ => Ok(Arc::new(verdict)),
            },
            source: match self.case.way {
                Way::Remembered => VerdictSource::Remembered,
                _ => VerdictSource::Evaluated(Duration::from_micros(7)),
            },
            printed: vec!["a line".to_owned()],
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
    pub(super) fn is_allowed(self) -> bool {
        [Way::Allowed, Way::Remembered].contains(&self.way)
    }

    pub(super) fn is(self, stop: &str, way: Way) -> bool {
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

    pub(super) fn state(self) -> State {
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

    pub(super) fn message(self) -> Bytes {
        let path = match self.stop {
            "read" if self.way == Way::Refused => "/collections/obs//items",
            "policy" if self.way == Way::Remembered => "/processes/hello-world",
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
    pub(super) fn expected(self) -> Vec<(&'static str, Value)> {
        let (status, code, reason) = match (self.stop, self.way) {
            (_, Way::Allowed | Way::Remembered) => (200, "policy-allowed", "words of the policy"),
            (_, Way::Fault) => (503, "policy-verdict", "policy-verdict"),
            (_, Way::Panic | Way::PanicBefore) => (503, "internal-error", "internal-error"),
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
        if self.way == Way::Remembered {
            all.extend([
                ("path", "/processes/hello-world".into()),
                ("api", "process".into()),
                ("operation", "process".into()),
                ("process", "hello-world".into()),
            ]);
        } else if self.stop != "read" {
            all.extend([
                ("path", "/collections/obs/items/a1".into()),
                ("api", "collections".into()),
                ("operation", "item".into()),
                ("item", "a1".into()),
                ("collection", "obs".into()),
            ]);
        }
        match self.way {
            Way::Remembered => all.push(("remembered", true.into())),
            Way::Allowed | Way::Refused | Way::Fault if self.stop == "policy" => {
                all.extend([("remembered", false.into()), ("evaluation_us", 7.into())]);
                all.push(("print", "a line".into()));
            }
            _ => {}
        }
        if self.way == Way::Fault {
            all.push(("cause", no_verdict().to_string().into()));
        }
        if self.stop == "policy" {
            all.extend([("principal", "api_key".into()), ("subject", "osgeo".into())]);
        }
        all
    }
}

/// The cases that there are. Reading waits for nothing, so that no deadline can pass there.
pub(super) fn cases() -> Vec<Case> {
    let at_policy = |way| Case {
        stop: "policy",
        way,
    };
    let mut all = [Way::Allowed, Way::Remembered, Way::Fault]
        .map(at_policy)
        .to_vec();
    for stop in ["read", "authenticate", "policy"] {
        for way in [Way::Refused, Way::Panic, Way::Deadline] {
            all.push(Case { stop, way });
        }
    }
    all.retain(|case| !case.is("read", Way::Deadline));
    all.push(Case {
        stop: "read",
        way: Way::PanicBefore,
    });
    all
}
