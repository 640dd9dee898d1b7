//! The findings of `geowarden check` in policies: in every format, with pygeoapi's configuration, and again after a change.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::watching::Watching;

const TYPO: &str = "package geowarden.authz\n\ndefault allow := false\n\nallow if {\n\tinput.identity.method == \"jwt\"\n\tinput.ogc.collections == \"obs\"\n}\n";
const TOLD: &str = "policies/authz.rego:7:12: `input.ogc` has no member `collections`, so this never holds: did you mean `input.ogc.collection`?";

fn folder(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("policies")).unwrap();
    fs::write(folder.path().join("policies/authz.rego"), policy).unwrap();
    folder
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["check", "--policy", "policies"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    let output = check(folder, &[&["--format", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_finding_is_shown_with_its_line_and_fails_only_where_that_is_asked_for() {
    let folder = folder(TYPO);
    let output = check(folder.path(), &[]);
    let shown = format!(
        "warning: {TOLD} [input]\n     input.ogc.collections == \"obs\"\n               ^^^^^^^^^^^\nok: "
    );
    assert!(out(&output).starts_with(&shown), "{}", out(&output));
    assert_eq!(output.status.code(), Some(0));
    let strict = check(folder.path(), &["--strict"]);
    assert_eq!(strict.status.code(), Some(64));
    assert!(out(&strict).contains(TOLD), "{}", out(&strict));

    let found = json_of(folder.path(), &[]);
    assert_eq!(found["valid"], json!(true));
    assert_eq!(found["warnings"], json!([TOLD]));
    assert_eq!(
        found["findings"],
        json!([{
            "code": "input", "severity": "warning", "file": "policies/authz.rego",
            "line": 7, "column": 12, "end_line": 7, "end_column": 23,
            "message": "`input.ogc` has no member `collections`, so this never holds",
            "cure": found["findings"][0]["cure"], "suggestion": "input.ogc.collection",
            "source": "\tinput.ogc.collections == \"obs\"",
        }])
    );
    let alias = check(folder.path(), &["--json"]);
    assert_eq!(
        out(&alias),
        out(&check(folder.path(), &["--format", "json"]))
    );
}

#[test]
fn sarif_and_commands_of_github_have_the_same_places() {
    let folder = folder(TYPO);
    let log: Value =
        serde_json::from_slice(&check(folder.path(), &["--format", "sarif"]).stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!(rule["id"], "input");
    assert!(rule["shortDescription"]["text"].is_string(), "{rule}");
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "input");
    assert_eq!(result["level"], "warning");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "policies/authz.rego");
    assert_eq!(
        place["region"],
        json!({"startLine": 7, "startColumn": 12, "endLine": 7, "endColumn": 23})
    );
    let commands = check(folder.path(), &["--format", "github"]);
    assert!(
        out(&commands).starts_with(
            "::warning file=policies/authz.rego,line=7,col=12,endLine=7,endColumn=23,title=geowarden input::`input.ogc` has no"
        ),
        "{}",
        out(&commands)
    );
}

#[test]
fn faults_of_all_files_are_errors_with_their_lines() {
    let folder = folder("package geowarden.authz\n\nallow when x\n\ndeny if input.a == 'b'\n");
    fs::write(
        folder.path().join("policies/other.rego"),
        "package other\n\nx := True and y\n",
    )
    .unwrap();
    let output = check(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(64));
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told.matches("error: ").count(), 3, "{told}");
    for part in [
        "policies/authz.rego:3:7: expected",
        "    allow when x\n          ^^^^\n",
        "policies/authz.rego:5:20: strings stand",
        "policies/other.rego:3:11: expected the end of the line, found `and`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!out(&check(folder.path(), &[])).contains("ok"));
    let found = json_of(folder.path(), &[]);
    assert_eq!(found["valid"], json!(false));
    assert_eq!(found["findings"].as_array().unwrap().len(), 3, "{found}");
}

#[test]
fn ids_are_looked_up_in_the_configuration_of_pygeoapi() {
    let folder = folder(
        "package geowarden.authz\n\ndefault allow := false\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\tinput.ogc.collection == \"road\"\n}\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\tinput.ogc.process in {\"hello\", \"hallo\"}\n}\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\t\"names\" in input.ogc.params.properties\n\tinput.ogc.collection in data.collections\n}\n",
    );
    fs::write(
        folder.path().join("policies/data.yaml"),
        "collections:\n- roads\n- lake\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("pygeoapi.yml"),
        "resources:\n  roads:\n    type: collection\n    providers:\n    - {type: feature, properties: [name, id]}\n  lakes: {type: collection}\n  hello: {type: process}\n",
    )
    .unwrap();
    let told = |arguments: &[&str]| {
        let found = json_of(folder.path(), arguments);
        let warnings = found["warnings"].as_array().unwrap().clone();
        warnings
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .filter(|one| one.starts_with("policies"))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&[]), Vec::<String>::new());
    assert_eq!(
        told(&["--pygeoapi-config", "pygeoapi.yml"]),
        [
            "policies/authz.rego:7:2: there is no collection `\"road\"` in pygeoapi.yml: did you mean `roads`?",
            "policies/authz.rego:12:2: there is no process `\"hallo\"` in pygeoapi.yml: did you mean `hello`?",
            "policies/authz.rego:17:13: there is no property `\"names\"` in pygeoapi.yml: did you mean `name`?",
            "policies/data.yaml:3:3: collections[1]: there is no collection `lake` in pygeoapi.yml: did you mean `lakes`?",
        ]
    );
}

/// Files that programs write have one line.
#[test]
fn ids_in_data_have_their_column_and_long_lines_are_clipped() {
    let folder = folder(
        "package geowarden.authz\n\ndefault allow := false\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\tinput.ogc.collection in data.collections\n}\n",
    );
    let many = "\"roads\", ".repeat(50);
    let data = format!(
        "{{\"collections\": [{many}\"lake\"], \"groups\": {{\"processes\": [\"hallo\"]}}, \"processes\": {{\"hydrologists\": [1]}}, \"roles\": {{\"r\": {{\"execute\": [\"hellos\"]}}}}, \"more\": [{many}1]}}"
    );
    fs::write(folder.path().join("policies/data.json"), &data).unwrap();
    fs::write(
        folder.path().join("pygeoapi.yml"),
        "resources:\n  roads: {type: collection}\n  lakes: {type: collection}\n  hello: {type: process}\n",
    )
    .unwrap();
    let arguments = ["--pygeoapi-config", "pygeoapi.yml"];
    let output = check(folder.path(), &arguments);
    let told = out(&output);
    for (id, path, what) in [
        (
            "lake",
            "collections[50]",
            "collection `lake` in pygeoapi.yml: did you mean `lakes`?",
        ),
        (
            "hallo",
            "groups.processes[0]",
            "process `hallo` in pygeoapi.yml: did you mean `hello`?",
        ),
        (
            "hellos",
            "roles.r.execute[0]",
            "collection or process `hellos` in pygeoapi.yml: did you mean `hello`?",
        ),
    ] {
        let id = format!("\"{id}\"");
        let column = data.find(&id).unwrap() + 1;
        let expected = format!(
            "warning: policies/data.json:1:{column}: {path}: there is no {what} [unknown-id]\n"
        );
        let (_, behind) = told
            .split_once(&expected)
            .unwrap_or_else(|| panic!("{expected}: {told}"));
        let mut lines = behind.lines();
        let (source, mark) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(source.len() < 220, "{source}");
        let marked = &source[mark.find('^').unwrap()..mark.len()];
        assert_eq!(marked, id, "{told}");
    }
}

#[test]
fn names_of_roles_and_of_everything_are_no_ids() {
    let folder = folder(
        "package geowarden.authz\n\ndefault allow := false\n\nallow if {\n\tsome role in input.identity.attributes.roles\n\tsome id in data.collections[role]\n\tid in {input.ogc.collection, \"all\"}\n}\n\nallow if {\n\tsome role in input.identity.attributes.roles\n\t\"all\" in data.roles[role].read\n\tinput.ogc.action == \"read\"\n}\n",
    );
    let data = folder.path().join("policies/data.yaml");
    fs::write(
        folder.path().join("pygeoapi.yml"),
        "resources:\n  roads: {type: collection}\n  lakes: {type: collection}\n  hello: {type: process}\n",
    )
    .unwrap();
    let told = |text: &str| {
        fs::write(&data, text).unwrap();
        let output = check(folder.path(), &["--pygeoapi-config", "pygeoapi.yml"]);
        let told = out(&output);
        let lines = told.lines().filter(|line| line.starts_with("warning"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for text in [
        "collections: {reader: [roads], editor: [all]}\nroles: {reader: {read: [all]}}\n",
        "collections: {reader: roads, editor: []}\nroles: {admin: {read: [all, roads]}}\n",
        "collections: {reader: {}}\nroles: {reader: {read: [\"*\"]}}\n",
        "collections: {reader: {}}\nroles: [reader]\n",
    ] {
        assert_eq!(told(text), Vec::<String>::new(), "{text}");
    }
    assert_eq!(
        told("collections: {reader: [roads, lake]}\nroles: {}\n"),
        [
            "warning: policies/data.yaml:1:31: collections.reader[1]: there is no collection `lake` in pygeoapi.yml: did you mean `lakes`? [unknown-id]"
        ]
    );
    // Here the keys are ids: one is a collection, or nothing tells that they are roles.
    for text in [
        "collections: {roads: [reader], lake: [reader]}\nroles: {}\n",
        "collections: {lake: {public: true}}\nroles: {}\n",
    ] {
        let told = told(text);
        assert!(told.len() == 1 && told[0].contains("`lake`"), "{told:?}");
    }
}

#[test]
fn names_that_no_request_has_are_found_in_tests_too() {
    let folder = folder(
        "package geowarden.authz\n\ndefault allow := false\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\tinput.ogc.collection == \"obs\"\n}\n",
    );
    fs::write(
        folder.path().join("policies/authz_test.rego"),
        "package geowarden.authz_test\n\nimport data.geowarden.authz\n\nkey := {\"method\": \"api_key\", \"attribute\": {}}\n\ntest_a if not authz.allow with input.ogc.collections as \"obs\"\n\ntest_b if not authz.allow with input as {\"ogc\": {\"collections\": \"obs\"}, \"identity\": key}\n\ntest_c if not authz.allow with input.identity as key\n\ntest_d if authz.allow with input as {\"ogc\": {\"collection\": \"obs\"}, \"identity\": {\"method\": \"jwt\"}} with data.some as 1\n",
    )
    .unwrap();
    let output = check(folder.path(), &[]);
    let told = out(&output);
    let told: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    let effect = "so what is put there stands for no request: did you mean";
    assert_eq!(
        told,
        [
            format!(
                "warning: policies/authz_test.rego:7:11: `input.ogc` has no member `collections`, {effect} `input.ogc.collection`? [input]"
            ),
            format!(
                "warning: policies/authz_test.rego:9:11: `input.ogc` has no member `collections`, {effect} `input.ogc.collection`? [input]"
            ),
            format!(
                "warning: policies/authz_test.rego:11:11: `input.identity` has no member `attribute`, {effect} `input.identity.attributes`? [input]"
            ),
        ]
    );
}

#[test]
fn a_value_that_is_no_verdict_is_refused_as_check_tells() {
    for (rule, what) in [
        ("allow := \"yes\"", "a string"),
        (
            "allow contains \"a\" if input.ogc.action == \"read\"",
            "a set (`contains`)",
        ),
        ("allow := {\"allow\": true}", "an object without `allowed`"),
    ] {
        let folder = folder(&format!("package geowarden.authz\n\n{rule}\n"));
        let output = check(folder.path(), &[]);
        let told = out(&output);
        let expected = format!(
            "`allow` is {what}, which is no verdict: each request that it decides is refused"
        );
        assert!(
            told.contains(&expected) && told.contains("[verdict]"),
            "{told}"
        );
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args([
                "eval",
                "--policy",
                "policies",
                "--attribute",
                "a=b",
                "/collections/obs",
            ])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            out(&output).starts_with("deny (503, policy-verdict)"),
            "{}",
            out(&output)
        );
    }
}

#[test]
fn shipped_policies_raise_no_alarm() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for policy in [
        "policies/default",
        "policies/authenticated",
        "policies/examples/company",
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["check", "--strict", "--policy", policy])
            .current_dir(root)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{policy}: {}", out(&output));
        assert!(!out(&output).contains("note"), "{policy}: {}", out(&output));
    }
    for embedded in ["roles", "authenticated", "bearer"] {
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["check", "--strict"])
            .env("GEOWARDEN_POLICY__EMBEDDED", embedded)
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(0),
            "{embedded}: {}",
            out(&output)
        );
    }
}

/// A log beside the file would otherwise be a loop.
#[test]
fn a_change_of_another_file_in_the_folder_is_not_checked() {
    let folder = folder(TYPO);
    let beside = folder.path().join("etc");
    fs::create_dir(&beside).unwrap();
    fs::write(folder.path().join("policies/notes.txt"), "").unwrap();
    let envoy = beside.join("envoy.yaml");
    fs::write(&envoy, "a: 1\n").unwrap();
    fs::write(
        beside.join("geowarden.yaml"),
        "policy: {path: ../policies}\n",
    )
    .unwrap();
    let arguments = [
        "check",
        "--config",
        "etc/geowarden.yaml",
        "--envoy",
        "etc/envoy.yaml",
        "--watch",
    ];
    let mut watching = Watching::start(folder.path(), &arguments);
    let mut next = || watching.line();
    while next() != "watching for changes" {}
    // Longer than changes may take to settle.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1500) {
        fs::write(beside.join("check.log"), "more").unwrap();
        fs::write(folder.path().join("policies/notes.txt"), "more").unwrap();
    }
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("envoy/api-key.yaml");
    fs::copy(shipped, beside.join("new.yaml")).unwrap();
    fs::rename(beside.join("new.yaml"), &envoy).unwrap();
    loop {
        let line = next();
        assert_ne!(line, "watching for changes");
        if line.starts_with("ok: ") {
            break;
        }
    }
}

#[test]
fn a_change_is_checked_again() {
    let folder = folder(TYPO);
    let arguments = ["check", "--policy", "policies", "--watch"];
    let mut watching = Watching::start(folder.path(), &arguments);
    let mut next = || watching.line();
    assert_eq!(next(), format!("warning: {TOLD} [input]"));
    while next() != "watching for changes" {}
    let file = folder.path().join("policies/authz.rego");
    fs::write(&file, TYPO.replace("collections", "collection")).unwrap();
    assert!(next().starts_with("ok: "));
}
