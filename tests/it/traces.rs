//! Traces of a service in process: what is sent, and that no collector can delay a decision.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use envoy_types::ext_authz::v3::pb::CheckRequest;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    trace::v1::{Span, status::StatusCode as SpanStatus},
};
use prost::Message;
use tokio::{net::TcpListener, sync::mpsc};
use tonic::Request;

use crate::service::{OSGEO_KEY, Service, config, folder, request};

const POLICY: &str = include_str!("../../policies/examples/company/authz.rego");
const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2VjcmV0";

/// One export: its headers and its body.
type Export = (HeaderMap, Bytes);

/// Starts an endpoint that records its requests. It gives these answers, and then empty ones.
async fn endpoint(
    answers: Vec<(StatusCode, Vec<u8>)>,
) -> (String, mpsc::UnboundedReceiver<Export>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (sender, exports) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(VecDeque::from(answers)));
    let handler = post(async move |headers: HeaderMap, body: Bytes| {
        let _ = sender.send((headers, body));
        let answer = answers.lock().unwrap().pop_front();
        answer.unwrap_or((StatusCode::OK, Vec::new()))
    });
    let router = Router::new().route("/v1/traces", handler);
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, exports)
}

/// A service with an issuer, so that it verifies a token.
async fn service(endpoint: &str, more: &str) -> Service {
    let sections = format!("telemetry:\n  traces:\n    endpoint: {endpoint}\n{more}");
    let folder = folder(POLICY, &sections);
    std::fs::write(
        folder.path().join("headers"),
        "authorization=Bearer%20of-the-collector\n",
    )
    .unwrap();
    let config = config(folder.path());
    Service::start(folder, config).await
}

fn spans(export: &Export) -> Vec<Span> {
    let request = ExportTraceServiceRequest::decode(export.1.clone()).unwrap();
    request
        .resource_spans
        .into_iter()
        .flat_map(|resource| resource.scope_spans)
        .flat_map(|scope| scope.spans)
        .collect()
}

async fn next(exports: &mut mpsc::UnboundedReceiver<Export>) -> Export {
    tokio::time::timeout(Duration::from_secs(20), exports.recv())
        .await
        .unwrap()
        .unwrap()
}

async fn stop(mut service: Service) -> Result<(), String> {
    drop(service.client);
    service.stop.take().unwrap().send(()).unwrap();
    service.running.await.unwrap()
}

#[tokio::test]
async fn nothing_that_is_exported_holds_what_a_client_sent() {
    let (address, mut exports) = endpoint(Vec::new()).await;
    let service = service(&address, "    headers_file: headers\n").await;
    let bearer = format!("Bearer {TOKEN}");
    let path = "/collections/obs/items?secret-name=secret-value&limit=1";
    for headers in [
        &[("x-api-key", OSGEO_KEY), ("x-other", "header-value")][..],
        &[("authorization", &bearer), ("cookie", "session-value")],
        &[("x-api-key", "wrong-key-value")],
    ] {
        service.ask("GET", path, headers).await;
    }
    let allowed = service
        .ask(
            "GET",
            "/collections/osgeo/items",
            &[("x-api-key", OSGEO_KEY)],
        )
        .await;
    let id = allowed.header("x-geowarden-decision-id").unwrap();
    stop(service).await.unwrap();
    let mut text = String::new();
    while let Ok(export) = exports.try_recv() {
        text.push_str(&String::from_utf8_lossy(&export.1));
        let authorization = export.0.get("authorization").unwrap();
        assert_eq!(authorization, "Bearer of-the-collector");
        assert_eq!(
            export.0.get("content-type").unwrap(),
            "application/x-protobuf"
        );
    }
    // The service exports its last spans when it ends.
    for told in [
        id.as_str(),
        "envoy.service.auth.v3.Authorization/Check",
        "api_key",
    ] {
        assert!(text.contains(told), "{told}");
    }
    for secret in [
        OSGEO_KEY,
        TOKEN,
        "c2VjcmV0",
        "wrong-key-value",
        "header-value",
        "session-value",
        "secret-name",
        "secret-value",
        "of-the-collector",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_trace_is_the_one_of_the_call() {
    let (address, mut exports) = endpoint(Vec::new()).await;
    let service = service(&address, "    sample_ratio: 0\n").await;
    let mut call = Request::new(request("GET", "/collections", &[]));
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-01";
    call.metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    service.client.clone().check(call).await.unwrap();
    let spans = spans(&next(&mut exports).await);
    assert_eq!(spans.len(), 5);
    for span in &spans {
        let trace = data_encoding::HEXLOWER.encode(&span.trace_id);
        assert_eq!(trace, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
    }
    let parent = data_encoding::HEXLOWER.encode(&spans[0].parent_span_id);
    assert_eq!(parent, "b7ad6b7169203331");
    assert!(
        spans[1..]
            .iter()
            .all(|s| s.parent_span_id == spans[0].span_id)
    );
    stop(service).await.unwrap();
}

#[tokio::test]
async fn a_check_that_cannot_be_read_has_a_trace_too() {
    let (address, mut exports) = endpoint(Vec::new()).await;
    let service = service(&address, "").await;
    service.check(CheckRequest::default()).await;
    let spans = spans(&next(&mut exports).await);
    let names: Vec<_> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "envoy.service.auth.v3.Authorization/Check",
            "read",
            "respond"
        ]
    );
}

#[tokio::test]
async fn a_fault_is_an_error_of_the_stop_where_it_broke_off() {
    let (address, mut exports) = endpoint(Vec::new()).await;
    let policy =
        "package geowarden.authz\nallow := object.get(input, [\"request\", \"method\"], 1)\n";
    let folder = folder(
        policy,
        &format!("telemetry: {{traces: {{endpoint: '{address}'}}}}"),
    );
    let config = config(folder.path());
    let service = Service::start(folder, config).await;
    let answer = service.ask("GET", "/", &[]).await;
    assert_eq!(answer.status(), 503);
    let faulty: Vec<_> = spans(&next(&mut exports).await)
        .into_iter()
        .filter(|span| span.status.clone().unwrap_or_default().code() == SpanStatus::Error)
        .map(|span| span.name)
        .collect();
    assert_eq!(
        faulty,
        ["envoy.service.auth.v3.Authorization/Check", "policy"]
    );
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again() {
    let busy = (StatusCode::SERVICE_UNAVAILABLE, Vec::new());
    let (address, mut exports) = endpoint(vec![busy]).await;
    let service = service(&address, "").await;
    service.ask("GET", "/", &[]).await;
    let first = next(&mut exports).await;
    assert_eq!(next(&mut exports).await.1, first.1);
    service
        .metric("geowarden_trace_spans_total{result=\"exported\"} 5")
        .await;
}

#[tokio::test]
async fn what_a_collector_refuses_is_counted() {
    let rejected = ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans: 2,
            error_message: "too many".to_owned(),
        }),
    };
    let answers = vec![
        (StatusCode::OK, rejected.encode_to_vec()),
        (StatusCode::BAD_REQUEST, Vec::new()),
        (StatusCode::OK, b"<html>no collector</html>".to_vec()),
        // More than any answer of a collector, and more spans than there were.
        (StatusCode::OK, vec![0; 1 << 20]),
    ];
    let count = answers.len();
    let (address, mut exports) = endpoint(answers).await;
    let service = service(&address, "").await;
    for _ in 0..count {
        service.ask("GET", "/", &[]).await;
        next(&mut exports).await;
    }
    for (result, spans) in [("rejected", 2), ("exported", 3), ("export-failed", 15)] {
        let line = format!("geowarden_trace_spans_total{{result=\"{result}\"}} {spans}");
        service.metric(&line).await;
    }
}

/// Decisions are made as usual, lost spans are counted, and the end is within the drain limit.
async fn decides_without(address: &str) {
    let service = service(address, "    timeout: 300ms\n").await;
    let begun = Instant::now();
    for _ in 0..50 {
        let answer = service.ask("GET", "/", &[]).await;
        assert_eq!(answer.status(), 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
    service
        .metric("geowarden_trace_spans_total{result=\"export-failed\"} 250")
        .await;
    // The service has spans to send when it ends.
    service.ask("GET", "/", &[]).await;
    let begun = Instant::now();
    stop(service).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[tokio::test]
async fn no_collector_holds_up_no_decision() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    drop(listener);
    decides_without(&address).await;
}

#[tokio::test]
async fn a_collector_that_never_answers_holds_up_no_decision() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let accepting = tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    decides_without(&address).await;
    accepting.abort();
}
