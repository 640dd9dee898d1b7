//! Unix sockets, many requests at once, and a graceful end.

use std::fs;

use geowarden_stack::{Ask, Envoy, EnvoyConfig, Geowarden, Pygeoapi, Tools};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::stage::{Files, Outcome, Stage, binary, items};

#[tokio::test]
async fn a_unix_socket_serves_as_well() -> Outcome {
    let stage = Stage::new("envoy/api-key.yaml", "unix:FOLDER/authz.sock", "").await?;
    let key = stage.files.osgeo_key.clone();
    assert_eq!(stage.status(items("obs", &key)).await?.0, 200);
    assert_eq!(stage.status(items("lakes", &key)).await?.0, 403);
    Ok(())
}

/// A stage with long time limits: on a machine that is busy with other tests, a thousand requests must not exceed them.
async fn patient() -> Outcome<Stage> {
    let files = Files::new().await?;
    let config = files.configure("127.0.0.1:0", "", "")?;
    let text = fs::read_to_string(&config)?
        .replace(
            "admin: '127.0.0.1:0'",
            "admin: '127.0.0.1:0', deadline: 30s",
        )
        .replace("{path: policies}", "{path: policies, timeout: 30s}");
    files.write("geowarden.yaml", &text)?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let envoy = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc())
        .replace(
            "# reason and a log line.\n                        timeout: 1s",
            "# reason and a log line.\n                        timeout: 30s",
        )
        .replace("connect_timeout: 0.25s", "connect_timeout: 10s");
    let envoy = Envoy::start(&tools, &envoy).await?;
    Ok(Stage::of(envoy, geowarden, pygeoapi, files))
}

#[tokio::test]
async fn a_thousand_requests_at_once_all_get_their_own_answer() -> Outcome {
    let stage = patient().await?;
    let address = stage.envoy.address();
    let mut asked = JoinSet::new();
    for number in 0..1000 {
        let key = if number % 2 == 0 {
            stage.files.osgeo_key.clone()
        } else {
            stage.files.geobeyond_key.clone()
        };
        let address = address.clone();
        asked.spawn(async move {
            // Public pages are cheap for pygeoapi, so geowarden has most of the load.
            let target = if number % 4 < 2 {
                "/conformance?f=json"
            } else {
                "/collections/obs/items?limit=1"
            };
            let expected = if number % 4 == 3 { 403 } else { 200 };
            let answer = Ask::get(target)
                .header("x-api-key", key)
                .send(&address)
                .await;
            answer
                .map(|a| (a.status(), expected))
                .map_err(|e| e.to_string())
        });
    }
    let mut wrong = 0;
    while let Some(answer) = asked.join_next().await {
        let (status, expected) = answer??;
        wrong += usize::from(status != expected);
    }
    let refused: Vec<_> = stage
        .envoy
        .access_log()
        .into_iter()
        .filter(|line| line["status"] == 503)
        .take(3)
        .collect();
    assert_eq!(wrong, 0, "{refused:#?}");
    Ok(())
}

/// Each body is larger than an HTTP/2 window. Together they exceed the limit of a connection for incomplete messages.
#[tokio::test]
async fn a_burst_of_large_bodies_is_not_taken_for_half_sent_messages() -> Outcome {
    let mut stage = patient().await?;
    let body = format!("{{\"filler\": \"{}\"}}", "x".repeat(60_000));
    let mut asked = JoinSet::new();
    for _ in 0..400 {
        let (address, body) = (stage.envoy.address(), body.clone());
        let ask = Ask::new("POST", "/collections/lakes/items")
            .header("x-api-key", stage.files.osgeo_key.clone())
            .body("application/geo+json", body);
        asked.spawn(async move { ask.send(&address).await.map(|a| a.status()) });
    }
    while let Some(status) = asked.join_next().await {
        assert_eq!(status??, 403);
    }
    let metrics = stage.geowarden()?.admin_page("/metrics").await?.text();
    assert!(!metrics.contains("geowarden_dropped_total{"), "{metrics}");
    Ok(())
}

/// gRPC's own client sends the path of the socket as `:authority`. That is not a valid host, so the HTTP/2 library refuses the
/// request before geowarden sees it.
#[tokio::test]
async fn google_grpc_over_a_unix_socket_needs_an_authority_and_the_log_says_so() -> Outcome {
    let files = Files::new().await?;
    let grpc = format!("unix:{}", files.path("authz.sock").display());
    let config = files.configure(&grpc, "", "")?;
    let mut geowarden = Geowarden::start(binary(), &config).await?;
    let tools = Tools::find()?;
    let pygeoapi = Pygeoapi::start(&tools).await?;
    let template = tools.repository().join("envoy/api-key.yaml");
    let key = files.osgeo_key.clone();
    for (arguments, expected) in [
        ("", 503),
        (
            ", channel_args: {args: {grpc.default_authority: {string_value: geowarden}}}",
            200,
        ),
    ] {
        let service =
            format!("google_grpc: {{target_uri: '{grpc}', stat_prefix: geowarden{arguments}}}");
        let envoy = EnvoyConfig::new(&template, pygeoapi.port(), geowarden.grpc())
            .replace("envoy_grpc: {cluster_name: geowarden}", service);
        let envoy = Envoy::start(&tools, &envoy).await?;
        let answer = items("obs", &key).send(&envoy.address()).await?;
        assert_eq!(answer.status(), expected, "{arguments}");
        if expected == 503 {
            let names_the_cure = |event: &Value| {
                let text = event["message"].as_str().unwrap_or_default();
                text.contains("grpc.default_authority")
            };
            let event = geowarden.event(names_the_cure).await?;
            assert_eq!(event["listener"], "grpc");
            let line = "geowarden_dropped_total{listener=\"grpc\",reason=\"unreadable-request\"} 1";
            geowarden.wait_for_metric(line).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn sigterm_ends_it_with_success() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let geowarden = stage.geowarden.take().ok_or("no geowarden")?;
    assert!(geowarden.terminate().await?.success());
    Ok(())
}

#[tokio::test]
async fn without_configuration_it_makes_a_key_and_says_so() -> Outcome {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("ports.yaml");
    fs::write(
        &config,
        "server: {grpc: '127.0.0.1:0', admin: '127.0.0.1:0'}",
    )?;
    let geowarden = Geowarden::start(binary(), &config).await?;
    let log = geowarden.log();
    assert!(log.contains("No credentials are configured"), "{log}");
    assert_eq!(log.matches("x-api-key: gw_").count(), 1, "{log}");
    Ok(())
}

/// If a client drops its request, Envoy resets the Check. By default, h2 closes a connection with more than 20 pending resets,
/// and so ends the Checks of all other clients.
#[tokio::test]
async fn bursts_of_dropped_requests_cost_nobody_else_an_answer() -> Outcome {
    let mut stage = Stage::with_keys().await?;
    let policy = "package geowarden.authz\n\nallow if input.ogc.api == \"conformance\"\n\nallow if {\n\tinput.ogc.api == \"landing\"\n\tns := numbers.range(1, 12)\n\tcount([1 | some a in ns; some b in ns; a == b]) == 12\n}\n";
    stage.files.write("policies/authz.rego", policy)?;
    stage
        .geowarden()?
        .wait_for_metric("geowarden_reloads_total{result=\"success\"} 2")
        .await?;
    let address = stage.envoy.address();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let steady = {
        let address = address.clone();
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            while !*stopped.borrow() || statuses.len() < 20 {
                let answer = Ask::get("/conformance?f=json").send(&address).await;
                statuses.push(answer.map(|a| a.status()).map_err(|e| e.to_string()));
            }
            statuses
        })
    };
    for _ in 0..20 {
        let mut burst = Vec::new();
        for _ in 0..150 {
            let mut stream = TcpStream::connect(&address).await?;
            stream
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .await?;
            burst.push(stream);
        }
        drop(burst);
    }
    stop.send_replace(true);
    let statuses = steady.await?;
    assert!(statuses.len() >= 20, "{statuses:?}");
    for status in statuses {
        assert_eq!(status, Ok(200));
    }
    Ok(())
}
