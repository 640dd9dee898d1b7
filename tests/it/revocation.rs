//! A removed key is revoked at once, whatever else is wrong.

use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, SystemTime},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use geowarden::authn::key_digest;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::Command,
    task::JoinHandle,
    time::timeout,
};
use tonic::transport::Channel;

use crate::{
    admin_grpc::{ISSUER, jwks, token},
    service::{Answer, OSGEO_KEY, Service, config, folder, request},
    tenants,
};

const OPEN: &str = "package geowarden.authz\n\nallow := true\n";
const BY_COMPANY: &str =
    "package geowarden.authz\n\nallow if input.identity.attributes.company == \"osgeo\"\n";
const BROKEN: &str = "package geowarden.authz\n\nallow if {\n";

/// An entry of a key file.
fn entry(key: &str, more: &str) -> String {
    let digest = key_digest(key.as_bytes());
    format!("- {{id: {key}, sha256: {digest}, attributes: {{company: osgeo}}{more}}}\n")
}

fn put(folder: &Path, name: &str, text: &str) {
    let aside = folder.join(".aside");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, folder.join(name)).unwrap();
}

async fn status(client: &AuthorizationClient<Channel>, key: &str) -> i32 {
    let check = request("GET", "/collections/obs", &[("x-api-key", key)]);
    Answer(client.clone().check(check).await.unwrap().into_inner()).status()
}

/// Waits until a key has this status.
async fn becomes(client: &AuthorizationClient<Channel>, key: &str, expected: i32) {
    let becomes = async {
        while status(client, key).await != expected {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), becomes)
        .await
        .unwrap_or_else(|_| panic!("{key} never became {expected}"));
}

/// Like a rotated key: its digest has the same length as the previous one.
#[tokio::test]
async fn a_replacement_of_the_same_size_and_time_is_seen() {
    let service = Service::with_policy(OPEN).await;
    let file = service.folder.path().join("api-keys.yaml");
    let aside = service.folder.path().join(".aside");
    let write = |place: &Path, text: &str, time: SystemTime| {
        fs::write(place, text).unwrap();
        let file = fs::File::options().write(true).open(place).unwrap();
        file.set_modified(time).unwrap();
    };
    let time = fs::metadata(&file).unwrap().modified().unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let (old, new) = (key_digest(OSGEO_KEY.as_bytes()), key_digest(b"new"));
    let replaced = text.replace(&old, &new);
    write(&aside, &replaced, time);
    fs::rename(&aside, &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().size(), text.len() as u64);
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), time);
    becomes(&service.client, OSGEO_KEY, 401).await;
    becomes(&service.client, "new", 200).await;
    // The file is written in place.
    write(&file, &text, time);
    becomes(&service.client, "new", 401).await;
    becomes(&service.client, OSGEO_KEY, 200).await;
}

#[tokio::test]
async fn what_is_removed_expired_or_changed_does_not_wait_for_a_broken_policy() {
    let folder = folder(BY_COMPANY, "");
    let path = folder.path().to_path_buf();
    let keys = ["removed", "expired", "changed", "same"];
    let all: String = keys.iter().map(|key| entry(key, "")).collect();
    put(&path, "api-keys.yaml", &all);
    let config = config(&path);
    let service = Service::start(folder, config).await;
    let client = &service.client;
    for key in keys {
        assert_eq!(status(client, key).await, 200, "{key}");
    }
    put(&path, "policies/authz.rego", BROKEN);
    service.metric("geowarden_reload_failed 1").await;
    let changed = entry("changed", "").replace("company: osgeo", "company: none");
    let left = entry("expired", ", expires: 2020-01-01") + &changed;
    put(
        &path,
        "api-keys.yaml",
        &(left + &entry("same", "") + &entry("added", "")),
    );
    becomes(client, "removed", 401).await;
    becomes(client, "expired", 401).await;
    becomes(client, "changed", 403).await;
    assert_eq!(status(client, "same").await, 200);
    // A new key belongs to the whole generation, which does not load.
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 2")
        .await;
    assert_eq!(status(client, "added").await, 401);
    put(&path, "policies/authz.rego", BY_COMPANY);
    becomes(client, "added", 200).await;
    // In a file that is not YAML, the entries that can be found count.
    put(&path, "api-keys.yaml", &(entry("same", "") + "- ["));
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(status(client, "same").await, 200);
    becomes(client, "added", 401).await;
    fs::remove_file(path.join("api-keys.yaml")).unwrap();
    becomes(client, "same", 401).await;
}

/// The rest is not an entry.
#[tokio::test]
async fn a_key_whose_digest_only_happens_to_stand_in_the_file_is_gone() {
    let folder = folder(OPEN, "");
    let path = folder.path().to_path_buf();
    let keys = ["commented", "attribute", "expired", "same"];
    let all: String = keys.iter().map(|key| entry(key, "")).collect();
    put(&path, "api-keys.yaml", &all);
    let config = config(&path);
    let service = Service::start(folder, config).await;
    let client = &service.client;
    let left = [
        format!("# {}", entry("commented", "")),
        entry("same", ", note: left"),
        format!(
            "- {{id: other, attributes: {{was: {}}}}}\n",
            key_digest(b"attribute")
        ),
        entry("expired", ", note: left, expires: 2020-01-01"),
    ];
    put(&path, "api-keys.yaml", &left.concat());
    for key in ["commented", "attribute", "expired"] {
        becomes(client, key, 401).await;
    }
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(status(client, "same").await, 200);
}

#[tokio::test]
async fn a_key_that_leaves_an_issuers_file_does_not_wait_for_a_broken_policy() {
    let (pair, other) = (
        Ed25519KeyPair::generate().unwrap(),
        Ed25519KeyPair::generate().unwrap(),
    );
    let folder = folder(OPEN, "");
    let path = folder.path().to_path_buf();
    let file = path.join("geowarden.yaml");
    let issuer = format!(
        "authn: {{jwt: [{{issuer: '{ISSUER}', audiences: any, algorithms: [EdDSA], jwks_file: jwks.json}}], "
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("authn: {", &issuer)).unwrap();
    put(&path, "jwks.json", &jwks(&pair));
    let config = config(&path);
    let service = Service::start(folder, config).await;
    let status = async |pair: &Ed25519KeyPair| {
        let bearer = format!("Bearer {}", token(pair, "alice"));
        let headers = [("authorization", bearer.as_str())];
        service
            .ask("GET", "/collections/obs", &headers)
            .await
            .status()
    };
    assert_eq!(status(&pair).await, 200);
    put(&path, "policies/authz.rego", BROKEN);
    service.metric("geowarden_reload_failed 1").await;
    // A text that is not a key set keeps the last good one.
    put(&path, "jwks.json", "[]");
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 2")
        .await;
    assert_eq!(status(&pair).await, 200);
    // Another key with the same `kid`.
    put(&path, "jwks.json", &jwks(&other));
    service
        .metric("geowarden_reloads_total{result=\"failure\"} 3")
        .await;
    // There is no key until the whole generation loads. The token is not at fault.
    assert_eq!(status(&pair).await, 503);
    assert_eq!(status(&other).await, 503);
    put(&path, "policies/authz.rego", OPEN);
    service.metric("geowarden_reload_failed 0").await;
    assert_eq!(status(&other).await, 200);
    fs::remove_file(path.join("jwks.json")).unwrap();
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(status(&other).await, 503);
}

/// A policy that is saved all the time, while keys change.
#[tokio::test]
async fn files_that_never_rest_hold_up_no_revocation() {
    let service = Service::with_policy(OPEN).await;
    let path = service.folder.path().to_path_buf();
    let noise = rewrite(&path, "policies/authz.rego", |number| {
        format!("{OPEN}# {number}\n")
    });
    fs::write(path.join("api-keys.yaml"), "[]").unwrap();
    becomes(&service.client, OSGEO_KEY, 401).await;
    drop(noise);
}

/// Like somebody who saves a file all the time.
fn rewrite(
    path: &Path,
    name: &'static str,
    text: impl Fn(u64) -> String + Send + 'static,
) -> Noise {
    let path = path.to_path_buf();
    Noise(tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(5));
        for number in 0_u64.. {
            every.tick().await;
            put(&path, name, &text(number));
        }
    }))
}

struct Noise(JoinHandle<()>);

impl Drop for Noise {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[tokio::test]
async fn files_that_never_rest_hold_up_no_other_attributes_of_a_key() {
    let service = Service::with_policy(BY_COMPANY).await;
    let path = service.folder.path();
    let noise = rewrite(path, "policies/data.yaml", |number| {
        format!("a: {number}\n")
    });
    assert_eq!(status(&service.client, OSGEO_KEY).await, 200);
    let text = fs::read_to_string(path.join("api-keys.yaml")).unwrap();
    put(
        path,
        "api-keys.yaml",
        &text.replace("company: osgeo", "company: none"),
    );
    becomes(&service.client, OSGEO_KEY, 403).await;
    drop(noise);
}

/// The files do not show that the keys were removed: they are the same as in the last reading.
#[tokio::test]
async fn a_key_file_that_comes_back_as_it_was_opens_again() {
    let service = Service::with_policy(OPEN).await;
    let path = service.folder.path();
    let (file, away) = (path.join("api-keys.yaml"), path.join("away"));
    // These writes delay the check of all files, and change nothing.
    let noise = rewrite(path, "policies/authz.rego", |_| OPEN.to_owned());
    fs::rename(&file, &away).unwrap();
    becomes(&service.client, OSGEO_KEY, 401).await;
    fs::rename(&away, &file).unwrap();
    drop(noise);
    becomes(&service.client, OSGEO_KEY, 200).await;
    service.metric("geowarden_reload_failed 0").await;
}

/// One of two tenants has a policy whose trial takes long.
#[tokio::test]
async fn a_policy_that_is_being_loaded_holds_up_no_revocation() {
    let folder = tenants::folder();
    let path = folder.path().to_path_buf();
    let mut config = config(&path);
    let program = slow_program(&path);
    for tenant in config.tenants.values_mut() {
        tenant.policy.load_timeout.0 = Duration::from_mins(10);
    }
    config.program = Some(program);
    let service = Service::start(folder, config).await;
    let becomes = async |name: &str, collection: &str, expected: i32| {
        let becomes = async {
            let check = || tenants::asked(collection, name, &format!("{name}.example"), None);
            while Answer(service.check(check()).await).status() != expected {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), becomes)
            .await
            .unwrap_or_else(|_| panic!("{name} never became {expected}"));
    };
    becomes("geobeyond", "lakes", 200).await;
    becomes("osgeo", "obs", 200).await;
    let made = std::process::Command::new("mkfifo")
        .arg(path.join("hang"))
        .status();
    assert!(made.unwrap().success());
    put(&path, "geobeyond/authz.rego", OPEN);
    let hangs = async {
        while !path.join("hangs").exists() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), hangs).await.unwrap();
    // Its own key, another tenant's key, and other attributes too.
    let text = fs::read_to_string(path.join("osgeo-keys.yaml")).unwrap();
    put(
        &path,
        "osgeo-keys.yaml",
        &text.replace("company: acme", "company: none"),
    );
    becomes("osgeo", "obs", 403).await;
    put(&path, "geobeyond-keys.yaml", "[]");
    put(&path, "osgeo-keys.yaml", "[]");
    becomes("geobeyond", "lakes", 401).await;
    becomes("osgeo", "obs", 401).await;
    // The load succeeds, and does not restore the key.
    let mut hang = fs::File::options()
        .write(true)
        .open(path.join("hang"))
        .unwrap();
    fs::remove_file(path.join("hang")).unwrap();
    hang.write_all(b"go on\n").unwrap();
    drop(hang);
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    becomes("geobeyond", "lakes", 401).await;
    becomes("osgeo", "obs", 401).await;
}

/// A geowarden that waits for a line of the pipe `hang`, if it exists, before it tries policies. Then it creates the
/// file `hangs`.
fn slow_program(folder: &Path) -> PathBuf {
    let (text, program) = (folder.join("program.txt"), folder.join("program"));
    let real = env!("CARGO_BIN_EXE_geowarden");
    let place = folder.display();
    let script = format!(
        "#!/bin/sh\nif [ -e '{place}/hang' ]; then : >'{place}/hangs'; read -r line <'{place}/hang'; fi\nexec '{real}' \"$@\"\n"
    );
    fs::write(&text, script).unwrap();
    // Another process writes it: no thread of this process must have it open for writing while it is started.
    let mut install = std::process::Command::new("install");
    let made = install.args(["-m", "755"]).args([&text, &program]).status();
    assert!(made.unwrap().success());
    program
}

/// A pipe instead of a file: opening it blocks until somebody writes.
#[tokio::test]
async fn a_pipe_among_the_policies_holds_up_no_revocation() {
    let service = Service::with_policy(OPEN).await;
    let path = service.folder.path();
    let pipe = path.join("policies/pipe.rego");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    service.metric("geowarden_reload_failed 1").await;
    assert_eq!(status(&service.client, OSGEO_KEY).await, 200);
    put(path, "api-keys.yaml", "[]");
    becomes(&service.client, OSGEO_KEY, 401).await;
    fs::remove_file(&pipe).unwrap();
    service.metric("geowarden_reload_failed 0").await;
}

/// Silent connections use every file descriptor that the process may have.
#[tokio::test]
async fn without_a_descriptor_left_a_key_is_taken_away_and_policies_are_reloaded() {
    let folder = folder(OPEN, "");
    let path = folder.path();
    let program = env!("CARGO_BIN_EXE_geowarden");
    let config = path.join("geowarden.yaml");
    let mut child = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -n 128 && exec '{program}' serve --config '{}'",
            config.display()
        ))
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = loop {
        let line = log.next_line().await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        if line["message"] == "listening" {
            break line;
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    let address = |name: &str| listening[name].as_str().unwrap().to_owned();
    let client = AuthorizationClient::connect(format!("http://{}", address("grpc")))
        .await
        .unwrap();
    assert_eq!(status(&client, OSGEO_KEY).await, 200);
    let mut silent = Vec::new();
    for _ in 0..200 {
        // Connections that are not accepted wait in the backlog.
        silent.push(TcpStream::connect(address("admin")).await.unwrap());
    }
    put(path, "api-keys.yaml", &entry("new", ""));
    becomes(&client, OSGEO_KEY, 401).await;
    becomes(&client, "new", 200).await;
    let closed = OPEN.replace("true", "false");
    put(path, "policies/authz.rego", &closed);
    becomes(&client, "new", 403).await;
    drop(silent);
}
