//! Where log lines are written, and that a reader of the log cannot delay decisions.

use std::process::Stdio;

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

use crate::service::{Answer, OSGEO_KEY, folder, request};

/// More lines than the pipe and geowarden together can buffer.
const DECISIONS: usize = 12_000;

/// A service whose outputs are read: the rest of its log, and the line with its address.
async fn serve(folder: &TempDir) -> (Child, Lines<BufReader<ChildStderr>>, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["serve", "--config"])
        .arg(folder.path().join("geowarden.yaml"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    loop {
        let line = log.next_line().await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "listening" {
            return (child, log, line);
        }
    }
}

#[tokio::test]
async fn decisions_can_have_an_output_of_their_own() {
    let folder = folder(
        "package geowarden.authz\n\nallow if input.ogc.collection == \"obs\"\n",
        "decision_log: {output: stdout, decisions: denied}",
    );
    let (mut child, mut log, listening) = serve(&folder).await;
    let address = format!("http://{}", listening["grpc"].as_str().unwrap());
    let mut client = AuthorizationClient::connect(address).await.unwrap();
    for collection in ["obs", "lakes"] {
        let path = format!("/collections/{collection}");
        let check = request("GET", &path, &[("x-api-key", OSGEO_KEY)]);
        client.check(check).await.unwrap();
    }
    let stdout = child.stdout.take().unwrap();
    let line = BufReader::new(stdout).lines().next_line().await;
    let line: Value = serde_json::from_str(&line.unwrap().unwrap()).unwrap();
    assert_eq!(line["collection"], "lakes");
    assert_eq!(line["target"], "geowarden::decision");
    child.kill().await.unwrap();
    while let Some(line) = log.next_line().await.unwrap() {
        assert!(!line.contains("decision_id"), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_holds_up_no_decision() {
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let (_child, log, listening) = serve(&folder).await;
    // From here on nobody reads the log.
    let address = |name: &str| format!("http://{}", listening[name].as_str().unwrap());
    let client = AuthorizationClient::connect(address("grpc")).await.unwrap();
    let answered = stream::iter(0..DECISIONS)
        .map(|_| {
            let mut client = client.clone();
            // A line of a kilobyte.
            let path = format!("/collections/{}", "a".repeat(700));
            async move {
                let check = request("GET", &path, &[("x-api-key", OSGEO_KEY)]);
                Answer(client.check(check).await.unwrap().into_inner()).status()
            }
        })
        .buffer_unordered(64)
        .filter(|status| std::future::ready(*status == 200))
        .count()
        .await;
    assert_eq!(answered, DECISIONS);
    let metrics = format!("{}/metrics", address("admin"));
    let metrics = reqwest::get(metrics).await.unwrap().text().await.unwrap();
    let lost = metrics
        .lines()
        .find_map(|line| line.strip_prefix("geowarden_log_lines_lost_total "))
        .unwrap();
    assert!(lost.parse::<u64>().unwrap() > 0, "{lost}");
    drop(log);
}
