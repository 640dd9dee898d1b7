//! `geowarden eval --explain` and the output of `print`, as a shell sees them.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::service::folder;

const POLICY: &str = r#"package geowarden.authz

import rego.v1

default allow := false

allow if {
	input.ogc.action == "read"
	print("company:", input.identity.attributes.company)
	company_of[input.ogc.collection] == input.identity.attributes.company
}

allow if {
	input.ogc.action == "delete"
	is_admin
}

is_admin if "admin" in input.identity.attributes.roles

company_of := {"obs": "osgeo", "lakes": "geobeyond"}
"#;

fn eval(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "-c", "geowarden.yaml"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn a_denial_is_explained_by_its_nearest_miss() {
    let folder = folder(POLICY, "");
    let path = folder.path();
    let asked = ["--attribute", "company=osgeo", "/collections/lakes"];
    let (code, text) = eval(path, &[&["--explain"][..], &asked].concat());
    assert_eq!(code, 2);
    let expected = "\
deny (403, policy-denied): The policy does not allow this
print: company: osgeo
misses policies/authz.rego:7 allow if {, 1 of 2 conditions hold
  policies/authz.rego:10 company_of[input.ogc.collection] == input.identity.attributes.company
    input.ogc.collection = \"lakes\"
    company_of.lakes = \"geobeyond\"
    input.identity.attributes.company = \"osgeo\"
    wanted: input.identity.attributes.company = \"geobeyond\"
misses policies/authz.rego:13 allow if {, 0 of 2 conditions hold
  policies/authz.rego:14 input.ogc.action == \"delete\"
    input.ogc.action = \"read\"
    wanted: input.ogc.action = \"delete\"
so the default counts policies/authz.rego:5 default allow := false
";
    let found = text.replace(&format!("{}/", path.display()), "");
    assert_eq!(found, expected);

    for format in [&["--format", "json"][..], &["--json"]] {
        let (code, text) = eval(path, &[&["--explain"][..], format, &asked].concat());
        let decision: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(code, 2);
        assert_eq!(decision["print"], "company: osgeo");
        let why = &decision["explanation"];
        assert_eq!(why["entrypoint"], "data.geowarden.authz.allow");
        assert_eq!(why["value"], false);
        let condition = &why["definitions"][0]["conditions"][0];
        assert_eq!(condition["line"], 10);
        assert_eq!(condition["outcome"], "missed");
        let wanted = json!({
            "name": "input.identity.attributes.company",
            "path": ["identity", "attributes", "company"],
            "one_of": ["geobeyond"],
            "text": ["\"geobeyond\""],
        });
        assert_eq!(condition["wanted"], wanted);
    }
}

#[test]
fn an_allowance_is_explained_by_the_rule_that_gave_it() {
    let folder = folder(POLICY, "");
    let arguments = [
        "--explain",
        "--attribute",
        "company=osgeo",
        "/collections/obs",
    ];
    let (code, text) = eval(folder.path(), &arguments);
    assert_eq!(code, 0);
    assert!(text.contains("holds "), "{text}");
    assert!(
        text.contains(":10 company_of[input.ogc.collection]"),
        "{text}"
    );
    assert!(text.contains("company_of.obs = \"osgeo\""), "{text}");
}

#[test]
fn a_denial_by_the_default_policy_is_explained_on_one_screen() {
    let folder = folder(POLICY, "");
    let eval = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["eval", "/collections/obs/items", "--explain"])
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = eval(&[]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() <= 17, "{text}");
    assert!(lines[1].contains(":24 allow if {, 1 of 3"), "{text}");
    // The farther rules have a line each, with the condition that does not hold and its value.
    let line = "misses (embedded)/authz.rego:18 allow if {, at line 19 input.ogc.api in public_pages: input.ogc.api = \"collections\"";
    assert!(lines.contains(&line), "{text}");
    let line = "and 1 more rule misses: --all shows all in full";
    assert!(lines.contains(&line), "{text}");
    let all = eval(&["--all"]);
    assert!(all.lines().count() > 40, "{all}");
    assert!(all.contains("input.ogc.operation in lists"), "{all}");
    assert!(!all.contains("--all") && !all.contains(" more"), "{all}");
    let json: Value = serde_json::from_str(&eval(&["--format", "json"])).unwrap();
    let definitions = json["explanation"]["definitions"].as_array().unwrap();
    assert_eq!(definitions.len(), 5);
    let other = definitions[4]["conditions"][0]["wanted"].is_object();
    assert!(other, "{json}");

    let text = eval(&["--attribute", "roles=[reader]"]);
    assert!(text.lines().count() <= 26, "{text}");
    assert!(text.lines().nth(1).unwrap().starts_with("holds "), "{text}");
    assert!(
        text.ends_with("and 4 more rules miss: --all shows all in full\n"),
        "{text}"
    );
}

#[test]
fn rules_that_miss_by_the_same_condition_are_told_once() {
    let mut policy = "package geowarden.authz\n\ndefault allow := false\n\nis_admin if \"admin\" in input.identity.attributes.roles\n".to_owned();
    for number in 0..12 {
        write!(policy, "\nallow if {{\n\tinput.ogc.collection == \"c{number}\"\n\tis_admin\n}}\n\nallow if {{\n\tis_admin\n\tinput.ogc.collection != \"c{number}\"\n}}\n").unwrap();
    }
    let folder = folder(&policy, "");
    let (_, text) = eval(
        folder.path(),
        &[
            "--explain",
            "--attribute",
            "roles=[guest]",
            "/collections/c3",
        ],
    );
    let text = text.replace(&format!("{}/", folder.path().display()), "");
    assert!(text.lines().count() < 15, "{text}");
    let remark = "(by the same condition also policies/authz.rego:12, policies/authz.rego:22, policies/authz.rego:32, policies/authz.rego:42 and 8 more)";
    assert_eq!(text.matches(remark).count(), 1, "{text}");
    let rest = "and 8 more rules miss: --all shows all in full";
    assert!(text.contains(rest), "{text}");
}

#[test]
fn a_request_that_the_policy_never_saw_is_not_explained_by_it() {
    let folder = folder(POLICY, "");
    let (code, text) = eval(folder.path(), &["--explain", "/collections%2Fobs"]);
    assert_eq!(code, 2);
    assert!(
        text.ends_with("the policy was not asked: the request was refused before it\n"),
        "{text}"
    );
}

#[test]
fn no_policy_writes_into_a_log_by_printing() {
    let folder = folder(POLICY, "");
    let lines = "{\"modules\": {\"p.rego\": \"package p\\nallow if print(\\\"no JSON\\\")\"}, \"entrypoint\": \"p/allow\"}\n";
    fs::write(folder.path().join("lines"), lines).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "--batch", "-c", "geowarden.yaml"])
        .current_dir(folder.path())
        .stdin(fs::File::open(folder.path().join("lines")).unwrap())
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "{\"result\":true}\n"
    );
    assert!(
        output.stderr.is_empty(),
        "{:?}",
        String::from_utf8(output.stderr)
    );
}

#[test]
fn the_client_reads_other_words_than_the_log() {
    let folder = folder(
        "package geowarden.authz\n\nallow := {\"allowed\": false, \"reason\": \"contract 7 ended\", \"reason_user\": \"Your contract has ended\"}\n",
        "",
    );
    let (code, text) = eval(folder.path(), &["--attribute", "a=b", "/collections/obs"]);
    assert_eq!(code, 2);
    assert_eq!(
        text,
        "deny (403, policy-denied): Your contract has ended\nreason: contract 7 ended\n"
    );
    let arguments = ["--json", "--attribute", "a=b", "/collections/obs"];
    let (_, text) = eval(folder.path(), &arguments);
    let decision: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(decision["detail"], "Your contract has ended");
    assert_eq!(decision["policy_reason"], "contract 7 ended");
}

const TESTS: &str = r#"package p_test

import data.p
import rego.v1

test_readers_read if p.allow with input as {"role": "reader", "action": "read"}

test_readers_write if {
	asked := {"role": "reader", "action": "write"}
	p.allow with input as asked
}

todo_test_later if false
"#;

fn tested() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let policy = "package p\n\nimport rego.v1\n\nallow if {\n\tinput.action == \"read\"\n\tinput.role == \"reader\"\n}\n\nunused if input.never\n";
    fs::write(folder.path().join("p.rego"), policy).unwrap();
    fs::write(folder.path().join("p_test.rego"), TESTS).unwrap();
    folder
}

fn test(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let all = [&["test"][..], arguments, &["."]].concat();
    crate::tables::geowarden(folder, &all)
}

#[test]
fn a_failing_test_shows_its_assertion_with_the_values() {
    let folder = tested();
    let (code, text, _) = test(folder.path(), &[]);
    let text = text.replace("./", "");
    assert_eq!(code, 1);
    let why = "\
  misses p_test.rego:8 test_readers_write if {, 1 of 2 conditions hold
    p_test.rego:10 p.allow with input as asked
      data.p.allow is undefined
      misses p.rego:5 allow if {, 0 of 2 conditions hold
        p.rego:6 input.action == \"read\"
          input.action = \"write\"
";
    assert!(text.contains(why), "{text}");
    assert!(
        text.ends_with("PASS: 1/3\nFAIL: 1/3\nSKIPPED: 1/3\n"),
        "{text}"
    );

    let (code, text, _) = test(folder.path(), &["--format", "json"]);
    let results: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, 1);
    assert_eq!(results["tests"][1]["outcome"], "fail");
    assert_eq!(
        results["tests"][1]["explanation"]["definitions"][0]["line"],
        8
    );
    assert!(results["tests"][0]["explanation"].is_null());
}

#[test]
fn tests_are_chosen_by_a_regular_expression() {
    let folder = tested();
    let (code, text, _) = test(folder.path(), &["--run", "_read$", "--verbose"]);
    assert_eq!((code, text.lines().count()), (0, 2), "{text}");
    assert!(
        text.starts_with("data.p_test.test_readers_read: PASS"),
        "{text}"
    );
    // What the others evaluate does not count.
    let lines = |run: &str| test(folder.path(), &["--run", run, "--coverage"]).1;
    assert!(
        lines("_read$").contains("p_test.rego: 20%"),
        "{}",
        lines("_read$")
    );
    // A folder that is given twice, and what is in it, is tested once.
    let twice = ["--run", "_read$", "./.", "p_test.rego"];
    let (code, text, _) = test(folder.path(), &twice);
    assert_eq!((code, text.as_str()), (0, "PASS: 1/1\n"));
    let (code, _, err) = test(folder.path(), &["--run", "nothing"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("no test was found whose name `--run` finds"),
        "{err}"
    );
    let (code, _, err) = test(folder.path(), &["--run", "("]);
    assert_eq!(code, 64, "{err}");
}

#[test]
fn results_are_read_by_ci_systems() {
    let folder = tested();
    let (code, text, _) = test(folder.path(), &["--format", "junit"]);
    assert_eq!(code, 1);
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\""), "{text}");
    assert!(
        text.contains("<testcase classname=\"data.p_test\" name=\"test_readers_write\""),
        "{text}"
    );
    assert!(
        text.contains("input.action = &quot;write&quot;&#10;"),
        "{text}"
    );

    // Of a test with keys, the cases that fail.
    let cases = "package p_test\n\ntest_cases[name][kind] if {\n\tsome name, all in {\"one\": {\"a\": 1, \"b\": 2}, \"two\": {\"a\": 1}}\n\tsome kind, n in all\n\tn == 1\n}\n";
    fs::write(folder.path().join("q_test.rego"), cases).unwrap();
    let (_, text, _) = test(folder.path(), &["--format", "junit", "--run", "cases"]);
    assert!(
        text.contains("<failure message=\"the case one: b is not true\">"),
        "{text}"
    );

    let (code, _, err) = test(folder.path(), &["--run", "_read$", "--threshold", "100"]);
    assert_eq!(code, 1);
    assert!(err.contains("--threshold asks for 100%"), "{err}");
    let (code, _, err) = test(folder.path(), &["--run", "_read$", "--threshold", "10"]);
    assert_eq!(code, 0, "{err}");
    // No lines are counted of the rows of tables.
    let row = "- name: landing\n  who: anonymous\n  request:\n    target: /\n  decision: deny\n";
    let folder = tempfile::tempdir().unwrap();
    let policy = "package geowarden.authz\n\nallow if input.identity.subject == \"ada\"\n";
    fs::write(folder.path().join("p.rego"), policy).unwrap();
    fs::write(folder.path().join("p_table.yaml"), row).unwrap();
    let (code, _, err) = test(folder.path(), &["--threshold", "10"]);
    assert_eq!(code, 1);
    assert!(err.contains("found only rows of tables"), "{err}");
}
