//! Traces: the spans of Envoy and geowarden in a real collector, with the settings of `docs/tracing.md`.

use serde_json::Value;
use std::fs;

use geowarden_stack::{Ask, Collector, Envoy, EnvoyConfig, Geowarden, Pygeoapi, Span, Tools};

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use crate::stage::{Files, Outcome, Stage, binary, free_port};

const OURS: &str = "envoy.service.auth.v3.Authorization/Check";

/// The block of the page that begins with `start`, indented.
fn block(page: &str, start: &str, indent: usize) -> Outcome<String> {
    let found = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .find(|block| block.starts_with(start))
        .ok_or("the page has no such block")?;
    let margin = " ".repeat(indent);
    let lines = found.lines().map(|line| format!("{margin}{line}"));
    Ok(lines.collect::<Vec<_>>().join("\n") + "\n")
}

/// A stage whose Envoy has tracing as on the page.
async fn stage(collector: &Collector, ratio: &str) -> Outcome<Stage> {
    let tools = Tools::find()?;
    let files = Files::new().await?;
    let port = collector.port();
    let more = format!(
        "telemetry: {{traces: {{endpoint: 'http://127.0.0.1:{port}/v1/traces', sample_ratio: {ratio}}}}}"
    );
    let config = files.configure("127.0.0.1:0", "", &more)?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let page = fs::read_to_string(tools.repository().join("docs/tracing.md"))?;
    let tracing = block(&page, "tracing:", 16)?;
    let cluster = block(&page, "- name: collector", 4)?.replace("4318", &port.to_string());
    let template = tools.repository().join("envoy/api-key.yaml");
    let config = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc())
        .replace(
            "                access_log:\n",
            format!("{tracing}\n                access_log:\n"),
        )
        .replace("\n  clusters:\n", format!("\n  clusters:\n{cluster}\n"));
    let envoy = Envoy::start(&tools, &config).await?;
    Ok(Stage::of(envoy, geowarden, pygeoapi, files))
}

/// The spans of one decision: geowarden's below Envoy's.
fn of_decision(spans: &[Span], id: &str) -> Option<Vec<Span>> {
    let is_it = |span: &&Span| span.attribute("geowarden.decision.id") == Some(id);
    let check = spans.iter().find(is_it)?;
    let all: Vec<Span> = spans
        .iter()
        .filter(|span| span.trace == check.trace)
        .cloned()
        .collect();
    // The set is complete with geowarden's spans, Envoy's span of the call, and Envoy's span of the whole request.
    let has = |id: &str| all.iter().any(|span| span.id == id);
    let is_whole = has(&check.parent) && all.iter().any(|span| span.parent.is_empty());
    (is_whole
        && all
            .iter()
            .any(|span| span.otlp.name == "respond" && span.parent == check.id))
    .then_some(all)
}

#[tokio::test]
async fn a_decision_s_spans_stand_below_envoy_s() -> Outcome {
    let tools = Tools::find()?;
    let mut collector = Collector::start(&tools).await?;
    // Envoy decides whether a request is traced.
    let mut stage = stage(&collector, "0").await?;
    let key = stage.files.osgeo_key.clone();
    let path = "/collections/obs/items?limit=1&secret-name=secret-value";
    // No tokens are configured, so geowarden does not take this token for a credential.
    let allowed = stage
        .ask(
            Ask::get(path)
                .header("x-api-key", &key)
                .bearer("secret-token"),
        )
        .await?;
    assert_eq!(allowed.status(), 200);
    let path = "/collections/lakes/items";
    let answer = stage.ask(Ask::get(path).header("x-api-key", &key)).await?;
    let line = stage
        .envoy
        .access_log_line(|line| line["path"] == path)
        .await?;
    let id = line["decision_id"].as_str().unwrap_or_default().to_owned();
    assert!(!id.is_empty(), "{line}");
    let all = collector
        .until("been sent Envoy's spans and ours", |spans| {
            of_decision(spans, &id)
        })
        .await?;

    let check = all
        .iter()
        .find(|span| span.otlp.name == OURS)
        .ok_or("no Check")?;
    assert_eq!(check.service, "geowarden");
    assert_eq!(check.otlp.kind(), SpanKind::Server);
    let parent = all.iter().find(|span| span.id == check.parent);
    assert_eq!(parent.ok_or("no parent")?.service, "envoy");
    let stops: Vec<_> = all
        .iter()
        .filter(|span| span.parent == check.id)
        .map(|span| span.otlp.name.as_str())
        .collect();
    assert_eq!(stops, ["read", "authenticate", "policy", "respond"]);
    assert_eq!(answer.status(), 403);
    for (name, value) in [
        ("geowarden.decision.outcome", "deny"),
        ("geowarden.decision.reason", "policy-denied"),
        ("geowarden.principal.method", "api_key"),
        ("geowarden.resource.operation", "items"),
        ("geowarden.resource.collection", "lakes"),
        ("rpc.method", OURS),
    ] {
        assert_eq!(check.attribute(name), Some(value), "{name}");
    }
    // Envoy's spans have the URL. geowarden's spans have no text that the client sent.
    for span in collector
        .spans()
        .iter()
        .filter(|span| span.service == "geowarden")
    {
        let text = format!("{span:?}");
        for secret in [key.as_str(), "secret-name", "secret-value", "secret-token"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_yet_exported_is_at_the_end() -> Outcome {
    let tools = Tools::find()?;
    let mut collector = Collector::start(&tools).await?;
    let mut stage = stage(&collector, "1").await?;
    let answer = stage.ask(Ask::get("/")).await?;
    assert_eq!(answer.status(), 200);
    let geowarden = stage.geowarden.take().ok_or("geowarden has ended")?;
    let status = geowarden.terminate().await?;
    assert!(status.success(), "{status}");
    // geowarden must send the last spans before it ends.
    collector
        .until("been sent the span of the Check", |spans| {
            spans.iter().find(|span| span.otlp.name == OURS).cloned()
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn without_a_collector_requests_pass_and_the_log_tells_it_once() -> Outcome {
    let files = Files::new().await?;
    let port = free_port()?;
    let more = format!("telemetry: {{traces: {{endpoint: 'http://127.0.0.1:{port}/v1/traces'}}}}");
    let config = files.configure("127.0.0.1:0", "", &more)?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let mut stage = Stage::around("envoy/api-key.yaml", files, geowarden).await?;
    for lost in [5, 10] {
        assert_eq!(stage.ask(Ask::get("/")).await?.status(), 200);
        let line = format!("geowarden_trace_spans_total{{result=\"export-failed\"}} {lost}");
        stage.geowarden()?.wait_for_metric(&line).await?;
    }
    let is_told = |event: &Value| event["message"] == "spans were not exported";
    stage.geowarden()?.event(is_told).await?;
    let events = stage.geowarden()?.events();
    let told = events
        .iter()
        .filter(|event| is_told(event))
        .collect::<Vec<_>>();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["lost"], 5);
    Ok(())
}
