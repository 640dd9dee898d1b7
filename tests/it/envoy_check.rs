//! `geowarden check --envoy` as a shell sees it. The tests of its findings are in `crates/envoy-check`.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::service::folder;

const POLICY: &str = "package geowarden.authz\n\nallow if input.identity.method == \"api_key\"\n";

fn check(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .arg("check")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // A program that does not read its input has closed it.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    process.wait_with_output().unwrap()
}

fn out(output: &Output) -> &str {
    str::from_utf8(&output.stdout).unwrap()
}

fn shipped() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/api-key.yaml");
    fs::read_to_string(path).unwrap()
}

#[test]
fn findings_are_told_with_their_place_and_by_the_exit_code() {
    let folder = folder(POLICY, "");
    let open = shipped().replace("failure_mode_allow: false", "failure_mode_allow: true");
    fs::write(folder.path().join("envoy.yaml"), &open).unwrap();
    let line = open
        .lines()
        .position(|l| l.contains("failure_mode_allow"))
        .unwrap()
        + 1;
    let told = check(folder.path(), &["--envoy", "envoy.yaml"], "");
    assert_eq!(told.status.code(), Some(64), "{told:?}");
    let start = format!("error: envoy.yaml:{line}:23: failure_mode_allow: ");
    let error = str::from_utf8(&told.stderr).unwrap();
    assert!(error.starts_with(&start), "{error}");
    assert!(error.ends_with(" [failure-mode-allow]\n"), "{error}");
    assert_eq!((error.lines().count(), out(&told)), (1, ""));

    for json in [&["--json"][..], &["--format", "json"]] {
        let arguments = [&["--envoy", "-"][..], json].concat();
        let told = check(folder.path(), &arguments, &open);
        assert_eq!(told.status.code(), Some(64), "{told:?}");
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(told["valid"], false);
        let finding = &told["findings"][0];
        assert_eq!(finding["code"], "failure-mode-allow");
        assert_eq!(finding["severity"], "error");
        assert_eq!(finding["line"], line);
        assert_eq!(finding["column"], 23);
        assert!(finding["cure"].is_string(), "{finding}");
    }
}

#[test]
fn warnings_alone_are_no_fault() {
    let folder = folder(POLICY, "");
    let text = shipped().replace("merge_slashes: false", "merge_slashes: true");
    let told = check(folder.path(), &["--envoy", "-"], &text);
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let warning = out(&told);
    assert!(warning.contains("warning: (standard input):"), "{warning}");
    let told = check(folder.path(), &["--envoy", "-", "--strict"], &text);
    assert_eq!(told.status.code(), Some(64), "{told:?}");
}

/// The formats for editors and code hosts also have file, line and column.
#[test]
fn each_format_tells_the_place() {
    let folder = folder(POLICY, "");
    let open = shipped().replace("failure_mode_allow: false", "failure_mode_allow: true");
    fs::write(folder.path().join("envoy.yaml"), open).unwrap();
    let told = |format| {
        let told = check(
            folder.path(),
            &["--envoy", "envoy.yaml", "--format", format],
            "",
        );
        assert_eq!(told.status.code(), Some(64), "{told:?}");
        out(&told).to_owned()
    };
    let github = told("github");
    assert!(
        github.starts_with("::error file=envoy.yaml,line="),
        "{github}"
    );
    let sarif: Value = serde_json::from_str(&told("sarif")).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "failure-mode-allow");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "envoy.yaml");
    assert_eq!(place["region"]["startColumn"], 23);
}

#[test]
fn standard_input_cannot_be_watched() {
    let folder = folder(POLICY, "");
    let told = check(folder.path(), &["--envoy", "-", "--watch"], "");
    assert_eq!(told.status.code(), Some(64), "{told:?}");
}

/// Both configurations are checked at once, and their limits are compared.
#[test]
fn the_configuration_is_checked_beside_it() {
    let folder = folder(POLICY, "");
    let config = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&config).unwrap();
    let slow = text.replace("server: {", "server: {deadline: 2s, ");
    assert_ne!(slow, text);
    fs::write(&config, slow).unwrap();
    let both = ["--envoy", "-", "--config", "geowarden.yaml"];
    let told = check(folder.path(), &both, &shipped());
    assert_eq!(told.status.code(), Some(0), "{told:?}");
    let lines: Vec<_> = out(&told).lines().collect();
    assert!(
        lines[0].contains(": grpc_service.timeout: ") && lines[0].ends_with(" [timeout]"),
        "{lines:?}"
    );
    assert!(
        lines.last().unwrap().starts_with("ok: configuration"),
        "{lines:?}"
    );

    fs::write(&config, "server: {deadline: soon}\n").unwrap();
    let told = check(
        folder.path(),
        &[&both[..], &["--json"]].concat(),
        &shipped(),
    );
    assert_eq!(told.status.code(), Some(64), "{told:?}");
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["problems"][0]["path"], "server.deadline");
    let findings = told["findings"].as_array().unwrap();
    let is_ours = |finding: &Value| finding["code"] == "configuration";
    assert!(findings.iter().all(is_ours), "{told:#}");
}

/// The running pygeoapi that is asked for its version is the one that Envoy reaches.
#[test]
fn another_pygeoapi_than_envoys_is_a_warning() {
    let both = ["--envoy", "-", "--config", "geowarden.yaml"];
    for (port, is_told) in [(5000, false), (5001, true)] {
        let folder = folder(
            POLICY,
            &format!("pygeoapi: {{url: 'http://localhost:{port}'}}"),
        );
        let told = check(folder.path(), &both, &shipped());
        assert_eq!(told.status.code(), Some(0), "{told:?}");
        let warning = format!(
            "expected `localhost:{port}`, where geowarden asks for pygeoapi's version (`pygeoapi.url`)"
        );
        assert_eq!(out(&told).contains(&warning), is_told, "{}", out(&told));
    }
}

#[test]
fn what_is_no_configuration_of_envoy_is_a_fault() {
    let folder = folder(POLICY, "");
    for (name, text, says) in [
        ("envoy.yaml", "a: [", "envoy.yaml:"),
        ("envoy.yaml", "apiVersion: v1\nkind: Pod\n", "/config_dump"),
        (
            "envoy.yaml",
            "listeners: []\n",
            "expected an Envoy bootstrap",
        ),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
        let told = check(folder.path(), &["--envoy", name], "");
        assert_eq!(told.status.code(), Some(64), "{told:?}");
        let error = String::from_utf8_lossy(&told.stderr);
        assert!(error.contains(says), "{error}");
    }
    let told = check(folder.path(), &["--envoy", "nowhere.yaml"], "");
    assert_eq!(told.status.code(), Some(64), "{told:?}");
}
