//! `geowarden check` finds errors that would otherwise only appear when the service runs.

use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use serde_json::{Value, json};

use crate::{
    admin_grpc::{ISSUER, jwks},
    service::folder,
};

const POLICY: &str = "package geowarden.authz\n\nallow if input.identity.method == \"api_key\"\n";

fn check(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["check", "--config", "geowarden.yaml"])
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    let told = [stdout, stderr].concat();
    (status.code(), String::from_utf8(told).unwrap())
}

fn configured(more: &str) -> tempfile::TempDir {
    folder(POLICY, more)
}

#[test]
fn nothing_is_told_of_what_is_good() {
    let folder = configured("");
    let (code, told) = check(folder.path(), &[], &[]);
    assert!(
        told.starts_with("ok: ") && told.lines().count() == 1,
        "{told}"
    );
    assert_eq!(code, Some(0));
}

/// The same files have the same revision, however their place is written.
#[test]
fn a_revision_does_not_depend_on_where_the_files_are() {
    let folder = configured("");
    let inner = folder.path().join("policies/inner");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("more.rego"), "package more\n\na := 1\n").unwrap();
    let revision = |from: &Path, file: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["check", "--json", "--config"])
            .arg(file)
            .current_dir(from)
            .output()
            .unwrap();
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        told["policy_revision"].as_str().unwrap().to_owned()
    };
    let name = folder.path().file_name().unwrap();
    let from_inside = revision(folder.path(), Path::new("geowarden.yaml"));
    let absolute = folder.path().join("geowarden.yaml");
    assert_eq!(revision(folder.path(), &absolute), from_inside);
    let above = folder.path().parent().unwrap();
    let relative = Path::new(name).join("geowarden.yaml");
    assert_eq!(revision(above, &relative), from_inside);
    fs::rename(inner.join("more.rego"), inner.join("other.rego")).unwrap();
    assert_ne!(revision(above, &relative), from_inside);
}

#[test]
fn a_file_of_keys_that_others_can_read_is_a_warning() {
    let folder = configured("");
    let keys = folder.path().join("api-keys.yaml");
    fs::set_permissions(keys, Permissions::from_mode(0o644)).unwrap();
    let (code, told) = check(folder.path(), &[], &[]);
    assert!(
        told.contains("expected the mode 0640") && told.contains("found 0644"),
        "{told}"
    );
    assert_eq!(code, Some(0));
}

#[test]
fn a_variable_with_one_underscore_too_few_is_a_fault() {
    let folder = configured("");
    let variables = [
        ("GEOWARDEN_POLICY_PATH", "elsewhere"),
        ("GEOWARDEN_PORT", "tcp://1"),
    ];
    let (code, told) = check(folder.path(), &[], &variables);
    assert!(
        told.contains("GEOWARDEN_POLICY__PATH") && told.lines().count() == 1,
        "{told}"
    );
    assert_eq!(code, Some(64));
}

#[test]
fn a_port_for_everybody_without_tls_is_a_warning() {
    let folder = configured("");
    let variables = [("GEOWARDEN_SERVER__GRPC", "0.0.0.0:0")];
    let (code, told) = check(folder.path(), &[], &variables);
    assert!(told.contains("without TLS"), "{told}");
    assert_eq!(code, Some(0));
}

#[test]
fn an_address_of_another_process_is_a_fault() {
    let folder = configured("");
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = other.local_addr().unwrap().to_string();
    let variables = [("GEOWARDEN_SERVER__GRPC", address.as_str())];
    let (code, told) = check(folder.path(), &[], &variables);
    assert!(told.contains("another process listens there"), "{told}");
    assert_eq!(code, Some(64));
}

/// Each address is judged alone: one of geowarden's own says nothing of the others.
#[test]
fn a_running_geowarden_is_told_from_another_process() {
    let folder = configured("");
    let free = || {
        let one = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        one.local_addr().unwrap().to_string()
    };
    let (grpc, admin, other_admin) = (free(), free(), free());
    let mut running = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["serve", "--config", "geowarden.yaml"])
        .env("GEOWARDEN_SERVER__GRPC", &grpc)
        .env("GEOWARDEN_SERVER__ADMIN", &admin)
        .current_dir(folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while std::net::TcpStream::connect(&admin).is_err() {
        assert!(running.try_wait().unwrap().is_none(), "it has ended");
        std::thread::yield_now();
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = taken.local_addr().unwrap().to_string();
    let told = |grpc: &str, admin: &str| {
        let variables = [
            ("GEOWARDEN_SERVER__GRPC", grpc),
            ("GEOWARDEN_SERVER__ADMIN", admin),
        ];
        check(folder.path(), &[], &variables)
    };
    let same = told(&grpc, &admin);
    let with_another_admin = told(&grpc, &other_admin);
    let with_a_taken_port = told(&other, &admin);
    let draft = folder.path().join("draft.yaml");
    fs::copy(folder.path().join("geowarden.yaml"), &draft).unwrap();
    let of_draft = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["check", "--config", "draft.yaml"])
        .env("GEOWARDEN_SERVER__GRPC", &grpc)
        .env("GEOWARDEN_SERVER__ADMIN", &other_admin)
        .current_dir(folder.path())
        .output()
        .unwrap();
    running.kill().unwrap();
    running.wait().unwrap();

    for (code, told) in [same, with_another_admin] {
        assert_eq!((code, told.lines().count()), (Some(0), 1), "{told}");
    }
    let (code, told) = with_a_taken_port;
    assert!(told.contains("another process listens there"), "{told}");
    assert!(
        told.contains("server.grpc") && !told.contains("server.admin"),
        "{told}"
    );
    assert_eq!(code, Some(64));
    let told = String::from_utf8(of_draft.stdout).unwrap();
    assert!(
        told.contains("server.grpc: a geowarden with another configuration"),
        "{told}"
    );
    assert_eq!(of_draft.status.code(), Some(0));
}

#[test]
fn preflights_that_the_policy_refuses_are_a_warning_where_pygeoapi_is_to_answer_them() {
    let folder = configured("pygeoapi: {config: pygeoapi.yml}");
    let pygeoapi = folder.path().join("pygeoapi.yml");
    fs::write(&pygeoapi, "server: {cors: true}\nresources: {}\n").unwrap();
    let (code, told) = check(folder.path(), &[], &[]);
    assert!(
        told.contains("`server.cors: true`") && told.contains("preflight"),
        "{told}"
    );
    assert_eq!(code, Some(0));

    let open = format!("{POLICY}\nallow if input.request.method == \"OPTIONS\"\n");
    fs::write(folder.path().join("policies/authz.rego"), open).unwrap();
    assert!(!check(folder.path(), &[], &[]).1.contains("cors"));
    fs::write(folder.path().join("policies/authz.rego"), POLICY).unwrap();
    fs::write(&pygeoapi, "server: {cors: false}\nresources: {}\n").unwrap();
    assert!(!check(folder.path(), &[], &[]).1.contains("cors"));
}

#[test]
fn issuers_that_do_not_answer_are_a_warning_of_an_online_check() {
    let folder = configured("");
    let file = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let with = format!("authn: {{jwt: [{{issuer: '{issuer}', audiences: any}}], ");
    fs::write(&file, text.replace("authn: {", &with)).unwrap();
    assert!(!check(folder.path(), &[], &[]).1.contains(&issuer));
    let (code, told) = check(folder.path(), &["--online"], &[]);
    assert!(
        told.contains(&format!("keys of the issuer {issuer} cannot be fetched")),
        "{told}"
    );
    assert_eq!(code, Some(0));
}

#[test]
fn faulty_keys_of_issuers_are_told_with_their_fault() {
    let folder = configured("");
    let file = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let issuer = |keys: &str| {
        let issuer = format!("authn: {{jwt: [{{issuer: '{ISSUER}', audiences: any, {keys}}}], ");
        fs::write(&file, text.replace("authn: {", &issuer)).unwrap();
    };
    let mut set: Value = serde_json::from_str(&jwks(&Ed25519KeyPair::generate().unwrap())).unwrap();
    let keys = set["keys"].as_array_mut().unwrap();
    keys.push(json!({"kty": "RSA", "kid": "old", "x5c": ["MIIC"]}));
    fs::write(folder.path().join("jwks.json"), set.to_string()).unwrap();
    issuer("jwks_file: jwks.json");
    let (code, told) = check(folder.path(), &[], &[]);
    assert!(
        told.contains("jwks.json: key `old`: it has only a certificate"),
        "{told}"
    );
    assert_eq!(code, Some(0));

    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    issuer(&format!(
        "jwks_uri: 'http://{}/keys'",
        server.local_addr().unwrap()
    ));
    let answered = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        let answer =
            "HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"keys\":[]}";
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let (code, told) = check(folder.path(), &["--online"], &[]);
    assert!(
        told.contains("expected a key that can check signatures, found none: it has no keys"),
        "{told}"
    );
    assert_eq!(code, Some(64));
    answered.join().unwrap();
}

/// The default policy with these data, and these API keys.
fn by_role(data: &str, keys: &str) -> tempfile::TempDir {
    let folder = folder(include_str!("../../policies/default/authz.rego"), "");
    fs::write(folder.path().join("policies/data.yaml"), data).unwrap();
    fs::write(folder.path().join("api-keys.yaml"), keys).unwrap();
    folder
}

#[test]
fn all_faults_of_data_and_keys_are_told_at_once() {
    let folder = by_role(
        "roles:\n  reader:\n    reads: [obs]\n    write: obs\n  editor: [obs]\n  guest:\n    read: [a/items]\n",
        "- id: 1\n  sha256: short\n  expires: soon\n- sha256: {}\n  colour: red\n",
    );
    fs::create_dir(folder.path().join("policies/more")).unwrap();
    fs::write(folder.path().join("policies/more/data.yaml"), "a: [1\n").unwrap();
    let (code, told) = check(folder.path(), &[], &[]);
    assert_eq!(code, Some(64));
    for fault in [
        "policies/data.yaml:3: roles.reader.reads: expected one of",
        "policies/data.yaml:4: roles.reader.write: expected a list",
        "policies/data.yaml:5: roles.editor: expected a mapping",
        "policies/data.yaml:7: roles.guest.read[0]: no request can ask for the collection `a/items`",
        "policies/more/data.yaml:",
        "api-keys.yaml:1: [0].id: expected a string, found a number",
        "api-keys.yaml:2: [0].sha256: expected the SHA-256 digest",
        "api-keys.yaml:3: [0].expires: expected a date",
        "api-keys.yaml:4: [1].sha256: expected a string, found a mapping",
        "api-keys.yaml:4: [1]: unknown key",
        "api-keys.yaml:4: [1]: missing field `id`",
    ] {
        assert_eq!(told.matches(fault).count(), 1, "{fault}: {told}");
    }
    assert_eq!(told.matches("error: ").count(), 11, "{told}");
}

#[test]
fn a_role_of_a_key_that_the_data_does_not_have_is_a_warning() {
    let (one, other, third) = ("a".repeat(64), "b".repeat(64), "c".repeat(64));
    let keys = format!(
        "- {{id: a, sha256: {one}, attributes: {{roles: [reader, authenticated, anonymous]}}}}\n- {{id: b, sha256: {other}, attributes: {{roles: [raeder, pilot]}}}}\n- {{id: c, sha256: {third}, attributes: {{roles: reader}}}}\n"
    );
    let folder = by_role("roles: {reader: {all: [read]}}\n", &keys);
    let (code, told) = check(folder.path(), &[], &[]);
    assert_eq!(code, Some(0), "{told}");
    for warning in [
        "api-keys.yaml:2: attributes.roles: the policy's data has no role `raeder`, so this role allows nothing: did you mean `reader`? [unknown-id]",
        "api-keys.yaml:2: attributes.roles: the policy's data has no role `pilot`, so this role allows nothing: correct the name, or add the role to the policy's data [unknown-id]",
        "api-keys.yaml:3: attributes.roles: expected a list of roles, found another value, so it allows nothing: write a list, such as `roles: [reader]`",
    ] {
        assert!(told.contains(warning), "{warning}: {told}");
    }
    assert_eq!(told.matches("attributes.roles").count(), 3, "{told}");
    assert_eq!(check(folder.path(), &["--strict"], &[]).0, Some(64));
    // Another policy may know them from elsewhere.
    fs::write(folder.path().join("policies/authz.rego"), POLICY).unwrap();
    let (_, told) = check(folder.path(), &[], &[]);
    assert!(!told.contains("attributes.roles"), "{told}");
}
