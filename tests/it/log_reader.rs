//! Whoever reads the log cannot hold up decisions.

use std::process::Stdio;

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use futures_util::{StreamExt, stream};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::service::{Answer, OSGEO_KEY, folder, request};

/// More lines than the pipe and geowarden together can hold back.
const DECISIONS: usize = 12_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_holds_up_no_decision() {
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let mut child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["serve", "--config"])
        .arg(folder.path().join("geowarden.yaml"))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = loop {
        let line = log.next_line().await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "listening" {
            break line;
        }
    };
    // From here on nobody reads.
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
