//! Runs the programs of this crate with a real geowarden. The tests check that there are figures, not how large they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use geowarden_bench::setup::{Choice, Setup, TARGET, with_key};
use geowarden_stack::Geowarden;
use serde_json::Value;
use tokio::process::Command;

const LOAD: &str = env!("CARGO_BIN_EXE_geowarden-load");
const BENCH: &str = env!("CARGO_BIN_EXE_geowarden-bench");

/// The program `geowarden`. `cargo test --workspace` builds it. `--test programs` alone does not, so build it before:
/// `cargo build --workspace --bins`.
fn geowarden() -> PathBuf {
    let program = Path::new(LOAD).with_file_name("geowarden");
    assert!(program.is_file(), "run `cargo build --workspace --bins`");
    program
}

async fn load(server: &Geowarden, folder: &Setup, lines: &str, more: &[&str]) -> Output {
    let requests = folder.path("requests.jsonl");
    fs::write(&requests, lines).unwrap();
    Command::new(LOAD)
        .arg(format!("127.0.0.1:{}", server.grpc_port().unwrap()))
        .arg("--requests")
        .arg(requests)
        .args(more)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

async fn stand() -> (Setup, Geowarden) {
    let setup = Setup::new(&Choice::default()).unwrap();
    let file = setup.config_file();
    let text = fs::read_to_string(&file).unwrap();
    // The ports are 0: geowarden's log says which ports the system chose.
    let text = text
        .replace(&setup.grpc.to_string(), "127.0.0.1:0")
        .replace(&setup.admin.to_string(), "127.0.0.1:0");
    fs::write(&file, text).unwrap();
    let server = Geowarden::start(&geowarden(), &file).await.unwrap();
    (setup, server)
}

#[tokio::test]
async fn a_load_tells_latencies_and_that_every_answer_was_expected() {
    let (setup, server) = stand().await;
    let lines = serde_json::to_string(&with_key(TARGET)).unwrap();
    let more = ["--count", "200", "--connections", "2", "--streams", "4"];
    let output = load(&server, &setup, &lines, &more).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["requests"], 200);
    assert_eq!(
        (&told["unexpected"], &told["failed"]),
        (&0.into(), &0.into())
    );
    for name in ["min", "mean", "p50", "p90", "p99", "p999", "max"] {
        assert!(told["latency_us"][name].as_f64().unwrap() > 0.0, "{told}");
    }
    for name in ["seconds", "requests_per_second"] {
        assert!(told[name].as_f64().unwrap() > 0.0, "{told}");
    }
    let metrics = server.admin_page("/metrics").await.unwrap().text();
    let counted = metrics.lines().any(|line| {
        line.starts_with("geowarden_decisions_total{outcome=\"allow\"") && line.ends_with(" 200")
    });
    assert!(counted, "{metrics}");
}

#[tokio::test]
async fn an_answer_that_is_not_expected_is_told_and_fails() {
    let (setup, server) = stand().await;
    let lines = r#"{"path": "/collections/obs", "headers": {"x-api-key": "wrong"}}"#;
    let output = load(&server, &setup, lines, &["--count", "10"]).await;
    assert_eq!(output.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&told["requests"], &told["unexpected"]),
        (&10.into(), &10.into())
    );
    let fault = told["first_fault"].as_str().unwrap();
    assert!(fault.starts_with("denied by 401"), "{fault}");
    let output = load(
        &server,
        &setup,
        lines,
        &["--count", "10", "--expect", "401"],
    )
    .await;
    assert!(output.status.success());
    let output = load(
        &server,
        &setup,
        lines,
        &["--count", "10", "--expect", "denied"],
    )
    .await;
    assert!(output.status.success());
}

#[tokio::test]
async fn a_file_of_requests_that_cannot_be_read_names_the_line() {
    let (setup, server) = stand().await;
    let lines = "{\"path\": \"/\"}\n{\"pfad\": \"/\"}\n";
    let output = load(&server, &setup, lines, &["--count", "1"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("line 2") && said.contains("pfad"), "{said}");
}

#[tokio::test]
async fn a_quick_run_takes_every_measure_and_writes_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let (json, page) = (
        folder.path().join("all.json"),
        folder.path().join("page.md"),
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::copy(root.join("docs/performance.md"), &page).unwrap();
    let output = Command::new(BENCH)
        .args(["run", "--quick", "--geowarden"])
        .arg(geowarden())
        .arg("--json")
        .arg(&json)
        .arg("--page")
        .arg(&page)
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let entries: Vec<Value> = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let missing: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.get("not_measured"))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let page = fs::read_to_string(&page).unwrap();
    for measure in [
        "CPU a request, API key, 32 in flight",
        "CPU a request, JWT seen before, 32 in flight",
        "latency at one in flight, p99",
        "collections, data look-up",
        "collections, rules nested by collection",
        "collections, flat rules",
        "a JWT seen for the first time, RS256",
        "added to a request through Envoy",
        "resident memory, default policy",
        "start to ready",
        "reload of",
        "longest wait of a request",
    ] {
        assert!(page.contains(measure), "{measure}: {page}");
    }
    for plot in ["cpu", "latency", "collections", "envoy"] {
        let link = page
            .lines()
            .rfind(|line| line.ends_with(&format!("/{plot}.svg)")));
        let (_, file) = link.unwrap().rsplit_once('(').unwrap();
        let file = folder.path().join(file.trim_end_matches(')'));
        assert!(
            fs::read_to_string(file).unwrap().starts_with("<svg"),
            "{plot}"
        );
    }
}
