//! The pod: keys allow what they should, changed files apply without a restart, and its end loses no request.

use std::collections::BTreeMap;

use geowarden_stack::{Ask, Geowarden};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::kubelet::{Pod, Secrets};
use crate::stage::{Outcome, binary, items};

/// A key with a role, and its file in the Secret.
async fn key(id: &str, role: &str) -> Outcome<(String, String)> {
    let attribute = format!("roles=[{role}]");
    let made = Geowarden::run(
        binary(),
        &[
            "key",
            "new",
            "--id",
            id,
            "--attribute",
            &attribute,
            "--json",
        ],
    )
    .await?;
    let made: Value = serde_json::from_str(&made)?;
    let key = made["key"].as_str().ok_or("no key")?.to_owned();
    Ok((key, made["entry"].to_string()))
}

fn secrets(keys: BTreeMap<String, String>) -> Secrets {
    Secrets::from([("geowarden-api-keys", keys)])
}

async fn status(pod: &Pod, ask: Ask) -> Outcome<u16> {
    Ok(ask.send(&pod.address("http")?).await?.status())
}

#[tokio::test]
async fn the_pod_serves_who_has_a_key_and_nobody_else() -> Outcome {
    let (reader, entry) = key("reader", "reader").await?;
    let (stranger, other) = key("stranger", "none").await?;
    let keys = BTreeMap::from([
        ("reader.yaml".to_owned(), entry),
        ("stranger.yaml".to_owned(), other),
    ]);
    let pod = Pod::start("sidecar", &secrets(keys)).await?;
    let answer = items("obs", &reader).send(&pod.address("http")?).await?;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(answer.json()?["numberMatched"], 5);
    for (ask, expected) in [
        (items("lakes", &reader), 200),
        (items("obs", &stranger), 403),
        (items("obs", "wrong"), 401),
        (Ask::get("/collections/obs/items"), 401),
        (Ask::get("/"), 200),
    ] {
        let told = format!("{ask:?}");
        assert_eq!(status(&pod, ask).await?, expected, "{told}");
    }

    let document = Ask::get("/openapi?f=json")
        .send(&pod.address("http")?)
        .await?;
    let document = document.json()?;
    let scheme = &document["components"]["securitySchemes"]["ApiKey"];
    assert_eq!(scheme["name"], "x-api-key", "{}", document["components"]);
    assert_eq!(document["security"][0]["ApiKey"], serde_json::json!([]));

    for (container, probe) in [
        ("geowarden", "livenessProbe"),
        ("geowarden", "readinessProbe"),
        ("pygeoapi", "livenessProbe"),
        ("envoy", "readinessProbe"),
    ] {
        let found = pod.probe_of(container, probe);
        assert!(found.is_object(), "{container} has no {probe}");
        assert!(pod.probe(&found).await?, "{container}: {probe}");
    }
    // The second listener shows two of Envoy's admin pages, which change nothing.
    let probes = pod.address("probes")?;
    let metrics = Ask::get("/stats/prometheus").send(&probes).await?;
    assert_eq!(metrics.status(), 200);
    // The dashboard and the alerts use this metric (tests/it/metrics.rs).
    let edge = "envoy_http_ext_authz_error{envoy_http_conn_manager_prefix=\"edge\"} 0";
    assert!(metrics.text().lines().any(|line| line == edge));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/config_dump"),
        ("GET", "/ready/../config_dump"),
        ("POST", "/ready"),
        ("POST", "/quitquitquit"),
        ("POST", "/healthcheck/fail"),
        ("GET", "/stats"),
    ] {
        let answer = Ask::new(method, path).send(&probes).await?;
        assert_eq!(answer.status(), 404, "{method} {path}");
    }
    Ok(())
}

#[tokio::test]
async fn swapped_config_maps_and_secrets_count_without_a_restart() -> Outcome {
    let (first, entry) = key("first", "reader").await?;
    let (second, other) = key("second", "reader").await?;
    let keys = BTreeMap::from([("first.yaml".to_owned(), entry)]);
    let mut pod = Pod::start("sidecar", &secrets(keys)).await?;
    assert_eq!(status(&pod, items("obs", &first)).await?, 200);
    assert_eq!(status(&pod, items("obs", &second)).await?, 401);

    let keys = BTreeMap::from([("second.yaml".to_owned(), other)]);
    pod.volumes.swap("geowarden-keys", &keys)?;
    let reloads = "geowarden_reloads_total{result=\"success\"}";
    pod.wait_for_metric(&format!("{reloads} 2")).await?;
    assert_eq!(status(&pod, items("obs", &first)).await?, 401);
    assert_eq!(status(&pod, items("obs", &second)).await?, 200);

    let policy = pod.volumes.read("geowarden-policy", "authz.rego")?;
    let data = pod.volumes.read("geowarden-policy", "data.yaml")?;
    let reader = "  reader:\n    all: [read]";
    assert!(data.contains(reader), "{data}");
    let data = data.replace(reader, "  reader:\n    read: [lakes]");
    let files = [("authz.rego", policy), ("data.yaml", data)];
    let files = files.map(|(name, text)| (name.to_owned(), text));
    pod.volumes.swap("geowarden-policy", &files.into())?;
    pod.wait_for_metric(&format!("{reloads} 3")).await?;
    assert_eq!(status(&pod, items("obs", &second)).await?, 403);
    assert_eq!(status(&pod, items("lakes", &second)).await?, 200);

    let broken = BTreeMap::from([("authz.rego".to_owned(), "package x\nallow if {".to_owned())]);
    pod.volumes.swap("geowarden-policy", &broken)?;
    pod.wait_for_metric("geowarden_reload_failed 1").await?;
    assert_eq!(status(&pod, items("lakes", &second)).await?, 200);
    Ok(())
}

/// Reads an answer up to its Content-Length. The connection may stay open.
async fn whole_answer(stream: &mut TcpStream) -> Outcome<String> {
    let mut answer = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Some((_, length)) = head.split_once("content-length: ")
            && length.split("\r\n").next() == Some(&body.len().to_string())
        {
            return Ok(text.into_owned());
        }
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(format!("cut off: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
}

const FILTER: &str = r#"{"op":"=","args":[{"property":"stn_id"},35]}"#;

/// Sends requests without the last byte of their bodies.
async fn slow_requests(address: &str, key: &str) -> Outcome<Vec<TcpStream>> {
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await?;
        let head = format!(
            "POST /collections/obs/items HTTP/1.1\r\nhost: pod\r\nx-api-key: {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{}",
            FILTER.len(),
            &FILTER[..FILTER.len() - 1]
        );
        stream.write_all(head.as_bytes()).await?;
        slow.push(stream);
    }
    Ok(slow)
}

/// The bodies of these requests end after Envoy began to drain. geowarden and pygeoapi must still be there for them.
#[tokio::test]
async fn the_end_of_the_pod_loses_no_request() -> Outcome {
    let (reader, entry) = key("reader", "reader").await?;
    let keys = BTreeMap::from([("reader.yaml".to_owned(), entry)]);
    let pod = Pod::start("sidecar", &secrets(keys)).await?;
    let (address, probes) = (pod.address("http")?, pod.address("probes")?);
    let slow = slow_requests(&address, &reader).await?;
    let ended = tokio::spawn(async move { pod.terminate().await.map_err(|e| e.to_string()) });

    // New requests are served until the pod is not ready. After that, only requests in progress are served.
    let mut served = 0;
    let mut told_to_leave = false;
    while Ask::get("/ready").send(&probes).await?.status() == 200 {
        let answer = items("obs", &reader).send(&address).await?;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        served += 1;
    }
    assert!(served > 0);
    assert!(!ended.is_finished(), "the pod did not wait");
    for mut stream in slow {
        stream.write_all(b"}").await?;
        let answer = whole_answer(&mut stream).await?;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains(r#""numberMatched":5"#), "{answer}");
        told_to_leave |= answer.contains("connection: close");
    }
    assert!(told_to_leave);
    let order = ended.await??;
    assert_eq!(order, ["envoy", "pygeoapi", "geowarden"]);
    assert!(TcpStream::connect(&address).await.is_err());
    Ok(())
}

/// Without the preStop hook, requests are lost. So the hook is the reason why the other test loses none.
#[tokio::test]
async fn without_its_hook_the_end_would_lose_requests() -> Outcome {
    let (reader, entry) = key("reader", "reader").await?;
    let keys = BTreeMap::from([("reader.yaml".to_owned(), entry)]);
    let pod = Pod::start("sidecar", &secrets(keys)).await?;
    let slow = slow_requests(&pod.address("http")?, &reader).await?;
    pod.terminate_without_hooks().await?;
    for mut stream in slow {
        // The connection may be closed already.
        let _ = stream.write_all(b"}").await;
        assert!(whole_answer(&mut stream).await.is_err());
    }
    Ok(())
}
