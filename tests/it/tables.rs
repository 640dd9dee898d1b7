//! Table tests of policies, as a shell sees them: `geowarden test` of `*_table.yaml`, `--record` and `--watch`.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

use crate::watching::Watching;

const POLICY: &str = r#"package geowarden.authz

import rego.v1

default allow := {"allowed": false, "reason": "not yours", "reason_user": "Ask the owner"}

allow := {"allowed": true, "headers": {"X-Company": company}, "query_parameters_to_set": {"limit": "10"}} if {
	input.ogc.action == "read"
	print("company:", company)
	company == {"obs": "osgeo"}[input.ogc.collection]
}

company := input.identity.attributes.company

company := input.identity.claims.company
"#;

const TABLE: &str = r#"- name: osgeo reads obs
  who: {attributes: {company: osgeo}}
  request: {target: /collections/obs/items}
  decision: allow
  reason: policy-allowed
  changes:
    headers: {x-company: osgeo}
    query_parameters_to_set: {limit: "10"}
    request_headers_to_remove: []
- name: by a token too
  who: {claims: {sub: ada, company: osgeo}}
  request: {target: /collections/obs/items}
  decision: allow
- name: others are told whom to ask
  who: {id: ops, attributes: {company: other}}
  request: {target: /collections/obs}
  decision: deny
  status: 403
  reason: not yours
  reason_user: Ask the owner
- name: nobody is nobody
  who: anonymous
  request: {target: /collections/obs}
  decision: deny
  status: 401
- name: two readings are refused
  who: anonymous
  request: {target: "/collections/obs/items?limit=1&limit=2"}
  decision: deny
  status: 400
- name: a wrong key is refused even where anybody may
  who: anonymous
  request: {target: /collections/obs, headers: {X-API-Key: guessed}}
  decision: deny
  reason: unknown-key
"#;

fn policy(table: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("p")).unwrap();
    fs::write(folder.path().join("p/authz.rego"), POLICY).unwrap();
    if !table.is_empty() {
        fs::write(folder.path().join("p/x_table.yaml"), table).unwrap();
    }
    folder
}

/// The exit code, and what is printed.
pub(crate) fn geowarden(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn rows_are_decided_as_serve_decides() {
    let folder = policy(TABLE);
    let (code, text, err) = geowarden(folder.path(), &["test", "p"]);
    assert_eq!((code, text.as_str()), (0, "PASS: 6/6\n"), "{err}");
    // The file alone, with the policy of its folder.
    let (code, text, err) = geowarden(folder.path(), &["test", "p/x_table.yaml", "--verbose"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        text.starts_with("p/x_table.yaml: osgeo reads obs: PASS"),
        "{text}"
    );
}

/// Each expectation by itself, turned round.
#[test]
fn a_row_that_is_not_met_is_told_with_place_and_cause() {
    for (from, to, told) in [
        (
            "who: {attributes: {company: osgeo}}",
            "who: {attributes: {company: asgeo}}",
            "p/x_table.yaml:4 decision: expected \"allow\", found \"deny\"",
        ),
        (
            "{x-company: osgeo}",
            "{x-company: other}",
            "p/x_table.yaml:7 changes.headers: expected {\"x-company\":\"other\"}, found {\"x-company\":\"osgeo\"}",
        ),
        (
            "request_headers_to_remove: []",
            "request_headers_to_remove: [accept]",
            "p/x_table.yaml:9 changes.request_headers_to_remove: expected [\"accept\"], found []",
        ),
        (
            "reason_user: Ask the owner",
            "reason_user: Ask me",
            "p/x_table.yaml:20 reason_user: expected \"Ask me\", found \"Ask the owner\"",
        ),
        (
            "reason: not yours",
            "reason: no",
            "p/x_table.yaml:19 reason: expected \"no\", found \"not yours\"",
        ),
        (
            "status: 401",
            "status: 404",
            "p/x_table.yaml:25 status: expected 404, found 401",
        ),
        (
            "reason: unknown-key",
            "reason: policy-denied",
            "reason: expected \"policy-denied\", found \"unknown-key\"",
        ),
    ] {
        assert!(TABLE.contains(from), "{from}");
        let folder = policy(&TABLE.replacen(from, to, 1));
        let (code, text, _) = geowarden(folder.path(), &["test", "p"]);
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(told), "{told}: {text}");
        assert!(text.ends_with("PASS: 5/6\nFAIL: 1/6\n"), "{text}");
    }
}

const WRONG: &str = r#"- name: "asgeo reads <obs>. Too"
  who: {attributes: {company: asgeo}}
  request: {target: /collections/obs/items}
  decision: allow
"#;

#[test]
fn a_row_that_fails_says_why_in_every_format() {
    let folder = policy(WRONG);
    let path = folder.path();
    let (code, text, _) = geowarden(path, &["test", "p"]);
    assert_eq!(code, 1);
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with("p/x_table.yaml: asgeo reads <obs>. Too: FAIL ("),
        "{first}"
    );
    let expected = "  p/x_table.yaml:4 decision: expected \"allow\", found \"deny\"
  deny (403, policy-denied): Ask the owner
  misses p/authz.rego:7 allow := {\"allowed\": true, \"headers\": {\"X-Company\": company}, \"query_parameters_to_set\": {\"limit\": \"10\"}} if {, 1 of 2 conditions hold
    p/authz.rego:10 company == {\"obs\": \"osgeo\"}[input.ogc.collection]
";
    assert!(rest.starts_with(expected), "{rest}");
    assert!(rest.contains("  print: company: asgeo\n"), "{rest}");

    let (code, text, _) = geowarden(path, &["test", "p", "--format", "json"]);
    let results: Value = serde_json::from_str(&text).unwrap();
    let found = &results["tests"][0];
    assert_eq!((code, &found["outcome"]), (1, &"fail".into()));
    assert_eq!(found["file"], "p/x_table.yaml");
    assert_eq!(
        (&found["line"], &found["differences"][0]["line"]),
        (&1.into(), &4.into())
    );
    assert_eq!(found["differences"][0]["found"], "deny");
    assert_eq!(found["explanation"]["definitions"][0]["line"], 7);
    assert_eq!(found["printed"][0], "company: asgeo");

    let (code, xml, _) = geowarden(path, &["test", "p", "--format", "junit"]);
    assert_eq!(code, 1);
    let case = "<testcase classname=\"p/x_table.yaml\" name=\"asgeo reads &lt;obs&gt;. Too\"";
    assert!(xml.contains(case), "{xml}");
    assert!(
        xml.contains("message=\"decision: expected &quot;allow&quot;, found &quot;deny&quot;\""),
        "{xml}"
    );
    assert!(xml.contains("misses p/authz.rego:7"), "{xml}");
}

#[test]
fn rows_are_chosen_by_table_and_name() {
    let folder = policy(TABLE);
    let run = |regex| geowarden(folder.path(), &["test", "p", "--run", regex]);
    assert_eq!(run("x_table.yaml: osgeo").1, "PASS: 1/1\n");
    assert_eq!(run("whom|nobody").1, "PASS: 2/2\n");
    let (code, _, err) = run("nothing");
    assert_eq!(code, 1);
    assert!(err.contains("no test was found"), "{err}");
}

#[test]
fn faults_of_tables_are_told_at_once_and_end_the_tests() {
    let folder = policy("- name: a\n  whom: anonymous\n- name: b\n  who: nobody\n");
    let (code, _, err) = geowarden(folder.path(), &["test", "p"]);
    assert_eq!(code, 64);
    assert!(
        err.contains("p/x_table.yaml:2: [0].whom: unknown key; did you mean `who`?"),
        "{err}"
    );
    assert!(
        err.contains("p/x_table.yaml:4: [1].who: expected `anonymous`"),
        "{err}"
    );
    // A table without rows would pass for ever.
    fs::write(folder.path().join("p/x_table.yaml"), "# later\n").unwrap();
    let (code, _, err) = geowarden(folder.path(), &["test", "p"]);
    assert_eq!(code, 64);
    assert!(err.contains("expected a list of rows"), "{err}");
}

#[test]
fn tables_are_no_data_and_change_nothing_that_serves() {
    let folder = policy("");
    let check = || geowarden(folder.path(), &["check", "--policy", "p", "--strict"]);
    let before = check();
    assert_eq!(before.0, 0, "{before:?}");
    for name in ["x_table.yaml", "data_table.yaml", "y_table.yml"] {
        fs::write(folder.path().join("p").join(name), "[broken").unwrap();
    }
    assert_eq!(check(), before, "the revision is the same too");
}

#[test]
fn each_of_several_policies_has_its_tables() {
    let folder = policy(TABLE);
    let path = folder.path();
    fs::create_dir_all(path.join("q/inner")).unwrap();
    fs::write(
        path.join("q/authz.rego"),
        "package geowarden.authz\n\ndefault allow := true\n",
    )
    .unwrap();
    let anybody = "- {name: anybody, who: anonymous, request: {target: /}, decision: allow}\n";
    fs::write(path.join("q/inner/y_table.yaml"), anybody).unwrap();
    let (code, text, err) = geowarden(path, &["test", "p", "q"]);
    assert_eq!((code, text.as_str()), (0, "PASS: 7/7\n"), "{err}");
    let (code, text, err) = geowarden(path, &["test", "."]);
    assert_eq!((code, text.as_str()), (0, "PASS: 7/7\n"), "{err}");
    // It would be run by no policy.
    fs::write(path.join("z_table.yaml"), anybody).unwrap();
    let (code, _, err) = geowarden(path, &["test", "."]);
    assert_eq!(code, 64);
    assert!(
        err.contains("z_table.yaml: expected a table in the folder of a policy"),
        "{err}"
    );
}

#[test]
fn a_row_has_its_own_time_and_the_configuration_counts() {
    let folder = policy("");
    let path = folder.path();
    let rule = "package mine\n\nmay if time.now_ns() == 1801353600000000000\n\ntest_now if time.now_ns() > 1801353600000000001\n";
    fs::write(path.join("p/authz.rego"), rule.replace("test_now", "later")).unwrap();
    fs::write(
        path.join("geowarden.yaml"),
        "policy: {entrypoint: mine/may}\npygeoapi: {base_path: /geoapi}\n",
    )
    .unwrap();
    let table = "- {name: then, who: {attributes: {}}, request: {target: /geoapi/collections}, at: 2027-01-31T00:00:00Z, decision: allow}
- {name: now, who: {attributes: {}}, request: {target: /geoapi/collections}, decision: deny, status: 403}
- {name: elsewhere, who: {attributes: {}}, request: {target: /collections}, at: 2027-01-31T00:00:00Z, decision: deny, status: 400}
";
    fs::write(path.join("p/x_table.yaml"), table).unwrap();
    let (code, text, err) = geowarden(path, &["test", "-c", "geowarden.yaml", "p"]);
    assert_eq!((code, text.as_str()), (0, "PASS: 3/3\n"), "{err}");
}

#[test]
fn what_eval_decides_is_recorded_and_holds() {
    let folder = policy("");
    let path = folder.path();
    let file = "p/x_table.yaml";
    let table = || fs::read_to_string(path.join(file)).unwrap();
    let record = ["eval", "--record", file];
    let asked = ["--attribute", "company=osgeo", "/collections/obs/items"];
    let (code, text, err) = geowarden(path, &[&record[..], &asked].concat());
    assert_eq!(code, 0, "{err}");
    assert!(text.starts_with("allow (200"), "{text}");
    let name = "key {\"company\":\"osgeo\"}: GET /collections/obs/items";
    assert!(
        text.ends_with(&format!("recorded in {file}: {name}\n")),
        "{text}"
    );
    assert!(
        table().contains("    headers: {X-Company: osgeo}\n"),
        "{}",
        table()
    );
    // A denial is recorded with success, by the other spelling too.
    let other = ["test", "--record", file, "--", "--name", "a guest"];
    let claims = ["--claims", "{\"company\": \"guest\"}", "-X", "DELETE"];
    let target = ["/collections/obs/items/1"];
    let (code, text, err) = geowarden(path, &[&other[..], &claims, &target].concat());
    assert_eq!(code, 0, "{err}");
    assert!(
        text.ends_with("recorded in p/x_table.yaml: a guest\n"),
        "{text}"
    );
    let (code, _, err) = geowarden(path, &[&other[..], &claims, &target].concat());
    assert_eq!(code, 64);
    assert!(err.contains("--name: expected a name that no row"), "{err}");
    geowarden(
        path,
        &[&record[..], &["-H", "Accept: text/html", "/"]].concat(),
    );
    let before = table();
    // No credential is written, whether it is good or not.
    for header in [
        "x-api-key: guessed",
        "Cookie: session=secret",
        "authorization: Basic c2VjcmV0",
        "x-auth-token: secret",
        "referer: https://maps.example.org/?access_token=secret",
    ] {
        let target = "/collections/obs?f=json&access_token=secret&api_key=guessed";
        let arguments = [&record[..], &["-H", header, target]].concat();
        geowarden(path, &arguments);
        assert!(
            !table().contains("guessed") && !table().contains("secret"),
            "{}",
            table()
        );
        assert!(table().starts_with(&before));
    }
    assert!(table().contains("obs?f=json\"\n"), "{}", table());
    assert_eq!(geowarden(path, &["test", "p"]).0, 0, "{}", table());
    for wrong in ["p/data.yaml", "p/none/x_table.yaml"] {
        let arguments = ["eval", "--policy", "p", "--record", wrong, "/"];
        let (code, _, err) = geowarden(path, &arguments);
        assert!(code != 0 && err.contains(wrong), "{err}");
    }
    let (code, _, err) = geowarden(path, &["test", "p", "--", "/"]);
    assert_eq!(code, 64);
    assert!(err.contains("--record FILE"), "{err}");
}

#[test]
fn a_change_is_tested_again() {
    let folder = policy(WRONG);
    let file = folder.path().join("p/x_table.yaml");
    let arguments = ["test", "p", "--watch"];
    let mut watching = Watching::start(folder.path(), &arguments);
    let mut next = || watching.line();
    while next() != "FAIL: 1/1" {}
    assert_eq!(next(), "watching for changes");
    // A table that cannot be read does not end it.
    fs::write(&file, "- [\n").unwrap();
    assert_eq!(next(), "watching for changes");
    fs::write(&file, TABLE).unwrap();
    while next() != "PASS: 6/6" {}
}

#[test]
fn the_configured_policies_are_tested_where_no_path_is_given() {
    let folder = policy(TABLE);
    fs::write(folder.path().join("geowarden.yaml"), "policy: {path: p}\n").unwrap();
    let run = |arguments: &[&str]| geowarden(folder.path(), &[&["test"], arguments].concat());
    let (code, text, err) = run(&["--config", "geowarden.yaml"]);
    assert_eq!((code, text.as_str()), (0, "PASS: 6/6\n"), "{err}");
    // Without a configuration, it is the folder `policies` as before.
    assert_eq!(
        run(&[]).2,
        "error: policies: cannot be read: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_table_by_another_name_is_told() {
    let folder = policy(TABLE);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let (_, _, err) = geowarden(folder.path(), &["test", "p"]);
    assert_eq!(err, "");
    write("p/more.yaml", TABLE);
    write("p/data.yaml", "request: 1\ndecision: 2\n");
    write("p/notes.yml", "- request\n- decision\n");
    let (code, text, err) = geowarden(folder.path(), &["test", "p"]);
    assert_eq!((code, text.as_str()), (0, "PASS: 6/6\n"), "{err}");
    assert!(
        err.starts_with("warning: p/more.yaml: expected the name of a table")
            && err.trim_end().ends_with("rename it to more_table.yaml"),
        "{err}"
    );
    assert_eq!(err.lines().count(), 1, "{err}");
}
