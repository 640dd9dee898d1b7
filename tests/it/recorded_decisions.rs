//! `geowarden test --record FILE --log LOG --decision ID`: rows of tables from decisions of the log.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{
    explain::{POLICY, decided},
    tables::geowarden,
};

const TABLE: &str = "policies/x_table.yaml";

/// Records a decision of the file `log` and returns what was printed.
fn record(folder: &Path, decision: &Value, more: &[&str]) -> (i32, String, String) {
    let id = decision["decision_id"].as_str().unwrap();
    let flags = ["test", "--record", TABLE, "--log", "log", "--decision", id];
    geowarden(folder, &[&flags[..], more].concat())
}

const CONFIG: [&str; 2] = ["--config", "geowarden.yaml"];

#[tokio::test]
async fn a_decision_of_the_log_becomes_a_row_that_holds() {
    let settings = "decision_log: {input: reads}";
    let (folder, decision) = decided(POLICY, settings, "/collections/lakes?f=json").await;
    let path = folder.path();
    let (code, told, err) = record(path, &decision, &CONFIG);
    assert_eq!(code, 0, "{err}");
    let name = "key {\"company\":\"osgeo\"}: GET /collections/lakes";
    assert_eq!(told, format!("recorded in {TABLE}: {name}\n"));
    let expected = r#"- name: "key {\"company\":\"osgeo\"}: GET /collections/lakes"
  who:
    id: osgeo
    attributes: {company: osgeo}
  request:
    method: GET
    target: /collections/lakes
  decision: deny
  status: 403
  reason: policy-denied
"#;
    assert_eq!(fs::read_to_string(path.join(TABLE)).unwrap(), expected);

    // Without a configuration the policy of the table's folder decides. The id may be that of the client's answer.
    let mut decision = decision;
    decision["decision_id"] =
        format!("urn:uuid:{}", decision["decision_id"].as_str().unwrap()).into();
    let more = ["--name", "again", "--format", "json"];
    let (code, told, err) = record(path, &decision, &more);
    assert_eq!(code, 0, "{err}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told,
        serde_json::json!({"file": TABLE, "name": "again", "notes": []})
    );
    let (code, told, err) = geowarden(path, &["test", "policies"]);
    assert_eq!((code, told.as_str()), (0, "PASS: 2/2\n"), "{err}");
}

#[tokio::test]
async fn what_the_policy_read_of_a_request_is_in_its_row() {
    let policy = r#"package geowarden.authz

allow if {
	input.ogc.params.bbox[0] >= 5
	input.ogc.params.datetime.end == null
	input.ogc.params.limit == 10
	input.request.headers["x-purpose"] == ""
}

allow if input.ogc.format == "html"
"#;
    let target =
        "/collections/obs/items?bbox=5,50,6,51&datetime=2026-01-01T00:00:00Z/..&limit=10&f=html";
    for input in ["reads", "full"] {
        let settings = format!("decision_log: {{input: {input}}}");
        let (folder, decision) = decided(policy, &settings, target).await;
        assert_eq!(decision["outcome"], "allow");
        let path = folder.path();
        let (code, _, err) = record(path, &decision, &CONFIG);
        assert_eq!(code, 0, "{input}: {err}");
        let row = fs::read_to_string(path.join(TABLE)).unwrap();
        assert!(row.contains("limit=10") && row.contains("f=html"), "{row}");
        assert!(
            !row.contains("cookie") && !row.contains("osgeo-key"),
            "{row}"
        );
        let (code, told, err) = geowarden(path, &["test", "policies"]);
        assert_eq!((code, told.as_str()), (0, "PASS: 1/1\n"), "{err} {row}");
    }
}

#[tokio::test]
async fn a_row_that_would_not_ask_the_same_is_refused() {
    let by_cookie = "package geowarden.authz\n\nallow if input.request.headers.cookie == \"a=b\"\n";
    let by_order =
        "package geowarden.authz\n\nallow if input.ogc.params.sortby[0].order == \"descending\"\n";
    for (policy, input, target, told) in [
        (
            by_cookie,
            "full",
            "/collections/obs",
            "--record: the log has allow (policy-allowed) and the same policy decides deny (policy-denied) here; the policy reads credentials, which no record has and which are undefined here: input.request.headers.cookie: ",
        ),
        (
            by_order,
            "reads",
            "/collections/obs/items?sortby=-name",
            "--record: `input.ogc.params.sortby` would be another in the row than in the log: set `decision_log.input: full`",
        ),
    ] {
        let settings = format!("decision_log: {{input: {input}}}");
        let (folder, decision) = decided(policy, &settings, target).await;
        let (code, _, err) = record(folder.path(), &decision, &CONFIG);
        assert!(code == 1 && err.contains(told), "{code} {err}");
        assert!(!folder.path().join(TABLE).exists());
    }
}

/// A table is kept with the policy, where many can read it. The configuration knows none of these as credentials.
#[tokio::test]
async fn what_may_be_a_credential_is_in_no_row() {
    let policy = "package geowarden.authz\n\nallow if input.ogc.params.limit == 10\n";
    let target = "/collections/obs/items?limit=10&token=MARKER1&access_token=MARKER2";
    let (folder, mut decision) = decided(policy, "decision_log: {input: full}", target).await;
    let path = folder.path();
    // As an Envoy would have sent it that keeps such a header.
    decision["input"]["request"]["headers"]["x-original-url"] = "/?access_token=MARKER3".into();
    fs::write(path.join("log"), format!("{decision}\n")).unwrap();
    let (code, told, err) = record(path, &decision, &CONFIG);
    assert_eq!(code, 0, "{err}");
    let row = fs::read_to_string(path.join(TABLE)).unwrap();
    assert!(row.contains("limit=10"), "{row}");
    for shown in [row, told, err] {
        assert!(!shown.contains("MARKER"), "{shown}");
    }
    // A policy that reads it has no such row, and the refusal does not show it either.
    fs::remove_file(path.join(TABLE)).unwrap();
    let reads = "package geowarden.authz\n\nallow if input.request.raw_target != \"\"\n";
    fs::write(path.join("policies/authz.rego"), reads).unwrap();
    let (code, told, err) = record(path, &decision, &CONFIG);
    assert_eq!(code, 1, "{told}");
    assert!(
        err.contains("`input.request.raw_target` would be another") && !err.contains("MARKER"),
        "{err}"
    );
    assert!(!path.join(TABLE).exists());
}

#[tokio::test]
async fn a_row_is_decided_by_the_flags_of_the_test() {
    let (folder, decision) =
        decided(POLICY, "decision_log: {input: full}", "/collections/obs").await;
    let path = folder.path();
    let old = "package geowarden.authz\n\nallow { input.ogc.action == \"read\" }\n";
    fs::write(path.join("policies/authz.rego"), old).unwrap();
    let (code, told, _) = record(path, &decision, &CONFIG);
    assert_eq!(code, 64, "{told}");
    let flags = [&CONFIG[..], &["--v0-compatible"]].concat();
    let (code, _, err) = record(path, &decision, &flags);
    assert_eq!(code, 0, "{err}");
    let (code, _, err) = record(path, &decision, &["--format", "junit"]);
    assert!(code == 64 && err.contains("no test runs"), "{err}");
}

#[tokio::test]
async fn a_row_says_what_the_policy_here_decides() {
    let settings = "decision_log: {input: full}";
    let (folder, decision) = decided(POLICY, settings, "/collections/lakes").await;
    let path = folder.path();
    let changed = "package geowarden.authz\n\nallow if input.request.method == \"GET\"\n";
    fs::write(path.join("policies/authz.rego"), changed).unwrap();
    let (code, told, err) = record(path, &decision, &CONFIG);
    assert_eq!(code, 0, "{err}");
    let revision = decision["policy_revision"].as_str().unwrap();
    let note =
        format!("the policy here is another one: the decision is by revision {revision}, this is ");
    assert!(told.starts_with(&note), "{told}");
    let other = "\nthe log has deny, and the row has what the policy here decides: allow\n";
    assert!(told.contains(other), "{told}");
    let row = fs::read_to_string(path.join(TABLE)).unwrap();
    assert!(row.contains("  decision: allow\n"), "{row}");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_told() {
    let settings = "decision_log: {input: full}";
    let (folder, decision) = decided(POLICY, settings, "/collections%2Fobs").await;
    let path = folder.path();
    let (code, _, err) = record(path, &decision, &CONFIG);
    assert!(
        code == 1 && err.contains("a request that was refused before it"),
        "{err}"
    );
    for (arguments, expected, told) in [
        (
            &["test", "--record", TABLE, "--log", "log"][..],
            64,
            "--decision <ID>",
        ),
        (
            &["test", "--log", "log", "--decision", "x"],
            64,
            "--record <X_table.yaml>",
        ),
        (&["test", "--record", TABLE], 64, "--log <FILE>"),
        (
            &["test", "--record", TABLE, "--log", "log", "--decision", "x"],
            1,
            "log: expected a line with the decision_id x, found none",
        ),
        (
            &["test", "--record", TABLE, "-c", "geowarden.yaml", "--", "/"],
            64,
            "cannot be used with",
        ),
    ] {
        let (code, _, err) = geowarden(path, arguments);
        assert!(
            code == expected && err.contains(told),
            "{arguments:?}: {err}"
        );
    }
    assert!(!path.join(TABLE).exists());
}
