//! `geowarden init`: the written files work and pass their own tests, and no existing file is overwritten.

use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    thread,
};

use serde_json::{Value, json};
use tempfile::TempDir;

const PYGEOAPI: &str = "\
server: {bind: {host: 0.0.0.0, port: 5001}, url: 'https://maps.example.org/geo'}
resources:
  obs: {type: collection, providers: [{type: feature, editable: true}]}
  lake-levels: {type: collection, providers: [{type: feature}]}
  hello-world: {type: process}
";

const OPENAPI: &str = "openapi: 3.0.2\npaths: {}\n";

const POLICY: &str = r#"package httpapi.authz

default allow = false

allow {
    input.request_path[1] == "collections"
    input.company == "osgeo"
}

allow {
    input.request_path[2] == "lake-levels"
}
"#;

/// A folder with the files that a user has before `init`.
fn place() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("config.yml", PYGEOAPI);
    write("openapi.yml", OPENAPI);
    write("secret", "browser-secret\n");
    write("auth.rego", POLICY);
    write(
        "keys.env",
        "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=pygeoapi\nDEV_FASTGEOAPI_CONTEXT=/geo\n",
    );
    write(
        "opa.env",
        "ENV_STATE=dev\nDEV_OPA_ENABLED=true\nDEV_OPA_URL=http://localhost:8181\nDEV_OIDC_WELL_KNOWN_ENDPOINT=https://idp.example/.well-known/openid-configuration\nDEV_FASTGEOAPI_CONTEXT=/geo\n",
    );
    folder
}

fn geowarden(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn passes(folder: &Path, arguments: &[&str]) -> String {
    let output = geowarden(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is said on standard error by a command that its user has to change.
fn fails(folder: &Path, arguments: &[&str]) -> String {
    let output = geowarden(folder, arguments);
    assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn init(folder: &Path, more: &[&str]) -> Value {
    let common = ["init", "maps", "--pygeoapi", "config.yml", "--json"];
    // Containers make the document themselves.
    let is_in_containers = more.contains(&"compose") || more.contains(&"kubernetes");
    let document: &[&str] = if is_in_containers {
        &[]
    } else {
        &["--openapi", "openapi.yml"]
    };
    let arguments = [&common[..], document, more].concat();
    serde_json::from_str(&passes(folder, &arguments)).unwrap()
}

fn written(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join("maps").join(name)).unwrap()
}

/// Starts an issuer that answers with its metadata until the process ends.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let metadata = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/keys"),
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
    })
    .to_string();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && connection.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            let length = metadata.len();
            write!(
                connection,
                "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{metadata}"
            )
            .unwrap();
        }
    });
    issuer
}

/// The exit code and the decision of `eval` for a request.
fn decision(folder: &Path, more: &[&str], target: &str) -> (Option<i32>, String) {
    let common = ["eval", "--config", "maps/geowarden.yaml"];
    let output = geowarden(folder, &[&common[..], more, &[target]].concat());
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), told)
}

fn starts_and_passes_its_tests(folder: &Path, test: &[&str]) {
    passes(folder, &["check", "--config", "maps/geowarden.yaml"]);
    let told = passes(folder, &[&["test"], test, &["maps/policies"]].concat());
    assert!(told.contains("PASS"), "{told}");
}

#[test]
fn keys_and_tokens_start_and_pass_their_tests() {
    let issuer = issuer();
    let tokens = ["--issuer", &issuer, "--audience", "urn:maps"];
    let login = [
        &tokens[..],
        &["--client-id", "browser", "--client-secret-file", "secret"],
        &["--scope", "read", "--scope", "more"],
    ]
    .concat();
    for (mode, more) in [("api-key", &[][..]), ("jwt", &tokens), ("oidc", &login)] {
        let folder = place();
        let path = folder.path();
        let made = init(path, &[&["--mode", mode], more].concat());
        starts_and_passes_its_tests(path, &[]);
        let target = "/geo/collections/lake-levels/items";
        let (code, told) = decision(path, &["--key-id", "reader"], target);
        assert_eq!(code, Some(0), "{mode}: {told}");
        let (code, told) = decision(path, &[], target);
        assert_eq!(code, Some(2), "{mode}: {told}");
        assert!(told.contains("401"), "{mode}: {told}");

        let key = made["key"].as_str().unwrap();
        assert!(key.starts_with("gw_"), "{made}");
        for file in made["files"].as_array().unwrap() {
            let text = written(path, file.as_str().unwrap());
            assert!(!text.contains(key), "{file} holds the key");
        }
        assert_eq!(made["commands"].as_array().unwrap().len(), 3, "{made}");
        assert!(
            made["commands"][0]
                .as_str()
                .unwrap()
                .contains("SCRIPT_NAME=/geo "),
            "{made}"
        );
        let envoy = written(path, "envoy.yaml");
        assert!(
            envoy.contains("{address: 127.0.0.1, port_value: 5001}"),
            "{envoy}"
        );
        assert!(!envoy.contains("idp.example"), "{envoy}");
        let document = written(path, "openapi.yml");
        assert!(document.contains("ApiKey"), "{document}");
        assert_eq!(
            document.contains("OpenIDConnect"),
            mode != "api-key",
            "{document}"
        );
        if mode == "oidc" {
            assert!(
                envoy.contains("[\"openid\",\"offline_access\",\"read\",\"more\"]"),
                "{envoy}"
            );
            assert!(envoy.contains("resources: [\"urn:maps\"]"), "{envoy}");
            assert!(written(path, "oauth2/token.yaml").contains("\"browser-secret\""));
            let said = made.to_string();
            assert!(said.contains("http://127.0.0.1:8080/callback"), "{said}");
            assert!(said.contains("in a browser"), "{said}");
        }
    }
}

#[test]
fn what_fastgeoapi_did_starts_and_passes_its_tests() {
    let folder = place();
    let path = folder.path();
    init(path, &["--mode", "fastgeoapi", "--env-file", "keys.env"]);
    starts_and_passes_its_tests(path, &[]);
    let (code, told) = decision(
        path,
        &["-H", "x-api-key: pygeoapi"],
        "/geo/collections/obs/items",
    );
    assert_eq!(code, Some(0), "{told}");
    assert!(!written(path, "api-keys.yaml").contains("pygeoapi\""));

    let folder = place();
    let path = folder.path();
    let said = refused(
        path,
        &[
            "--mode",
            "fastgeoapi",
            "--env-file",
            "keys.env",
            "--policy",
            "auth.rego",
        ],
    );
    assert!(said.contains("only where OPA_ENABLED is on"), "{said}");
    let opa = ["--mode", "fastgeoapi", "--env-file", "opa.env"];
    let refused = geowarden(
        path,
        &[&["init", "maps", "--pygeoapi", "config.yml"], &opa[..]].concat(),
    );
    assert_eq!(refused.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--policy"));

    let made = init(path, &[&opa[..], &["--policy", "auth.rego"]].concat());
    starts_and_passes_its_tests(path, &["--v0-compatible"]);
    assert_eq!(made["key"], Value::Null);
    // `init` prints what the policy allows to everybody, and the tests check it.
    assert!(
        made["notes"]
            .to_string()
            .contains("opens to everybody: lake-levels"),
        "{made}"
    );
    // The example is a page that the policy does not open.
    assert!(
        made["requests"][0]
            .as_str()
            .unwrap()
            .ends_with("/geo/collections/obs/items   # 401"),
        "{made}"
    );
    let tests = written(path, "policies/authz_test.rego");
    assert!(
        tests.contains("open := {\"lake-levels\"}") && tests.contains("closed := {\"obs\"}"),
        "{tests}"
    );
}

#[test]
fn the_tests_find_a_typing_error_and_an_open_collection() {
    let folder = place();
    let path = folder.path();
    init(path, &[]);
    let roles = path.join("maps/policies/data.yaml");
    let before = fs::read_to_string(&roles).unwrap();
    for (from, to, test) in [
        (
            "anonymous: {}",
            "anonymous: {read: [obs]}",
            "test_nobody_else_reads_one",
        ),
        (
            "\"lake-levels\"",
            "\"lake-level\"",
            "test_roles_name_only_what_there_is",
        ),
    ] {
        fs::write(&roles, before.replace(from, to)).unwrap();
        let output = geowarden(path, &["test", "maps/policies"]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains(test), "{told}");
    }
}

#[test]
fn all_addresses_of_both_kinds_can_be_listened_on() {
    for (listen, expected) in [
        (
            "[::]:8081",
            r#"{address: "::", port_value: 8081, ipv4_compat: true}"#,
        ),
        ("[::1]:8081", r#"{address: "::1", port_value: 8081}"#),
    ] {
        let folder = place();
        init(folder.path(), &["--listen", listen]);
        let envoy = written(folder.path(), "envoy.yaml");
        assert!(envoy.contains(expected), "{envoy}");
        passes(folder.path(), &["check", "--envoy", "maps/envoy.yaml"]);
    }
}

/// The text with this line in the place of the one that starts so, and of what belongs to that.
fn with_line(text: &str, start: &str, line: &str) -> String {
    assert!(text.lines().any(|old| old.starts_with(start)), "{start}");
    let mut is_inside = false;
    let lines = text.lines().filter_map(|old| {
        if old.starts_with(start) {
            is_inside = true;
            return Some(line);
        }
        is_inside = is_inside && old.starts_with("    ");
        (!is_inside).then_some(old)
    });
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The edits of docs/linux.md: each passes the tests once both files say it.
#[test]
fn a_documented_change_of_the_roles_passes_its_tests() {
    let folder = place();
    let path = folder.path();
    init(path, &[]);
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/linux.md")).unwrap();
    let rows = page.lines().filter(|line| line.contains(" := {"));
    let rows: Vec<Vec<&str>> = rows
        .map(|row| row.split('`').skip(1).step_by(2).collect())
        .collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    for row in rows {
        let (role, set) = (row[row.len() - 2], row[row.len() - 1]);
        let (name, rights) = role.split_once(": ").unwrap();
        for (file, line, start) in [
            (
                "data.yaml",
                format!("  {name}: {rights}"),
                format!("  {name}:"),
            ),
            (
                "authz_test.rego",
                set.to_owned(),
                format!("{} :=", set.split_once(" :=").unwrap().0),
            ),
        ] {
            let file = path.join("maps/policies").join(file);
            let text = fs::read_to_string(&file).unwrap();
            fs::write(&file, with_line(&text, &start, &line)).unwrap();
            // Alone it says something else than the other file.
            if file.ends_with("data.yaml") && name != "editor" {
                let output = geowarden(path, &["test", "maps/policies"]);
                assert_eq!(output.status.code(), Some(1), "{role}");
            }
        }
        passes(path, &["test", "maps/policies"]);
    }
}

#[test]
fn a_file_that_is_there_stays_and_nothing_else_is_written() {
    let folder = place();
    let path = folder.path();
    fs::create_dir(path.join("maps")).unwrap();
    fs::write(path.join("maps/envoy.yaml"), "mine").unwrap();
    let arguments = [
        "init",
        "maps",
        "--pygeoapi",
        "config.yml",
        "--openapi",
        "openapi.yml",
    ];
    let told = fails(path, &arguments);
    assert!(told.contains("maps/envoy.yaml"), "{told}");
    assert_eq!(fs::read_dir(path.join("maps")).unwrap().count(), 1);
    assert_eq!(written(path, "envoy.yaml"), "mine");
}

#[test]
fn what_cannot_start_is_not_written() {
    let folder = place();
    let path = folder.path();
    for (text, says) in [
        ("resources: {a/items: {type: collection}}", "a/items"),
        ("a: 1", "`resources`"),
        ("resources: {a: [}", "config.yml:1"),
    ] {
        fs::write(path.join("config.yml"), text).unwrap();
        let told = fails(path, &["init", "maps", "--pygeoapi", "config.yml"]);
        assert!(told.contains(says), "{told}");
        assert!(!path.join("maps").exists(), "{text}");
    }
    let output = geowarden(
        path,
        &["init", "maps", "--pygeoapi", "config.yml", "--mode", "jwt"],
    );
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--issuer"));
}

#[test]
fn each_place_has_its_files_and_commands() {
    for (place_name, file, command) in [
        ("host", "openapi.yml", "envoy --config-path"),
        ("compose", "compose.yaml", "docker compose"),
        ("kubernetes", "kustomization.yaml", "kubectl apply -k"),
    ] {
        let folder = place();
        let made = init(folder.path(), &["--for", place_name]);
        let files = made["files"].to_string();
        assert!(files.contains(file), "{place_name}: {files}");
        let commands = made["commands"].as_array().unwrap();
        assert_eq!(commands.len(), 3, "{place_name}");
        assert!(made["commands"].to_string().contains(command), "{made}");
        let told = passes(folder.path(), &["test", "maps/policies"]);
        assert!(told.contains("PASS"), "{told}");
    }
    // A service cannot see /tmp, since its unit has `PrivateTmp=`.
    let folder = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
    fs::write(folder.path().join("config.yml"), PYGEOAPI).unwrap();
    let arguments = [
        "init",
        "maps",
        "--pygeoapi",
        "config.yml",
        "--for",
        "systemd",
    ];
    let told = fails(folder.path(), &arguments);
    assert!(told.contains("/etc/geowarden will do"), "{told}");
}

/// A folder that services can see, and its `init --for systemd`, with what else is on the PATH.
fn for_systemd(mode: u32, path: &str) -> (TempDir, Value) {
    let folder = tempfile::Builder::new().tempdir_in("/dev/shm").unwrap();
    let config = folder.path().join("config.yml");
    fs::write(&config, PYGEOAPI).unwrap();
    fs::set_permissions(&config, Permissions::from_mode(mode)).unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    let envoy = folder.path().join("bin/envoy");
    fs::write(&envoy, "").unwrap();
    fs::set_permissions(&envoy, Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["init", "maps", "--pygeoapi", "config.yml", "--json"])
        .args(["--for", "systemd"])
        .current_dir(folder.path())
        .env(
            "PATH",
            path.replace("HERE", &folder.path().display().to_string()),
        )
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    (folder, serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn services_find_envoy_and_can_read_what_they_need() {
    let (folder, made) = for_systemd(0o600, "HERE/bin");
    let file = folder.path().join("config.yml").display().to_string();
    let notes = made["notes"].to_string();
    let change = format!("sudo chgrp geowarden {file} && sudo chmod g+r {file}");
    assert!(notes.contains(&change), "{notes}");
    let text = written(folder.path(), "geowarden.yaml");
    let log = &geowarden_yaml::Document::parse(&text).unwrap().value["decision_log"];
    let expected = json!({"decisions": "all", "output": "stderr", "input": "none"});
    assert_eq!(*log, expected, "{text}");
    let unit = written(folder.path(), "systemd/geowarden-envoy.service");
    let start = format!(
        "ExecStart={}/bin/envoy --config-path",
        folder.path().display()
    );
    assert!(unit.contains(&start), "{unit}");
    assert!(!notes.contains("install Envoy"), "{notes}");
    // Nothing of init's starts pygeoapi as a service.
    let start = "--forwarder-headers X-None pygeoapi.flask_app:APP";
    assert!(notes.contains(start), "{notes}");

    let (_folder, made) = for_systemd(0o644, "/nowhere");
    let notes = made["notes"].to_string();
    assert!(!notes.contains("chgrp"), "{notes}");
    assert!(notes.contains("install Envoy for all users"), "{notes}");

    // Only what init has made gets another owner.
    let (folder, _) = for_systemd(0o644, "/nowhere");
    let path = folder.path();
    fs::remove_dir_all(path.join("maps/policies")).unwrap();
    fs::rename(path.join("maps"), path.join("made")).unwrap();
    fs::create_dir(path.join("maps")).unwrap();
    fs::write(path.join("maps/site"), "").unwrap();
    let arguments = [
        "init",
        "maps",
        "--pygeoapi",
        "config.yml",
        "--for",
        "systemd",
    ];
    let told = passes(path, &arguments);
    let own = told.lines().find(|line| line.contains("chown")).unwrap();
    assert!(
        own.contains("/maps/geowarden.yaml") && own.contains("/maps/policies"),
        "{own}"
    );
    assert!(
        !own.split(' ')
            .any(|word| word.ends_with("/maps") || word.ends_with("/site")),
        "{own}"
    );
    let arguments = [
        "init",
        "my maps",
        "--pygeoapi",
        "config.yml",
        "--for",
        "systemd",
    ];
    let told = fails(path, &arguments);
    assert!(
        told.contains("without spaces") && !path.join("my maps").exists(),
        "{told}"
    );

    // A configuration that services do not see is left out, which is told.
    let hidden = tempfile::Builder::new().tempdir_in("/tmp").unwrap();
    fs::write(hidden.path().join("config.yml"), PYGEOAPI).unwrap();
    let seen = tempfile::Builder::new().tempdir_in("/dev/shm").unwrap();
    let maps = seen.path().join("maps").display().to_string();
    let arguments = [
        "init",
        &maps,
        "--pygeoapi",
        "config.yml",
        "--for",
        "systemd",
    ];
    let told = passes(hidden.path(), &arguments);
    assert!(told.contains("`pygeoapi.config` is not set"), "{told}");
}

#[test]
fn the_document_that_is_made_later_is_the_one_that_pygeoapi_reads() {
    let folder = place();
    let path = folder.path();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["init", "maps", "--pygeoapi", "config.yml", "--json"])
        .current_dir(path)
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    let notes = made["notes"].as_array().unwrap().iter();
    let note = notes
        .filter_map(Value::as_str)
        .find(|note| note.contains("openapi.yml was not"));
    let commands: Vec<&str> = note.unwrap().split('`').skip(1).step_by(2).collect();
    let document = path.join("maps/openapi.yml").display().to_string();
    assert!(
        commands[0].ends_with(&format!("--output-file {document}")),
        "{commands:?}"
    );
    assert!(
        made["commands"][0].as_str().unwrap().contains(&document),
        "{made}"
    );
    fs::write(&document, OPENAPI).unwrap();
    let words: Vec<&str> = commands[1].split(' ').skip(1).collect();
    passes(Path::new("/"), &words);
    assert!(written(path, "openapi.yml").contains("ApiKey"));
}

#[test]
fn every_container_can_read_the_files_of_whoever_wrote_them() {
    let folder = place();
    init(folder.path(), &["--for", "compose"]);
    let text = written(folder.path(), "compose.yaml");
    let compose = geowarden_yaml::Document::parse(&text).unwrap().value;
    let owner = format!(
        "{}:{}",
        rustix::process::getuid().as_raw(),
        rustix::process::getgid().as_raw()
    );
    let services = compose["services"].as_object().unwrap();
    let readers = services.iter().filter(|(_, service)| {
        let volumes = service["volumes"].to_string();
        volumes.contains("/etc/geowarden:ro") || volumes.contains("/etc/envoy/envoy.yaml:ro")
    });
    assert_eq!(readers.clone().count(), 3, "{text}");
    for (name, service) in readers {
        let reads_all = service["cap_add"] == json!(["DAC_READ_SEARCH"]);
        assert!(
            service["user"] == json!(owner) || reads_all,
            "{name}: {service}"
        );
    }
}

#[test]
fn pygeoapi_s_containers_do_not_see_the_keys() {
    let folder = place();
    init(folder.path(), &["--for", "compose"]);
    let text = written(folder.path(), "compose.yaml");
    let compose = geowarden_yaml::Document::parse(&text).unwrap().value;
    let keys = folder.path().canonicalize().unwrap().join("maps");
    let hidden = json!({"type": "tmpfs", "target": keys});
    for service in ["openapi", "pygeoapi"] {
        let volumes = compose["services"][service]["volumes"].as_array().unwrap();
        assert_eq!(volumes[1], hidden, "{service}: {text}");
    }
    assert!(!text.contains("HIDDEN"), "{text}");
    let arguments = ["init", ".", "--pygeoapi", "config.yml", "--for", "compose"];
    let output = geowarden(folder.path(), &arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(told.contains("expected a folder of its own"), "{told}");
}

/// `SCRIPT_NAME` is for whoever starts pygeoapi; pygeoapi adds `url_prefix` by itself.
#[test]
fn a_pygeoapi_below_a_path_is_asked_below_it_once() {
    let folder = place();
    let path = folder.path();
    let below = |server: &str| {
        let (_, resources) = PYGEOAPI.split_once('\n').unwrap();
        fs::write(
            path.join("config.yml"),
            format!("server: {server}\n{resources}"),
        )
        .unwrap();
        let mut all = Vec::new();
        for place in ["host", "compose", "kubernetes"] {
            let made = init(path, &["--for", place]);
            assert!(made["url"].as_str().unwrap().ends_with("/v1"), "{made}");
            let text = written(path, "geowarden.yaml");
            let settings = geowarden_yaml::Document::parse(&text).unwrap().value;
            all.push(
                settings["pygeoapi"]["base_path"]
                    .as_str()
                    .unwrap()
                    .to_owned(),
            );
            all.push(match place {
                "host" => made["commands"][0].as_str().unwrap().to_owned(),
                "compose" => written(path, "compose.yaml"),
                _ => written(path, "pygeoapi/path-patch.yaml"),
            });
            fs::remove_dir_all(path.join("maps")).unwrap();
        }
        all
    };
    let [base, command, _, compose, _, pod] = below(
        "{url: 'https://maps.example/geo', api_rules: {api_version: 1.2.3, url_prefix: 'v{api_major}'}}",
    )
    .try_into()
    .unwrap();
    assert_eq!(base, "/geo/v1");
    assert!(command.contains(" SCRIPT_NAME=/geo gunicorn"), "{command}");
    for text in [compose, pod] {
        assert!(text.contains("127.0.0.1:5000/geo/v1/conformance"), "{text}");
        assert!(!text.contains("\"/geo/v1\""), "{text}");
        assert!(text.contains("\"/geo\""), "{text}");
    }
    let [base, command, _, compose, _, pod] =
        below("{url: 'https://maps.example/', api_rules: {url_prefix: /v1/}}")
            .try_into()
            .unwrap();
    assert_eq!(base, "/v1");
    assert!(!command.contains("SCRIPT_NAME"), "{command}");
    for text in [compose, pod] {
        assert!(text.contains("127.0.0.1:5000/v1/conformance"), "{text}");
        assert!(!text.contains("\"/v1\""), "{text}");
    }
}

#[test]
fn links_that_lead_around_envoy_are_told() {
    let folder = place();
    let path = folder.path();
    let keys = ["--mode", "fastgeoapi", "--env-file", "keys.env"];
    for (url, more, is_told) in [
        ("http://localhost:8080", &[][..], false),
        ("https://maps.example.org", &[], false),
        ("http://127.0.0.1:5000", &[], true),
        ("http://localhost:8080/geo", &keys, false),
        ("http://localhost:8080", &keys, true),
    ] {
        let (_, resources) = PYGEOAPI.split_once('\n').unwrap();
        let text = format!("server: {{url: '{url}'}}\n{resources}");
        fs::write(path.join("config.yml"), text).unwrap();
        let notes = init(path, more)["notes"].to_string();
        assert_eq!(
            notes.contains("links begin with http"),
            is_told,
            "{url}: {notes}"
        );
        fs::remove_dir_all(path.join("maps")).unwrap();
    }
}

/// A container has what it needs, and no more.
#[test]
fn envoy_sees_its_own_files_alone() {
    let issuer = issuer();
    let login = [
        &["--mode", "oidc", "--issuer", &issuer, "--audience", "maps"][..],
        &["--client-id", "browser", "--client-secret-file", "secret"],
    ]
    .concat();
    let bootstrap = "./envoy.yaml:/etc/envoy/envoy.yaml:ro";
    for (mode, expected) in [
        (&[][..], json!([bootstrap])),
        (&login, json!([bootstrap, "./oauth2:/etc/envoy/oauth2:ro"])),
    ] {
        let folder = place();
        init(folder.path(), &[&["--for", "compose"], mode].concat());
        let text = written(folder.path(), "compose.yaml");
        let compose = geowarden_yaml::Document::parse(&text).unwrap().value;
        assert_eq!(compose["services"]["envoy"]["volumes"], expected, "{text}");
    }
}

/// What a refused `init` says.
fn refused(folder: &Path, more: &[&str]) -> String {
    let common = ["init", "maps", "--pygeoapi", "config.yml"];
    let told = fails(folder, &[&common[..], more].concat());
    assert!(!folder.join("maps").exists(), "{more:?}");
    told
}

#[test]
fn an_option_without_effect_is_refused() {
    let folder = place();
    let jwt = ["--issuer", "https://idp.example", "--audience", "a"];
    for (more, says) in [
        (&jwt[..], "--issuer: has an effect only with --mode jwt"),
        (&["--audience", "a"], "--audience"),
        (&["--client-id", "a"], "--client-id"),
        (&["--scope", "a"], "--scope"),
        (&["--policy", "auth.rego"], "--policy"),
        (&["--env-file", "keys.env"], "--env-file"),
        (
            &["--for", "compose", "--openapi", "openapi.yml"],
            "--openapi",
        ),
        (
            &["--for", "compose", "--backend", "starlette"],
            "--backend starlette",
        ),
    ] {
        let told = refused(folder.path(), more);
        assert!(told.contains(says), "{told}");
    }
    // uvicorn has no setting for a path below which pygeoapi answers.
    let told = refused(folder.path(), &["--backend", "starlette"]);
    assert!(told.contains("/geo in the path of `server.url`"), "{told}");
    let bad = ["--mode", "jwt", "--issuer", "idp", "--audience", "a"];
    let told = refused(folder.path(), &bad);
    assert!(
        told.contains("--issuer: ") && !told.contains("geowarden.yaml"),
        "{told}"
    );
    let output = geowarden(
        folder.path(),
        &[
            "init",
            "maps",
            "--pygeoapi",
            "config.yml",
            "--listen",
            "localhost:8080",
        ],
    );
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        !output.status.success() && told.contains("expected an IP address and a port"),
        "{told}"
    );
}

#[test]
fn two_programs_never_share_an_address() {
    let folder = place();
    let path = folder.path();
    let on_port = |port: u16| {
        let text = PYGEOAPI.replace("port: 5001", &format!("port: {port}"));
        fs::write(path.join("config.yml"), text).unwrap();
    };
    for listen in [
        "127.0.0.1:5001",
        "0.0.0.0:5001",
        "127.0.0.1:9901",
        "127.0.0.1:9191",
        "0.0.0.0:9193",
    ] {
        let told = refused(path, &["--listen", listen]);
        let (_, port) = listen.split_once(':').unwrap();
        assert!(
            told.contains(&format!("--listen {listen}")) && told.contains(port),
            "{told}"
        );
        assert!(!told.contains("socket_address"), "{told}");
    }
    for port in [9191, 9192, 9193, 9901] {
        on_port(port);
        let told = refused(path, &[]);
        assert!(
            told.contains(&format!("`server.bind.port` is {port}")),
            "{told}"
        );
    }
    // The default of one is free where it is given to the other.
    on_port(8080);
    assert!(refused(path, &[]).contains("pygeoapi uses the port 8080"));
    init(path, &["--listen", "127.0.0.1:5000"]);
    let envoy = written(path, "envoy.yaml");
    for address in [
        "{address: 127.0.0.1, port_value: 5000}",
        "{address: 127.0.0.1, port_value: 8080}",
    ] {
        assert_eq!(envoy.matches(address).count(), 1, "{envoy}");
    }
}

#[test]
fn the_request_to_try_and_the_notes_fit_what_there_is() {
    let folder = place();
    let path = folder.path();
    let outside = tempfile::tempdir().unwrap();
    let data = outside.path().join("lakes.gpkg");
    fs::write(&data, "").unwrap();
    let data = fs::canonicalize(data).unwrap().display().to_string();
    let text = format!(
        "server: {{bind: {{host: 0.0.0.0, port: 5000}}}}\nresources:\n  heights: {{type: collection, providers: [{{type: coverage}}]}}\n  lakes: {{type: collection, providers: [{{type: feature, data: {data}, password: '${{DB_PASSWORD:-x}}'}}]}}\n"
    );
    fs::write(path.join("config.yml"), &text).unwrap();
    let made = init(path, &["--for", "compose", "--listen", "0.0.0.0:8080"]);
    assert!(
        made["requests"]
            .to_string()
            .contains("/collections/lakes/items"),
        "{made}"
    );
    let notes = made["notes"].to_string();
    for part in [
        data.as_str(),
        "${DB_PASSWORD}",
        "clear text",
        "around Envoy",
    ] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    fs::remove_dir_all(path.join("maps")).unwrap();
    let odd = text.replace("  lakes:", "  \"it's mine\":");
    fs::write(path.join("config.yml"), odd).unwrap();
    let requests = init(path, &[])["requests"].to_string();
    assert!(
        requests.contains("/collections/it%27s%20mine/items "),
        "{requests}"
    );
    fs::remove_dir_all(path.join("maps")).unwrap();
    let coverage = text.replace("type: feature", "type: coverage");
    fs::write(path.join("config.yml"), coverage).unwrap();
    let made = init(path, &[]);
    assert!(
        made["requests"]
            .to_string()
            .contains("/collections/heights "),
        "{made}"
    );
    let notes = made["notes"].to_string();
    assert!(
        !notes.contains("DB_PASSWORD") && !notes.contains("clear text"),
        "{notes}"
    );
}

#[test]
fn the_log_of_decisions_is_that_of_the_place() {
    for (place, log) in [
        (
            "host",
            json!({"decisions": "all", "output": "stderr", "input": "none"}),
        ),
        (
            "compose",
            json!({"decisions": "all", "output": "stdout", "input": "none"}),
        ),
        (
            "kubernetes",
            json!({"decisions": "denied", "output": "stdout", "input": "none"}),
        ),
    ] {
        let folder = self::place();
        init(folder.path(), &["--for", place]);
        let text = written(folder.path(), "geowarden.yaml");
        let document = geowarden_yaml::Document::parse(&text).unwrap();
        assert_eq!(document.value["decision_log"], log, "{place}: {text}");
    }
}

#[test]
fn a_short_key_of_fastgeoapi_is_told() {
    let folder = place();
    let path = folder.path();
    let notes = |made: &Value| made["notes"].to_string();
    let made = init(path, &["--mode", "fastgeoapi", "--env-file", "keys.env"]);
    let told = "DEV_PYGEOAPI_KEY_GLOBAL: expected a key of at least 16 characters";
    assert!(notes(&made).contains(told), "{made}");
    fs::remove_dir_all(path.join("maps")).unwrap();
    let env = fs::read_to_string(path.join("keys.env")).unwrap();
    let env = env.replace("GLOBAL=pygeoapi", "GLOBAL=c0ffee-c0ffee-16");
    fs::write(path.join("keys.env"), env).unwrap();
    let made = init(path, &["--mode", "fastgeoapi", "--env-file", "keys.env"]);
    assert!(!notes(&made).contains("characters"), "{made}");
}

#[test]
fn a_database_that_a_container_does_not_reach_is_told() {
    let provider = |data: &str| {
        format!(
            "server: {{bind: {{port: 5000}}}}\nresources:\n  lakes: {{type: collection, providers: [{{type: feature, name: X, data: {data}}}]}}\n"
        )
    };
    let told = "a database on localhost for lakes: in a container";
    for (data, is_local) in [
        ("{host: localhost, dbname: maps}", true),
        ("{host: 127.0.0.1, port: 5432}", true),
        ("{host: '::1'}", true),
        ("'http://localhost:9200/lakes'", true),
        ("'mongodb://127.0.0.1:27017/maps'", true),
        ("{host: db.example, dbname: localhost}", false),
        ("'http://search:9200/localhost'", false),
        ("localhost.csv", false),
    ] {
        for (place, is_container) in [("compose", true), ("kubernetes", true), ("host", false)] {
            let folder = self::place();
            fs::write(folder.path().join("config.yml"), provider(data)).unwrap();
            let notes = init(folder.path(), &["--for", place])["notes"].to_string();
            assert_eq!(
                notes.contains(told),
                is_local && is_container,
                "{data} {place}: {notes}"
            );
        }
    }
}

#[test]
fn an_issuer_that_a_container_does_not_reach_is_told() {
    for (issuer, is_local) in [
        ("http://localhost:8180/realms/maps", true),
        ("https://idp.example/realms/maps", false),
    ] {
        for (place, is_container) in [("compose", true), ("kubernetes", true), ("host", false)] {
            let folder = self::place();
            let tokens = ["--mode", "jwt", "--issuer", issuer, "--audience", "maps"];
            let made = init(folder.path(), &[&tokens[..], &["--for", place]].concat());
            let notes = made["notes"].to_string();
            assert_eq!(
                notes.contains("in a container means the container"),
                is_local && is_container,
                "{issuer} {place}: {notes}"
            );
            let requests = made["requests"].to_string();
            assert!(
                requests.contains("Authorization: Bearer $TOKEN") && requests.contains(issuer),
                "{requests}"
            );
        }
    }
}
