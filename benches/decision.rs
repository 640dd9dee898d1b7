//! Measures the cost of one decision in process, from the bytes of Envoy's request to the bytes of the answer.
//!
//! The floor is the work of every ext_authz server: it decodes the CheckRequest and encodes an answer that allows.
#![allow(clippy::unwrap_used)] // a bench that cannot be set up has no figure

use std::{path::Path, sync::Arc, time::Duration};

use divan::{Bencher, black_box};
use envoy_types::{
    ext_authz::v3::pb::{CheckRequest, CheckResponse, HttpResponse, OkHttpResponse},
    pb::{
        envoy::{
            config::core::v3::{HeaderMap, HeaderValue},
            service::auth::v3::{
                AttributeContext,
                attribute_context::{HttpRequest, Request},
            },
        },
        google::rpc::Status,
    },
};
use geowarden::{
    authn::{
        ApiKeySettings, Chain, ChainSettings, KeyEntry, KeyRing, KeyTable, SystemClock, key_digest,
    },
    identity::{CredentialKind, Principal},
    pipeline::{self, Rules},
    policy::{Policy, Question, RegoPolicy, RegoSettings, input, source},
    record::DecisionRecord,
    request::{
        CheckInput,
        ogc::{Backend, Reader, Resource},
    },
    response,
};
use geowarden_rego::{BuiltinErrors, EngineChoice, Settings, source::Version};
use prost::{Message, bytes::Bytes};
use serde_json::json;

fn main() {
    divan::main();
}

const KEY: &str = "a-key";

fn bytes() -> Vec<u8> {
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    let target = "/collections/obs/items?bbox=1,2,3,4&limit=10";
    let headers = vec![
        header(":authority", "maps.example.org"),
        header(":path", target),
        header(":method", "GET"),
        header(":scheme", "https"),
        header("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        header("accept", "application/geo+json"),
        header("accept-language", "en"),
        header("accept-encoding", "gzip, deflate, br"),
        header("x-forwarded-for", "192.0.2.7"),
        header("x-request-id", "9c4c1b8e-2a0f-4f53-9a6f-0d6a0f1c2b3d"),
        header("x-api-key", KEY),
    ];
    CheckRequest {
        attributes: Some(AttributeContext {
            request: Some(Request {
                http: Some(HttpRequest {
                    method: "GET".to_owned(),
                    path: target.to_owned(),
                    host: "maps.example.org".to_owned(),
                    scheme: "https".to_owned(),
                    protocol: "HTTP/1.1".to_owned(),
                    header_map: Some(HeaderMap { headers }),
                    ..HttpRequest::default()
                }),
                ..Request::default()
            }),
            ..AttributeContext::default()
        }),
    }
    .encode_to_vec()
}

fn check() -> CheckInput {
    CheckInput::from_envoy(bytes().into()).unwrap()
}

fn reader() -> Reader {
    Reader::new("", Backend::Flask).unwrap()
}

fn read(reader: &Reader, check: &CheckInput) -> Resource {
    reader.read(&check.raw_request()).unwrap()
}

fn policy(folder: &str, remembered: usize) -> RegoPolicy {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("policies")
        .join(folder);
    let settings = RegoSettings {
        policy: Settings {
            entrypoint: "geowarden/authz/allow".to_owned(),
            version: Version::V1,
            timeout: Duration::from_secs(1),
            builtin_errors: BuiltinErrors::Refuse,
            engine: EngineChoice::Auto,
        },
        input: input::Shape::Native,
        remembered,
        print: false,
    };
    RegoPolicy::load(source::load(&[&path]).unwrap(), &settings, None).unwrap()
}

fn principal() -> Principal {
    let attributes = json!({"roles": ["reader"], "company": "osgeo"});
    Principal {
        credential: CredentialKind::ApiKey,
        subject: Some("osgeo".into()),
        key_id: Some("osgeo".into()),
        attributes: attributes.as_object().unwrap().clone().into(),
        ..Principal::anonymous()
    }
}

fn rules(folder: &str) -> Rules {
    let table = KeyTable::new(vec![KeyEntry {
        id: "osgeo".to_owned(),
        sha256: key_digest(KEY.as_bytes()),
        attributes: (*principal().attributes).clone(),
        expires: None,
    }])
    .unwrap();
    let settings = ChainSettings {
        api_keys: Some(ApiKeySettings::by_header(
            "x-api-key",
            Arc::new(KeyRing::new(table)),
        )),
        ..ChainSettings::default()
    };
    Rules {
        reader: reader(),
        authn: Arc::new(Chain::new(settings, Arc::new(SystemClock)).unwrap()),
        policy: Arc::new(policy(folder, 1000)),
        fastgeoapi: None,
    }
}

#[divan::bench]
fn floor_decode_and_encode(bencher: Bencher<'_, '_>) {
    let bytes = bytes();
    bencher.bench_local(|| {
        let check = CheckRequest::decode(black_box(bytes.as_slice())).unwrap();
        black_box(check);
        CheckResponse {
            status: Some(Status::default()),
            http_response: Some(HttpResponse::OkResponse(OkHttpResponse::default())),
            ..CheckResponse::default()
        }
        .encode_to_vec()
    });
}

#[divan::bench]
fn request_read(bencher: Bencher<'_, '_>) {
    let (reader, check) = (reader(), check());
    bencher.bench_local(|| read(&reader, black_box(&check)));
}

#[divan::bench]
fn input_built_whole(bencher: Bencher<'_, '_>) {
    let (check, principal) = (check(), principal());
    let resource = read(&reader(), &check);
    let question = Question {
        check: &check,
        resource: &resource,
        principal: &principal,
    };
    bencher.bench_local(|| serde_json::to_value(input::Shape::Native.of(black_box(&question))));
}

#[divan::bench(args = ["default", "examples/company"])]
fn policy_evaluated(bencher: Bencher<'_, '_>, folder: &str) {
    decided(bencher, &policy(folder, 0));
}

#[divan::bench(args = ["default", "examples/company"])]
fn verdict_remembered(bencher: Bencher<'_, '_>, folder: &str) {
    decided(bencher, &policy(folder, 1000));
}

fn decided(bencher: Bencher<'_, '_>, policy: &RegoPolicy) {
    let (check, principal) = (check(), principal());
    let resource = read(&reader(), &check);
    let question = Question {
        check: &check,
        resource: &resource,
        principal: &principal,
    };
    assert!(policy.decide(&question).verdict.unwrap().allowed);
    bencher.bench_local(|| policy.decide(black_box(&question)));
}

#[divan::bench(args = ["default", "examples/company"])]
fn whole_pipeline(bencher: Bencher<'_, '_>, folder: &str) {
    let (bytes, rules) = (Bytes::from(bytes()), rules(folder));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let decide = || {
        let check = CheckInput::from_envoy(black_box(bytes.clone())).unwrap();
        let mut record = DecisionRecord::of(&check);
        let permit = runtime.block_on(pipeline::decide(&rules, &check, &mut record));
        response::to_envoy(&record, permit.as_ref())
    };
    let answer = CheckResponse::decode(decide().as_slice()).unwrap();
    assert_eq!(
        answer.status.unwrap().code,
        0,
        "the bench measures an allowance"
    );
    bencher.bench_local(decide);
}
