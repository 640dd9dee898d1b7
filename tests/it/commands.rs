//! The commands as a shell sees them: exit codes, standard output and standard error.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::service::{Service, folder};

fn geowarden(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

const POLICY: &str = r#"package geowarden.authz

import rego.v1

allow if input.identity.attributes.company == "osgeo"
"#;

#[test]
fn exit_codes_tell_allow_deny_and_fault_apart() {
    let folder = folder(POLICY, "");
    let path = folder.path();
    for (arguments, code, says) in [
        (
            &[
                "eval",
                "-c",
                "geowarden.yaml",
                "--key-id",
                "osgeo",
                "/collections/obs",
            ][..],
            0,
            "allow",
        ),
        (
            &["eval", "-c", "geowarden.yaml", "/collections/obs"],
            2,
            "credential-required",
        ),
        (
            &["eval", "-c", "geowarden.yaml", "/collections%2Fobs"],
            2,
            "decoded-delimiter",
        ),
        (&["check", "-c", "geowarden.yaml"], 0, "ok"),
        (&["version"], 0, env!("CARGO_PKG_VERSION")),
        (&["--help"], 0, "serve"),
        (&["key", "new", "--help"], 0, "--expires"),
        (&["status", "--help"], 0, "server.admin_grpc.address"),
        (&["tail", "--help"], 0, "--path '/collections/*'"),
    ] {
        let output = geowarden(path, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(
            out(&output).contains(says),
            "{arguments:?}: {}",
            out(&output)
        );
    }
    for (arguments, code, says) in [
        (
            &["eval", "-c", "geowarden.yaml", "--key-id", "nobody", "/"][..],
            64,
            "--key-id: expected the `id` of an entry",
        ),
        (
            &["eval", "-c", "geowarden.yaml", "--claims", "[", "/"],
            64,
            "--claims",
        ),
        (&["eval", "-c", "missing.yaml", "/"], 64, "missing.yaml"),
        (&["check", "-c", "."], 64, "error"),
        (&["key", "new"], 64, "--id"),
        (
            &["key", "new", "--id", "x", "--expires", "soon"],
            64,
            "expected a date such as `2027-01-31`",
        ),
        (&["serv"], 64, "serve"),
        (&["test", "missing"], 64, "missing"),
        (
            &["healthcheck", "--admin", "127.0.0.1:1"],
            1,
            "127.0.0.1:1: ",
        ),
        (
            &["status", "--address", "127.0.0.1:1"],
            1,
            "127.0.0.1:1: Connection refused",
        ),
        (
            &["tail", "--address", "unix:/nowhere"],
            1,
            "unix:/nowhere: ",
        ),
        (&["status", "--address", "9193"], 64, "expected HOST:PORT"),
        (
            &["status", "-c", "geowarden.yaml"],
            64,
            "server.admin_grpc.address",
        ),
        (
            &["status", "--address", "h:1", "--ca", "missing.pem"],
            64,
            "missing.pem: cannot be read",
        ),
        (
            &["status", "--address", "h:1", "--cert", "cert.pem"],
            64,
            "--key",
        ),
        (
            &["status", "--address", "unix:/a", "--ca", "missing.pem"],
            64,
            "a Unix socket",
        ),
        (&["tail", "--outcome", "maybe"], 64, "allow"),
        (&["tail", "--count", "0"], 64, "0"),
    ] {
        let output = geowarden(path, arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(
            err(&output).contains(says),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(out(&output).is_empty(), "{arguments:?}: {}", out(&output));
    }
}

#[test]
fn what_is_typed_or_read_is_not_repeated() {
    let folder = folder("package geowarden.authz\n\nallow if true\n", "");
    let path = folder.path();
    let eval = ["eval", "-c", "geowarden.yaml"];
    for (more, form) in [
        (&["-H", "authorization Sekret9", "/"][..], "`name: value`"),
        (&["--claims", "\"Sekret9\"", "/"], "a JSON object"),
        (&["--claims", "{\"a\": Sekret9", "/"], "a JSON object"),
        (&["--attribute", "Sekret9", "/"], "NAME=VALUE"),
        (&["--key-id", "Sekret9", "/"], "`id`"),
        (&["http://u:Sekret9@h/"], ""),
        (&["http://u:Sekret9@h/", "--json"], ""),
    ] {
        let output = geowarden(path, &[&eval, more].concat());
        let told = format!("{}{}", out(&output), err(&output));
        assert!(
            told.contains(form) && !told.contains("Sekret9"),
            "{more:?}: {told}"
        );
    }
    // Escape what the user typed.
    let output = geowarden(path, &["check", "--a\u{202e}"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(err(&output).contains("--a\\u{202e}"), "{}", err(&output));
    for command in [&["read"][..], &["eval", "--batch"]] {
        for (line, found) in [
            (&b"{\"method\": \"\xff\"}\n"[..], "expected UTF-8"),
            (b"{\"Sekret9\": 1}\n", "found other members"),
            (b"Sekret9\n", "found no JSON"),
        ] {
            let mut child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
                .args(command)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(line).unwrap();
            let output = child.wait_with_output().unwrap();
            let told = err(&output);
            assert_eq!(output.status.code(), Some(64), "{told}");
            assert!(
                told.contains("standard input:1: ") && told.contains(found),
                "{told}"
            );
            assert!(!told.contains("Sekret9"), "{told}");
        }
    }
}

/// While certificates are replaced, they may be invalid for a moment. A probe must not fail then.
#[test]
fn useless_certificates_stop_check_and_start_and_no_probe() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tls.pem"), "junk").unwrap();
    let text = "server:\n  admin: '127.0.0.1:1'\n  tls:\n    cert: tls.pem\n    key: tls.pem\n";
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    for command in ["check", "serve"] {
        let output = geowarden(folder.path(), &[command, "-c", "geowarden.yaml"]);
        assert_eq!(output.status.code(), Some(64), "{}", err(&output));
        let told = "geowarden.yaml:4: server.tls.cert: expected the server's certificate chain";
        assert!(err(&output).contains(told), "{command}: {}", err(&output));
    }
    let output = geowarden(folder.path(), &["healthcheck", "-c", "geowarden.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
}

/// Only the address of the running one is needed, which the command line can give.
#[test]
fn a_status_with_a_broken_configuration_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("geowarden.yaml"), "server: [").unwrap();
    for command in ["status", "tail"] {
        let output = geowarden(folder.path(), &[command, "--config", "geowarden.yaml"]);
        assert_eq!(output.status.code(), Some(64), "{}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("geowarden.yaml") && told.contains("--address"),
            "{told}"
        );
    }
}

#[test]
fn a_role_that_is_stored_as_a_text_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let new = |attribute: &str| {
        let arguments = ["key", "new", "--id", "a", "--attribute", attribute];
        let output = geowarden(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        (out(&output).to_owned(), err(&output).to_owned())
    };
    let (stored, note) = new("roles=reader");
    assert!(stored.contains("\"roles\":\"reader\""), "{stored}");
    assert!(note.contains("roles='[reader]'"), "{note}");
    let (stored, note) = new("roles=[reader, editor]");
    assert!(
        stored.contains("\"roles\":[\"reader\",\"editor\"]"),
        "{stored}"
    );
    assert_eq!(note, "");
    assert_eq!(new("company=osgeo").1, "");
}

/// A key that is not valid would only stay in the terminal's history.
#[test]
fn a_start_that_fails_tells_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let text = format!(
        "server: {{admin: '{}', grpc: '127.0.0.1:0'}}\n",
        taken.local_addr().unwrap()
    );
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    let output = geowarden(folder.path(), &["serve", "-c", "geowarden.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!err(&output).contains("x-api-key"), "{}", err(&output));
    assert!(
        err(&output).contains("server.admin: cannot listen on"),
        "{}",
        err(&output)
    );
}

#[test]
fn failing_tests_of_policies_exit_with_1() {
    let folder = folder(POLICY, "");
    let test = "package t_test\nimport rego.v1\nimport data.geowarden.authz\ntest_strangers if authz.allow\n";
    fs::write(folder.path().join("policies/authz_test.rego"), test).unwrap();
    let output = geowarden(folder.path(), &["test", "policies"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(
        out(&output).contains("data.t_test.test_strangers: FAIL"),
        "{}",
        out(&output)
    );
}

#[test]
fn a_made_key_fits_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let output = geowarden(folder.path(), &["key", "new", "--id", "a", "--json"]);
    let made: Value = serde_json::from_str(out(&output)).unwrap();
    let key = made["key"].as_str().unwrap();
    let digest = geowarden::authn::key_digest(key.as_bytes());
    assert_eq!(made["entry"], json!({"id": "a", "sha256": digest}));
    let again = geowarden(folder.path(), &["key", "new", "--id", "a", "--json"]);
    assert!(!out(&again).contains(key));
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let text = "server:\n  grpcs: 1\npolicy:\n  timeout: soon\n  path: nowhere\nauthn:\n  api_keys: {file: none.yaml}\n  jwt:\n    - issuer: https://idp.example\n      algorithms: [HS256]\n";
    fs::write(folder.path().join("geowarden.yaml"), text).unwrap();
    let output = geowarden(folder.path(), &["check", "-c", "geowarden.yaml", "--json"]);
    assert_eq!(output.status.code(), Some(64));
    let told: Value = serde_json::from_str(out(&output)).unwrap();
    let paths: Vec<_> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["path"].as_str().unwrap())
        .collect();
    for path in ["server.grpcs", "policy.timeout", "authn.jwt[0]"] {
        assert!(paths.iter().any(|p| p.starts_with(path)), "{path}: {told}");
    }
    assert!(out(&output).contains("geowarden.yaml:2"), "{told}");
    assert!(out(&output).contains("did you mean `grpc`?"), "{told}");
}

fn read(arguments: &[&str], lines: &str) -> (Option<i32>, Vec<Value>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .arg("read")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(lines.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    (output.status.code(), lines)
}

#[test]
fn requests_are_shown_as_they_are_read() {
    let lines = r#"{"method": "GET", "target": "/geoapi/%63ollections/ns/roads/items?limit=5"}
{"method": "GET", "target": "/geoapi/stac/a/b"}
{"method": "GET", "target": "/geoapi/collections/\u00e9"}
{"method": "GET", "target": "/collections"}
{"method": "POST", "target": "/geoapi/collections/obs/items", "headers": [["Content-Type", "application/json"]], "body": "{\"a\":1,\"a\":2}"}
"#;
    let (code, told) = read(&["--base-path", "/geoapi"], lines);
    assert_eq!(code, Some(0));
    assert_eq!(told[0]["read"]["collection"], "ns/roads");
    assert_eq!(
        told[0]["read"]["path"],
        "/geoapi/collections/ns/roads/items?limit=5"
    );
    assert_eq!(told[0]["read"]["params"]["limit"], 5);
    assert_eq!(told[1]["read"]["path"], "/geoapi/stac/a/b");
    assert_eq!(told[1]["read"]["resource_path"], "a/b");
    for (index, rule) in [(2, "bad-byte"), (3, "base-path"), (4, "repeated-member")] {
        assert_eq!(told[index]["refuse"], rule, "{}", told[index]);
    }

    let styled = r#"{"method": "GET", "target": "/collections/c/styles/s/map"}"#;
    assert_eq!(
        read(&["--backend", "flask"], styled).1[0]["read"]["operation"],
        "map"
    );
    assert_eq!(
        read(&["--backend", "starlette"], styled).1[0]["refuse"],
        "reserved-word"
    );
    assert_eq!(read(&[], "{\"methods\": 1}").0, Some(64));
    assert_eq!(
        read(&[], r#"{"method": "GET", "target": "/\u20ac"}"#).0,
        Some(64)
    );
    assert_eq!(read(&["--base-path", "geoapi"], "").0, Some(64));
}

#[test]
fn a_policy_that_cannot_be_meant_or_survived_is_told_by_check_and_start() {
    for (rule, says) in [
        (
            "allow if {\n\tnot input.identity.scopes[_] == \"x\"\n}",
            "authz.rego:4:2: `_` stands for a value that nothing gives here",
        ),
        (
            "allow if no.such(1)",
            "authz.rego:3:10: `no.such` is neither a function",
        ),
        (
            "a0 := [1]\nb0 := [1]\nallow if a == b\na := data.geowarden.authz.a30\nb := data.geowarden.authz.b30\n",
            "took longer than 1s",
        ),
    ] {
        // Both sides of the comparison double with each rule, so its evaluation never ends.
        let doubled: Vec<String> = (1..=30)
            .map(|n| {
                let last = n - 1;
                format!("a{n} := [a{last}, a{last}]\nb{n} := [b{last}, b{last}]")
            })
            .collect();
        let doubled = if rule.starts_with("a0") {
            doubled.join("\n")
        } else {
            String::new()
        };
        let policy = format!("package geowarden.authz\n\n{rule}\n{doubled}\n");
        let folder = folder(&policy, "");
        for command in ["check", "serve"] {
            let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
                .args([command, "-c", "geowarden.yaml"])
                .env("GEOWARDEN_POLICY__LOAD_TIMEOUT", "1s")
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert_eq!(
                output.status.code(),
                Some(64),
                "{command}: {}",
                err(&output)
            );
            assert!(err(&output).contains(says), "{command}: {}", err(&output));
        }
    }
}

#[test]
fn what_can_differ_from_opa_is_a_warning_of_check() {
    let folder = folder(
        "package geowarden.authz\n\nallow if json.marshal(input.ogc) == \"{}\"\n",
        "",
    );
    let output = geowarden(folder.path(), &["check", "-c", "geowarden.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let told = out(&output);
    assert!(
        told.contains("warning: ") && told.contains("authz.rego:3:10: `json.marshal`"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_probe_needs_no_certificate_authorities() {
    let service = Service::with_policy(POLICY).await;
    let probe = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["healthcheck", "--admin", &service.admin])
        .env("SSL_CERT_FILE", "/nowhere.pem")
        .env("SSL_CERT_DIR", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(probe.status.code(), Some(0), "{}", err(&probe));
}

/// The service with its admin service on a Unix socket, which `geowarden.yaml` in its folder names.
async fn watched(policy: &str) -> Service {
    let folder = folder(policy, "");
    let file = folder.path().join("geowarden.yaml");
    let socket = folder.path().join("admin.sock");
    let admin = format!(
        "server: {{admin_grpc: {{address: 'unix:{}'}}, ",
        socket.display()
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("server: {", &admin)).unwrap();
    let config = crate::service::config(folder.path());
    Service::start(folder, config).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_told_to_people_and_to_programs() {
    let service = watched(POLICY).await;
    let told = geowarden(service.folder.path(), &["status", "-c", "geowarden.yaml"]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    for part in [
        "geowarden 0.2.0: ready\n",
        "snapshot  1, in force since ",
        "policy    geowarden/authz/allow, revision ",
        "reloads   0 succeeded, 0 failed\n",
    ] {
        assert!(out(&told).contains(part), "{part}: {}", out(&told));
    }
    assert!(!out(&told).contains('\u{1b}'), "colours in a pipe");
    let address = format!("unix:{}/admin.sock", service.folder.path().display());
    let told = geowarden(Path::new("/"), &["status", "--address", &address, "--json"]);
    let status: Value = serde_json::from_str(out(&told)).unwrap();
    assert_eq!(
        (&status["ready"], &status["snapshot"]["number"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(status["reloads"]["failing"], false);
    assert!(status["started"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn decisions_are_shown_as_they_are_made() {
    let service = watched(POLICY).await;
    let key = [("x-api-key", crate::service::OSGEO_KEY)];
    for (arguments, shows) in [
        (
            &["--path", "/collections/*"][..],
            " allow 200 GET /collections/obs/items  osgeo (api_key)  ",
        ),
        (
            &["--json", "--principal", "osgeo"],
            "\"path\":\"/collections/obs/items\"",
        ),
        (
            &["--outcome", "deny"],
            " deny  401 GET /collections  anonymous  ",
        ),
    ] {
        let mut tail = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["tail", "-c", "geowarden.yaml", "--count", "1"])
            .args(arguments)
            .current_dir(service.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(tail.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with("watching unix:/"), "{line}");
        let one = service.ask("GET", "/collections", &[]).await;
        let other = service
            .ask("GET", "/collections/obs/items?limit=1", &key)
            .await;
        let output = tail.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(
            out(&output).contains(shows),
            "{arguments:?}: {}",
            out(&output)
        );
        assert_eq!(out(&output).lines().count(), 1, "{}", out(&output));
        // `geowarden explain` takes the id.
        let ids = [one, other].map(|answer| answer.header("x-geowarden-decision-id").unwrap());
        let is_json = arguments.contains(&"--json");
        let has_id = |id: &String| {
            let shown = out(&output).trim_end();
            shown.ends_with(&format!("  {id}")) || is_json && shown.contains(id)
        };
        assert!(ids.iter().any(has_id), "{ids:?}: {}", out(&output));
    }
}

/// What `tail --explain` prints of one refusal, with the policy of the service or another one.
async fn tail_of_a_refusal(service: &Service, format: &[&str], policy: Option<&Path>) -> String {
    let folder = service.folder.path();
    let mut tail = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["tail", "--count", "1", "--explain", "--config"])
        .arg(folder.join("geowarden.yaml"))
        .args(format)
        .envs(policy.map(|policy| ("GEOWARDEN_POLICY__PATH", policy)))
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It says so as soon as it listens.
    let mut line = String::new();
    let mut stderr = BufReader::new(tail.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    service.ask("GET", "/collections/obs", &[]).await;
    out(&tail.wait_with_output().unwrap()).to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_explained_as_they_are_made() {
    let policy = "package geowarden.authz\n\nallow if {\n\tinput.ogc.collection == \"obs\"\n\tinput.identity.key_id == \"osgeo\"\n}\n";
    let service = watched(policy).await;
    let folder = service.folder.path();
    for (format, count, shows) in [
        (
            &[][..],
            5,
            "  misses policies/authz.rego:3 allow if {, 1 of 2 conditions hold\n    policies/authz.rego:5 input.identity.key_id == \"osgeo\"\n",
        ),
        (&["--json"], 1, "\"line\":5,"),
    ] {
        let told = tail_of_a_refusal(&service, format, None).await;
        let told = told.replace(&format!("{}/", folder.display()), "");
        assert!(told.contains(shows), "{told}");
        assert!(!told.contains("another one"), "{told}");
        assert_eq!(told.lines().count(), count, "{told}");
    }
    // Files that are not those of the service.
    let elsewhere = folder.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(
        elsewhere.join("authz.rego"),
        "package geowarden.authz\n\nallow if true\n",
    )
    .unwrap();
    let told = tail_of_a_refusal(&service, &[], Some(&elsewhere)).await;
    assert!(
        told.contains("  the policy here is another one: the decision is by revision ")
            && told.contains("  the policy here allows it\n"),
        "{told}"
    );
}

/// The first commands that users try in a fresh clone.
#[test]
fn a_folder_of_several_policies_is_tested_policy_by_policy() {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = geowarden(clone, &["test", "policies", "--verbose"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    for policy in ["default", "authenticated", "examples/company"] {
        let told = out(&output);
        assert!(told.contains(&format!("policies/{policy}: ")), "{told}");
    }
    let all = geowarden(clone, &["test", "policies", "--json"]);
    let all: Value = serde_json::from_str(out(&all)).unwrap();
    assert!(all["tests"].as_array().unwrap().len() >= 21, "{all}");
    // The packages of one policy are loaded together.
    let folder = folder("", "");
    let policy = folder.path().join("p");
    for (name, text) in [
        ("a/a.rego", "package a\n\nx := 1\n"),
        ("b/b_test.rego", "package b\n\ntest_x if data.a.x == 1\n"),
    ] {
        fs::create_dir_all(policy.join(name).parent().unwrap()).unwrap();
        fs::write(policy.join(name), text).unwrap();
    }
    assert_eq!(
        geowarden(folder.path(), &["test", "p"]).status.code(),
        Some(0)
    );
    // A policy that does not load alone is reported.
    fs::write(policy.join("a/a.rego"), "package a\n\nx :=\n").unwrap();
    let broken = geowarden(folder.path(), &["test", "p"]);
    assert_eq!(broken.status.code(), Some(64));
    assert!(err(&broken).contains("p/a"), "{}", err(&broken));
}

#[test]
fn files_are_tested_together_and_folders_separately() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.rego", "package a\n\nallow if data.limit > 1\n"),
        ("data.yaml", "limit: 2\n"),
        ("a_test.rego", "package a\n\ntest_x if allow\n"),
        (
            "one/a.rego",
            "package a\n\nallow := true\n\ntest_y if allow\n",
        ),
        (
            "two/a.rego",
            "package a\n\nallow := false\n\ntest_z if not allow\n",
        ),
    ] {
        let file = folder.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    for (paths, passed) in [
        (&["a.rego", "a_test.rego", "data.yaml"][..], "PASS: 1/1"),
        (
            &["one", "a_test.rego", "two", "a.rego", "data.yaml"],
            "PASS: 3/3",
        ),
    ] {
        let output = geowarden(folder.path(), &[&["test"], paths].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(out(&output).contains(passed), "{}", out(&output));
    }
}

#[test]
fn what_is_wrong_in_tests_is_told_beside_what_is_wrong_in_policies() {
    let folder = folder(POLICY, "");
    let policies = folder.path().join("policies");
    let write = |name: &str, text: &str| fs::write(policies.join(name), text).unwrap();
    write("a_test.rego", "package t\n\ntest_x if input.\n");
    write(
        "b_test.rego",
        "package t\n\ntest_y if startwith(\"ab\", \"a\")\n",
    );
    let check = || geowarden(folder.path(), &["check", "--policy", "policies"]);
    let in_tests = [
        "warning: policies/a_test.rego:4:1: ",
        "warning: policies/b_test.rego:3:11: ",
    ];
    let output = check();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    write("c.rego", "package c\n\nr if input.ogc.nothing == \"a\"\n");
    write("d.rego", "package d\n\nr if { input.ogc.\n");
    let broken = check();
    assert_eq!(broken.status.code(), Some(64));
    let told = format!("{}{}", out(&broken), err(&broken));
    for place in in_tests {
        assert!(out(&output).contains(place), "{place}: {}", out(&output));
        assert!(told.contains(place), "{place}: {told}");
    }
    for place in ["policies/c.rego:3:16: ", "error: policies/d.rego:"] {
        assert!(told.contains(place), "{place}: {told}");
    }
}

#[test]
fn files_of_opas_bundles_are_told_of() {
    let folder = folder(POLICY, "");
    let check = || geowarden(folder.path(), &["check", "-c", "geowarden.yaml"]);
    assert!(!out(&check()).contains("warning"), "{}", out(&check()));
    for name in [".signatures.json", ".manifest", "patch.json"] {
        fs::write(folder.path().join("policies").join(name), "{}").unwrap();
        let output = check();
        assert_eq!(output.status.code(), Some(0));
        let told = out(&output);
        assert!(
            told.contains(&format!("policies/{name} has no effect")),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_socket_is_for_its_user_and_group() {
    use std::os::unix::fs::PermissionsExt as _;

    for (more, mode) in [
        ("", 0o660),
        (", socket_mode: '0600'", 0o600),
        (", socket_mode: 0666", 0o666),
    ] {
        let folder = folder(POLICY, "");
        let socket = folder.path().join("authz.sock");
        let file = folder.path().join("geowarden.yaml");
        let text = fs::read_to_string(&file).unwrap();
        let grpc = format!("grpc: 'unix:{}'{more}", socket.display());
        fs::write(&file, text.replace("grpc: '127.0.0.1:0'", &grpc)).unwrap();
        let config = crate::service::config(folder.path());
        let _app = geowarden::app::App::bind(config).await.unwrap();
        let found = fs::metadata(&socket).unwrap().permissions().mode() & 0o777;
        assert_eq!(found, mode, "{found:o}");
    }
}

#[test]
fn pygeoapis_document_says_how_to_authenticate() {
    let folder = folder(POLICY, "");
    let path = folder.path();
    // Characters that cannot be seen stay as they are, on standard output too.
    let document = "openapi: 3.0.2\ninfo: {title: \"a\u{a0}b\u{200b}\"}\npaths: {}\n";
    fs::write(path.join("o.yml"), document).unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["openapi", "-c", "geowarden.yaml"], more, &["o.yml"]].concat();
        let output = geowarden(path, &arguments);
        (output.status.code(), out(&output).to_owned())
    };
    assert_eq!(run(&["--check"]), (Some(3), String::new()));
    let (code, shown) = run(&[]);
    assert_eq!(code, Some(0));
    assert!(
        shown.contains("ApiKey: {\"in\":\"header\",\"name\":\"x-api-key\""),
        "{shown}"
    );
    assert_eq!(run(&["--in-place"]), (Some(0), String::new()));
    assert_eq!(fs::read_to_string(path.join("o.yml")).unwrap(), shown);
    assert_eq!(run(&["--check"]), (Some(0), String::new()));
    // Without a configuration there is nothing to add.
    fs::write(path.join("o.yml"), document).unwrap();
    let alone = geowarden(path, &["openapi", "o.yml"]);
    assert_eq!(out(&alone), document);
    assert!(
        err(&alone).contains("no security scheme is added: name the file by --config"),
        "{}",
        err(&alone)
    );
    fs::write(path.join("o.yml"), "a: 1\n").unwrap();
    let faulty = geowarden(path, &["openapi", "-c", "geowarden.yaml", "o.yml"]);
    assert_eq!(faulty.status.code(), Some(64));
    assert!(
        err(&faulty).contains("expected an OpenAPI document"),
        "{}",
        err(&faulty)
    );
}

#[test]
fn pygeoapis_document_is_that_of_a_tenant() {
    let folder = folder(POLICY, "");
    let path = folder.path();
    let tenants = "tenants:\n  a:\n    hosts: [a.example]\n    policy: {}\n    authn: {api_keys: {file: keys.yaml, header: x-key-of-a}}\n  b:\n    hosts: [b.example]\n    policy: {}\n    authn: {jwt: [{issuer: 'https://b.example', audiences: [b]}]}\n";
    fs::write(path.join("tenants.yaml"), tenants).unwrap();
    fs::write(path.join("keys.yaml"), "[]\n").unwrap();
    let document = path.join("o.yml");
    fs::write(&document, "openapi: 3.0.2\ncomponents: []\n").unwrap();
    let run = |more: &[&str]| {
        let arguments = [&["openapi", "-c", "tenants.yaml"], more, &["o.yml"]].concat();
        geowarden(path, &arguments)
    };
    let faulty = run(&["--tenant", "a"]);
    assert_eq!(faulty.status.code(), Some(64));
    let told = "o.yml:2: expected `components` as a mapping, found a sequence: ";
    assert!(err(&faulty).contains(told), "{}", err(&faulty));
    fs::write(&document, "openapi: 3.0.2\n").unwrap();
    let of_a = run(&["--tenant", "a"]);
    assert_eq!(of_a.status.code(), Some(0), "{}", err(&of_a));
    assert!(out(&of_a).contains("x-key-of-a") && !out(&of_a).contains("Bearer"));
    let of_b = run(&["--tenant", "b"]);
    assert_eq!(of_b.status.code(), Some(0), "{}", err(&of_b));
    let discovery = "https://b.example/.well-known/openid-configuration";
    assert!(out(&of_b).contains(discovery) && !out(&of_b).contains("ApiKey"));
    for (more, told) in [
        (&[][..], "--tenant is needed: expected one of a, b"),
        (
            &["--tenant", "c"],
            "--tenant: expected one of a, b, found another name",
        ),
    ] {
        let missing = run(more);
        assert_eq!(missing.status.code(), Some(64));
        assert!(err(&missing).contains(told), "{}", err(&missing));
    }
}
