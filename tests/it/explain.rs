//! `decision_log.input`, and `geowarden explain`, which evaluates a decision of the log anew.

use std::{fs, path::Path, process::Command};

use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use geowarden_stack::Geowarden;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    service::{OSGEO_KEY, folder, request},
    tables::geowarden,
};

pub(crate) const POLICY: &str = r#"package geowarden.authz

import rego.v1

default allow := false

allow if {
	input.ogc.action == "read"
	company_of[input.ogc.collection] == input.identity.attributes.company
}

company_of := {"obs": "osgeo", "lakes": "geobeyond"}
"#;

/// A folder with the log of one decision about `path`, and what the log says of the decision.
pub(crate) async fn decided(policy: &str, more: &str, path: &str) -> (TempDir, Value) {
    let folder = folder(policy, more);
    let config = folder.path().join("geowarden.yaml");
    let binary = Path::new(env!("CARGO_BIN_EXE_geowarden"));
    let mut service = Geowarden::start(binary, &config).await.unwrap();
    let port = service.grpc_port().unwrap();
    let mut client = AuthorizationClient::connect(format!("http://127.0.0.1:{port}"))
        .await
        .unwrap();
    let long = "x".repeat(40 << 10);
    let headers = [
        ("x-api-key", OSGEO_KEY),
        ("cookie", "a=b"),
        ("x-long", if path.ends_with("/long") { &long } else { "" }),
    ];
    client.check(request("GET", path, &headers)).await.unwrap();
    let is_decision = |event: &Value| event["decision_id"].is_string();
    let decision = service.event(is_decision).await.unwrap();
    fs::write(folder.path().join("log"), service.log()).unwrap();
    (folder, decision)
}

fn explain(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let config = folder.join("geowarden.yaml").display().to_string();
    geowarden(
        folder,
        &[&["explain", "--config", &config], arguments].concat(),
    )
}

fn text<'a>(decision: &'a Value, name: &str) -> &'a str {
    decision[name].as_str().unwrap()
}

#[tokio::test]
async fn a_decision_of_the_log_is_explained() {
    let settings = "decision_log: {input: reads}";
    let (folder, decision) = decided(POLICY, settings, "/collections/lakes?f=json").await;
    let reads = json!({
        "identity": {"attributes": {"company": "osgeo"}},
        "ogc": {"action": "read", "collection": "lakes"},
    });
    assert_eq!(
        decision["input"], reads,
        "nothing but what the policy reads"
    );
    assert_eq!(decision["input_scope"], "reads");
    assert_eq!(decision["erased"], Value::Null);

    let id = text(&decision, "decision_id");
    let (code, found, _) = explain(folder.path(), &[id, "--log", "log"]);
    let why = "\
now: deny, the same outcome
misses policies/authz.rego:7 allow if {, 1 of 2 conditions hold
  policies/authz.rego:9 company_of[input.ogc.collection] == input.identity.attributes.company
    input.ogc.collection = \"lakes\"
    company_of.lakes = \"geobeyond\"
    input.identity.attributes.company = \"osgeo\"
    wanted: input.identity.attributes.company = \"geobeyond\"
so the default counts policies/authz.rego:5 default allow := false
";
    let found = found.replace(&format!("{}/", folder.path().display()), "");
    let (then, now) = found.split_once('\n').unwrap();
    assert!(
        then.starts_with("then: deny (403, policy-denied) GET /collections/lakes at 20"),
        "{then}"
    );
    assert_eq!((code, now), (2, why));

    let (code, found, _) = explain(folder.path(), &[id, "--log", "log", "--format", "json"]);
    let found: Value = serde_json::from_str(&found).unwrap();
    assert_eq!(code, 2);
    assert_eq!(found["then"]["decision_id"], id);
    assert_eq!(found["now"]["is_same_outcome"], true);
    assert_eq!(found["now"]["is_same_policy"], true);
    let condition = &found["now"]["explanation"]["definitions"][0]["conditions"][0];
    assert_eq!(condition["line"], 9);
}

#[tokio::test]
async fn a_log_is_read_as_other_programs_hand_it_on() {
    let settings = "decision_log: {input: reads}";
    let (folder, decision) = decided(POLICY, settings, "/collections/obs").await;
    let before = "Jul 01 12:00:00 host kernel: {no JSON\nJul 01 12:00:00 host geowarden[7]: ";
    let log = folder.path().join("journal");
    fs::write(&log, format!("{before}{decision}\n")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["explain", text(&decision, "decision_id")])
        .args(["--log", "-", "--config"])
        .arg(folder.path().join("geowarden.yaml"))
        .current_dir(folder.path())
        .stdin(fs::File::open(&log).unwrap())
        .output()
        .unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{found}");
    assert!(
        found.contains("now: allow, the same outcome\nholds "),
        "{found}"
    );
}

#[tokio::test]
async fn a_policy_that_changed_since_is_told() {
    let partly = "other parts are undefined here";
    for (input, is_partly) in [("reads", true), ("full", false)] {
        let settings = format!("decision_log: {{input: {input}}}");
        let (folder, decision) = decided(POLICY, &settings, "/collections/lakes").await;
        assert_eq!(decision["input_scope"], input);
        let changed = "package geowarden.authz\n\nallow if input.request.method == \"GET\"\n";
        fs::write(folder.path().join("policies/authz.rego"), changed).unwrap();
        let id = text(&decision, "decision_id");
        let (code, found, _) = explain(folder.path(), &[id, "--log", "log"]);
        let revision = text(&decision, "policy_revision");
        let other = format!(
            "the policy here is another one: the decision is by revision {revision}, this is "
        );
        assert!(found.contains(&other), "{found}");
        assert_eq!(found.contains(partly), is_partly, "{found}");
        // The part of the input that the earlier policy did not read is only in the whole input.
        let (expected, outcome) = if is_partly {
            (2, "now: deny, the same outcome")
        } else {
            (0, "now: allow, another outcome")
        };
        assert!(
            code == expected && found.contains(outcome),
            "{code} {found}"
        );

        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(folder.path().join("elsewhere/authz.rego"), POLICY).unwrap();
        let by_another = [id, "--log", "log", "--policy", "elsewhere"];
        let (code, found, _) = explain(folder.path(), &by_another);
        assert!(
            code == 2 && found.contains("elsewhere/authz.rego:9"),
            "{found}"
        );
    }
}

#[tokio::test]
async fn a_policy_that_reads_credentials_cannot_be_explained_by_them() {
    let policy = "package geowarden.authz\n\nallow if input.request.headers.cookie == \"a=b\"\n";
    let settings = "decision_log: {input: full}";
    let (folder, decision) = decided(policy, settings, "/collections/obs").await;
    assert_eq!(decision["outcome"], "allow");
    let erased = decision["erased"].to_string();
    assert!(
        erased.contains("\"/input/request/headers/cookie\""),
        "{erased}"
    );
    let id = text(&decision, "decision_id");
    let (code, found, _) = explain(folder.path(), &[id, "--log", "log"]);
    assert_eq!(code, 2);
    let told = "the policy reads credentials, which no record has and which are undefined here: input.request.headers.cookie\n";
    assert!(
        found.contains("now: deny, another outcome") && found.contains(told),
        "{found}"
    );
}

#[tokio::test]
async fn a_decision_that_cannot_be_explained_is_told_why() {
    let (folder, decision) = decided(POLICY, "", "/collections/lakes").await;
    let path = folder.path();
    let id = text(&decision, "decision_id");
    assert_eq!(decision["input_scope"], Value::Null, "the default");
    fs::write(
        path.join("text"),
        format!("INFO decision decision_id={id:?}\n"),
    )
    .unwrap();
    for (arguments, expected, told) in [
        (
            &[id, "--log", "log"][..],
            1,
            "set `decision_log.input: reads`",
        ),
        (
            &["an-id", "--log", "log"],
            1,
            "log: expected a line with the decision_id an-id, found none",
        ),
        (&[id, "--log", "-"], 1, "standard input: expected a line"),
        (&[id, "--log", "text"], 1, "text:1: the line has the id"),
        (
            &[id, "--log", "missing"],
            64,
            "--log: missing: No such file",
        ),
        (&[id], 64, "--log <FILE>"),
        (&["--log", "log"], 64, "<ID>"),
    ] {
        let (code, _, told_now) = explain(path, arguments);
        assert!(
            code == expected && told_now.contains(told),
            "{arguments:?}: {code} {told_now}"
        );
    }
}

#[tokio::test]
async fn a_request_that_no_policy_saw_is_not_explained_by_one() {
    let settings = "decision_log: {input: full}";
    let (folder, decision) = decided(POLICY, settings, "/collections%2Fobs").await;
    let id = text(&decision, "decision_id");
    let (code, found, _) = explain(folder.path(), &[id, "--log", "log"]);
    let told = "the policy was not asked: the request was refused before it: ";
    assert!(code == 2 && found.contains(told), "{code} {found}");
}

#[tokio::test]
async fn an_input_that_is_too_long_is_left_out() {
    let settings = "decision_log: {input: full}";
    let (folder, decision) = decided(POLICY, settings, "/collections/lakes/items/long").await;
    assert_eq!(decision["input"], Value::Null);
    assert!(decision["input_too_long"].as_u64().unwrap() > 64 << 10);
    let id = text(&decision, "decision_id");
    let (code, _, told) = explain(folder.path(), &[id, "--log", "log"]);
    assert!(
        code == 1 && told.contains("inputs up to 64 KiB"),
        "{code} {told}"
    );
}

#[tokio::test]
async fn only_decisions_that_are_logged_have_an_input() {
    let settings = "decision_log: {input: reads, decisions: denied}";
    let (_folder, decision) = decided(POLICY, settings, "/collections/lakes").await;
    assert_eq!(decision["input"]["ogc"]["collection"], "lakes");
}

#[tokio::test]
async fn a_policy_is_asked_at_the_time_of_the_decision() {
    let policy = "package geowarden.authz\n\nallow if time.now_ns() > 1000\n";
    let settings = "decision_log: {input: reads}";
    let (folder, mut decision) = decided(policy, settings, "/collections/obs").await;
    decision["timestamp"] = json!("1970-01-01T00:00:00.000000Z");
    fs::write(folder.path().join("log"), format!("{decision}\n")).unwrap();
    let id = text(&decision, "decision_id");
    let (code, found, _) = explain(folder.path(), &[id, "--log", "log"]);
    assert!(
        code == 2 && found.contains("now: deny, another outcome"),
        "{code} {found}"
    );
}
