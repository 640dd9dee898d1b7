//! The gRPC admin service: who can connect, what it answers, and that it never delays a decision.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;
use futures_util::{StreamExt, stream};
use geowarden::{
    app::App,
    config::{Config, Environment, ListenAddress, Problems},
    transport::admin::{
        client::{AdminAddress, Client, ClientTls, Tail},
        v1::{Decision, Outcome, TailRequest, key_set::Source, tail_response::Event},
    },
};
use tempfile::TempDir;
use tonic::transport::Endpoint;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::{
    service::{OSGEO_KEY, Service, config, folder},
    tenants,
    tls::Authority,
};

const POLICY: &str = r#"package geowarden.authz

allow if input.identity.key_id == "osgeo"
allow if {
	input.identity.subject == "alice"
	input.ogc.collection == "obs"
}
"#;

/// A service with its admin service at `address` and more settings.
async fn start(folder: TempDir, address: &str) -> (Service, AdminAddress) {
    let mut config = config(folder.path());
    set_address(&mut config, address);
    let app = App::bind(config).await.unwrap();
    let address = app.admin_grpc_address().unwrap().to_string();
    (Service::run(folder, app).await, address.parse().unwrap())
}

fn set_address(config: &mut Config, address: &str) {
    config.server.admin_grpc = Some(geowarden::config::AdminGrpc {
        address: address.parse::<ListenAddress>().unwrap(),
        tls: None,
    });
}

async fn connect(address: &AdminAddress) -> Client {
    Client::connect(address.clone(), None).await.unwrap()
}

async fn tail(address: &AdminAddress, wanted: TailRequest) -> Tail {
    connect(address).await.tail(wanted).await.unwrap()
}

async fn next(tail: &mut Tail) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(20), tail.next());
    next.await.unwrap().unwrap().unwrap().event.unwrap()
}

async fn decision(tail: &mut Tail) -> Decision {
    match next(tail).await {
        Event::Decision(decision) => decision,
        Event::Lost(lost) => panic!("{lost} lost"),
    }
}

#[tokio::test]
async fn status_tells_what_is_in_force_over_tcp_and_unix() {
    let (_service, tcp) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("admin.sock");
    let (unix_service, unix) = start(folder(POLICY, ""), &format!("unix:{}", path.display())).await;
    for address in [&tcp, &unix] {
        let status = connect(address).await.status().await.unwrap();
        assert_eq!(status.version, env!("CARGO_PKG_VERSION"));
        assert!(status.ready && status.obstacles.is_empty(), "{status:?}");
        assert_eq!(status.snapshot.unwrap().number, 1);
        let [policy] = status.policies.as_slice() else {
            panic!("{:?}", status.policies)
        };
        assert_eq!(policy.entrypoint, "geowarden/authz/allow");
        assert!(!policy.revision.is_empty() && policy.warnings.is_empty());
        assert!(status.started.unwrap().seconds > 0 && status.key_sets.is_empty());
    }
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others may connect");
    unix_service.stop.unwrap().send(()).unwrap();
    unix_service.running.await.unwrap().unwrap();
    assert!(!path.exists(), "the socket file was left");
}

/// A rotated key may be revoked once nobody uses it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_use_of_a_key_is_told_and_survives_a_reload() {
    let (service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let path = service.folder.path().to_owned();
    let listed = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["key", "list", "--config", "geowarden.yaml"])
            .args(more)
            .current_dir(&path)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let asked = address.to_string();
    let last_used = || {
        let told = listed(&["--json", "--address", &asked]);
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert!(told["uses_since"].is_string(), "{told}");
        let mut keys = told["keys"].as_array().unwrap().iter();
        let key = keys.find(|key| key["id"] == "osgeo").unwrap();
        key["last_used"].clone()
    };
    assert!(last_used().is_null());
    assert!(listed(&["--address", &asked]).contains("never since start at 2"));
    service.ask("GET", "/", &[("x-api-key", "gw_wrong")]).await;
    assert!(last_used().is_null());
    service.ask("GET", "/", &[("x-api-key", OSGEO_KEY)]).await;
    let used = last_used();
    assert!(used.is_string(), "{used}");
    assert!(listed(&["--address", &asked]).contains("  used 2"));

    let policy = path.join("policies/authz.rego");
    fs::write(&policy, format!("{POLICY}\n# Changed.\n")).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    assert_eq!(last_used(), used);
    // Without an address nobody is asked.
    assert!(!listed(&[]).contains("used"));
    assert!(!listed(&["--json"]).contains("last_used"));
}

#[tokio::test]
async fn reloads_are_told_good_and_bad() {
    let (service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let policy = service.folder.path().join("policies/authz.rego");
    let before = connect(&address).await.status().await.unwrap();
    fs::write(&policy, "package geowarden.authz\n\nallow if no.such(1)\n").unwrap();
    service.metric("geowarden_reload_failed 1").await;
    let failed = connect(&address).await.status().await.unwrap();
    let reloads = failed.reloads.unwrap();
    assert!(reloads.failing && reloads.failures == 1 && reloads.successes == 0);
    assert_eq!(reloads.failing_files.len(), 1);
    assert!(failed.ready && failed.warnings[0].contains("the last good ones serve"));
    let [reloader] = failed.tasks.as_slice() else {
        panic!("{:?}", failed.tasks)
    };
    assert!(reloader.name == "reloader" && reloader.running && !reloader.down);
    let problems = reloads.last_failures[0].problems.join("\n");
    assert!(
        problems.contains("authz.rego:3") && problems.contains("no.such"),
        "{problems}"
    );
    assert_eq!(
        failed.policies, before.policies,
        "the last good policy serves"
    );
    assert_eq!(failed.snapshot, before.snapshot);

    let warned = "package geowarden.authz\n\nallow if json.marshal(input.ogc) == \"{}\"\n";
    fs::write(&policy, warned).unwrap();
    service
        .metric("geowarden_reloads_total{result=\"success\"} 2")
        .await;
    let good = connect(&address).await.status().await.unwrap();
    let reloads = good.reloads.unwrap();
    assert!(good.warnings.is_empty() && reloads.failing_files.is_empty());
    assert!(!reloads.failing && reloads.successes == 1 && reloads.last_failures.len() == 1);
    assert_eq!(good.snapshot.unwrap().number, 2);
    let (old, new) = (&before.policies[0], &good.policies[0]);
    assert_ne!(old.revision, new.revision);
    assert!(new.warnings[0].contains("json.marshal"), "{new:?}");
}

#[tokio::test]
async fn key_sets_are_told_with_their_age_and_faults() {
    // Nobody listens on a port that was bound and released, so this issuer has no keys.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let uri = format!("http://127.0.0.1:{port}/keys");
    let folder = folder(POLICY, "");
    fs::write(folder.path().join("jwks.json"), JWKS).unwrap();
    let mut config = config(folder.path());
    let text = format!(
        "authn:\n  jwt:\n    - {{issuer: 'https://file.example', audiences: any, jwks_file: jwks.json}}\n    - {{issuer: 'https://away.example', audiences: any, jwks_uri: '{uri}?secret=s3cret'}}\n"
    );
    config.authn = Config::from_text("test", &text, folder.path(), &Environment::default())
        .unwrap()
        .authn;
    set_address(&mut config, "127.0.0.1:0");
    let app = App::bind(config).await.unwrap();
    let address = app
        .admin_grpc_address()
        .unwrap()
        .to_string()
        .parse()
        .unwrap();
    let service = Service::run(folder, app).await;
    service
        .metric("geowarden_jwks_fetch_failures_total{issuer=\"https://away.example\"} 1")
        .await;
    let status = connect(&address).await.status().await.unwrap();
    assert!(!status.ready);
    assert!(status.obstacles[0].contains("https://away.example"));
    let [file, away] = status.key_sets.as_slice() else {
        panic!("{:?}", status.key_sets)
    };
    assert!(file.ready && file.keys == 1 && file.fault.is_empty());
    assert_eq!(file.key_ids, ["first"]);
    assert!(file.fetched.is_some() && file.age.unwrap().seconds < 60);
    assert!(matches!(&file.source, Some(Source::File(path)) if path.ends_with("jwks.json")));
    assert!(!away.ready && away.keys == 0 && away.fetched.is_none());
    assert!(!away.fault.is_empty());
    assert_eq!(away.source, Some(Source::JwksUri(uri)));
    assert!(!format!("{status:?}").contains("s3cret"));
}

pub(crate) const ISSUER: &str = "https://idp.example";

pub(crate) fn jwks(pair: &Ed25519KeyPair) -> String {
    let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
    format!(r#"{{"keys": [{{"kty": "OKP", "crv": "Ed25519", "kid": "first", "x": "{x}"}}]}}"#)
}

pub(crate) fn token(pair: &Ed25519KeyPair, subject: &str) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let header = r#"{"alg":"EdDSA","kid":"first"}"#;
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"{subject}","iat":{now},"exp":{}}}"#,
        now + 600
    );
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let signed = format!("{}.{}", encode(header), encode(&claims));
    let signature = pair.sign(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(signature.as_ref()))
}

/// A public key of RFC 8037, appendix A.2.
const JWKS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "first",
  "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

#[tokio::test]
async fn decisions_are_told_as_they_are_made_and_without_credentials() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let folder = folder(POLICY, "");
    fs::write(folder.path().join("jwks.json"), jwks(&pair)).unwrap();
    let file = folder.path().join("geowarden.yaml");
    let issuer = format!(
        "authn: {{jwt: [{{issuer: '{ISSUER}', audiences: any, algorithms: [EdDSA], jwks_file: jwks.json}}], "
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("authn: {", &issuer)).unwrap();
    let (service, address) = start(folder, "127.0.0.1:0").await;
    let mut tail = tail(&address, TailRequest::default()).await;
    let token = token(&pair, "alice");
    let bearer = format!("Bearer {token}");
    let forged = format!("{bearer}A");
    let path = "/collections/obs/items?limit=5&token=s3cret-in-the-query";
    for headers in [
        &[("x-api-key", OSGEO_KEY)][..],
        &[("x-api-key", "a-wrong-key")],
        &[("authorization", forged.as_str())],
        &[],
        &[("authorization", bearer.as_str())],
    ] {
        service.ask("GET", path, headers).await;
    }
    service
        .ask("GET", &format!("/collections/%2F{token}?k=s3cret"), &[])
        .await;
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(decision(&mut tail).await);
    }
    let told = format!("{seen:?}");
    let parts: Vec<&str> = token.split('.').collect();
    let secrets = [OSGEO_KEY, "a-wrong-key", "s3cret", "limit="];
    for secret in secrets.into_iter().chain(parts) {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    let allowed = &seen[0];
    assert_eq!(
        (allowed.outcome(), allowed.status, &*allowed.reason),
        (Outcome::Allow, 200, "policy-allowed")
    );
    assert_eq!(
        (&*allowed.method, &*allowed.path, &*allowed.collection),
        ("GET", "/collections/obs/items", "obs")
    );
    assert_eq!(
        (&*allowed.api, &*allowed.operation),
        ("collections", "items")
    );
    let caller = allowed.principal.as_ref().unwrap();
    assert_eq!((&*caller.method, &*caller.subject), ("api_key", "osgeo"));
    assert!(allowed.time.is_some() && allowed.duration.is_some() && !allowed.id.is_empty());
    for (refused, status) in [&seen[1], &seen[2], &seen[3], &seen[5]]
        .into_iter()
        .zip([401, 401, 401, 400])
    {
        assert_eq!((refused.outcome(), refused.status), (Outcome::Deny, status));
    }
    assert!(seen[1].principal.is_none() && seen[2].principal.is_none());
    assert!(seen[5].path.is_empty() && seen[5].principal.is_none());
    let caller = seen[4].principal.as_ref().unwrap();
    assert_eq!(
        (&*caller.method, &*caller.subject, &*caller.issuer),
        ("jwt", "alice", ISSUER)
    );
    assert_eq!(seen[3].principal.as_ref().unwrap().method, "anonymous");
}

#[tokio::test]
async fn inputs_are_told_only_to_those_that_ask_and_without_credentials() {
    let policy = "package geowarden.authz\n\nallow if {\n\tinput.ogc.collection == \"obs\"\n\tcount(input) > 0\n}\n";
    let folder = folder(policy, "");
    let file = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let places = "api_keys: {query: api_key, cookie: key, ";
    fs::write(&file, text.replace("api_keys: {", places)).unwrap();
    let (service, address) = start(folder, "127.0.0.1:0").await;
    let with_input = TailRequest {
        with_input: true,
        ..TailRequest::default()
    };
    let mut other = tail(&address, TailRequest::default()).await;
    service.ask("GET", "/collections/lakes", &[]).await;
    let mut asking = tail(&address, with_input).await;
    let in_cookie = format!("key={OSGEO_KEY}");
    let in_query = format!("/collections/lakes/items?limit=5&api_key={OSGEO_KEY}");
    let referer = format!("https://maps.example.org{in_query}");
    let path = "/collections/lakes/items?limit=5";
    for (path, headers) in [
        (path, &[("x-api-key", OSGEO_KEY)][..]),
        (path, &[("cookie", in_cookie.as_str())]),
        (
            &in_query,
            &[
                ("referer", referer.as_str()),
                ("x-envoy-original-path", &in_query),
            ],
        ),
        (path, &[("cookie", OSGEO_KEY), ("authorization", OSGEO_KEY)]),
    ] {
        service.ask("GET", path, headers).await;
        let told = decision(&mut asking).await;
        assert_eq!(
            told.status,
            if told.principal.as_ref().unwrap().method == "anonymous" {
                401
            } else {
                403
            }
        );
        assert!(
            told.input.contains("\"limit\"") && told.input.contains("headers"),
            "{told:?}"
        );
        assert!(!format!("{told:?}").contains(OSGEO_KEY), "{told:?}");
        if headers.iter().any(|(name, _)| *name == "referer") {
            // Headers with an address that has the key are taken out before anything reads them.
            for (name, _) in headers {
                assert!(!told.input.contains(name), "{name}: {told:?}");
            }
        } else {
            let pointer = format!("/input/request/headers/{}", headers[0].0);
            assert!(told.erased.contains(&pointer), "{pointer}: {told:?}");
        }
    }
    // Neither an allowed request, nor one that no policy saw.
    for path in ["/collections/obs", "/collections%2Fobs"] {
        service.ask("GET", path, &[]).await;
        assert_eq!(decision(&mut asking).await.input, "");
    }
    for _ in 0..7 {
        let told = decision(&mut other).await;
        assert!(told.input.is_empty() && told.erased.is_empty(), "{told:?}");
    }
}

#[tokio::test]
async fn a_decision_is_told_only_to_those_whose_filters_it_passes() {
    let (service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let wanted = TailRequest::default;
    let mut tails = Vec::new();
    for (filter, first) in [
        (
            TailRequest {
                outcome: Outcome::Deny.into(),
                ..wanted()
            },
            "/collections/obs",
        ),
        (
            TailRequest {
                outcome: Outcome::Allow.into(),
                ..wanted()
            },
            "/collections/roads",
        ),
        (
            TailRequest {
                collection: "obs".to_owned(),
                ..wanted()
            },
            "/collections/obs",
        ),
        (
            TailRequest {
                principal: "osgeo".to_owned(),
                ..wanted()
            },
            "/collections/roads",
        ),
        (
            TailRequest {
                path: "/collections/*/items".to_owned(),
                ..wanted()
            },
            "/collections/obs/items",
        ),
        (
            TailRequest {
                outcome: Outcome::Allow.into(),
                collection: "obs".to_owned(),
                principal: "osgeo".to_owned(),
                path: "*/items".to_owned(),
                ..wanted()
            },
            "/collections/obs/items",
        ),
    ] {
        tails.push((tail(&address, filter).await, first));
    }
    service.ask("GET", "/collections/obs", &[]).await;
    let key = [("x-api-key", OSGEO_KEY)];
    service.ask("GET", "/collections/roads", &key).await;
    service.ask("GET", "/collections/obs/items", &key).await;
    for (tail, first) in &mut tails {
        assert_eq!(decision(tail).await.path, *first);
    }
    let path = "*".repeat(2000);
    let refused = connect(&address)
        .await
        .tail(TailRequest { path, ..wanted() });
    let told = refused.await.err().unwrap().to_string();
    assert!(told.contains("path: expected at most 1024 bytes"), "{told}");
}

#[tokio::test]
async fn tenants_are_told_apart() {
    let (service, address) = start(tenants::folder(), "127.0.0.1:0").await;
    let status = connect(&address).await.status().await.unwrap();
    let named: Vec<&str> = status.policies.iter().map(|p| &*p.tenant).collect();
    assert_eq!(named, ["geobeyond", "osgeo"]);
    assert!(
        status
            .policies
            .iter()
            .all(|policy| policy.entrypoint == "geowarden/authz/allow")
    );
    let wanted = TailRequest {
        tenant: "osgeo".to_owned(),
        ..TailRequest::default()
    };
    let mut tail = tail(&address, wanted).await;
    for name in ["geobeyond", "osgeo"] {
        let host = format!("{name}.example");
        service
            .check(tenants::asked("obs", name, &host, None))
            .await;
    }
    let told = decision(&mut tail).await;
    assert_eq!((&*told.tenant, told.outcome()), ("osgeo", Outcome::Allow));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_loses_decisions_and_holds_up_none() {
    let (service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let mut slow = tail(&address, TailRequest::default()).await;
    // Far more than the connection and the stream can buffer: long paths fill the windows.
    let path = format!("/collections/{}", "x".repeat(4000));
    let count = 4000;
    let service = Arc::new(service);
    let asked: Vec<i32> = stream::iter(0..count)
        .map(|_| async { service.ask("GET", &path, &[]).await.status() })
        .buffer_unordered(64)
        .collect()
        .await;
    assert!(asked.len() == count && asked.iter().all(|status| *status == 401));
    let (mut told, mut lost) = (0, 0);
    while told + lost < count as u64 {
        match next(&mut slow).await {
            Event::Decision(_) => told += 1,
            Event::Lost(missed) => lost += missed,
        }
    }
    assert_eq!(told + lost, count as u64);
    assert!(lost > 0, "nothing was lost, so nothing was tried");
}

#[tokio::test]
async fn readers_are_told_of_the_end_and_do_not_delay_it() {
    let (service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let mut tail = tail(&address, TailRequest::default()).await;
    service.stop.unwrap().send(()).unwrap();
    let end = tokio::time::timeout(Duration::from_secs(20), tail.next());
    let told = end.await.unwrap().unwrap_err().to_string();
    assert!(told.contains("shutting down"), "{told}");
    service.running.await.unwrap().unwrap();
}

#[tokio::test]
async fn reflection_tells_the_definition() {
    let (_service, address) = start(folder(POLICY, ""), "127.0.0.1:0").await;
    let channel = Endpoint::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let ask = |message_request| ServerReflectionRequest {
        message_request: Some(message_request),
        ..ServerReflectionRequest::default()
    };
    let questions = stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "geowarden.v1.Admin".to_owned(),
        )),
    ]);
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(questions)
        .await
        .unwrap()
        .into_inner();
    let mut answer = async || {
        let answer = answers.message().await.unwrap().unwrap();
        answer.message_response.unwrap()
    };
    let MessageResponse::ListServicesResponse(services) = answer().await else {
        panic!("no list")
    };
    let names: Vec<_> = services.service.into_iter().map(|s| s.name).collect();
    assert!(
        names.contains(&"geowarden.v1.Admin".to_owned()),
        "{names:?}"
    );
    let MessageResponse::FileDescriptorResponse(files) = answer().await else {
        panic!("no file")
    };
    let file = String::from_utf8_lossy(&files.file_descriptor_proto[0]).into_owned();
    assert!(file.contains("geowarden/v1/admin.proto") && file.contains("TailResponse"));
}

fn refused(folder: &Path, admin_grpc: &str) -> Problems {
    let text = format!("server: {{admin_grpc: {admin_grpc}}}\n");
    Config::from_text("geowarden.yaml", &text, folder, &Environment::default()).unwrap_err()
}

#[test]
fn beyond_loopback_only_mutual_tls_will_do() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [
        ("cert.pem", made.cert.pem()),
        ("key.pem", made.signing_key.serialize_pem()),
        ("ca.pem", made.cert.pem()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (settings, path) in [
        ("{address: '0.0.0.0:9193'}", "server.admin_grpc.address"),
        ("{address: '[::]:9193'}", "server.admin_grpc.address"),
        (
            "{address: '192.0.2.1:9193', tls: {cert: cert.pem, key: key.pem}}",
            "server.admin_grpc.address",
        ),
        (
            "{address: '127.0.0.1:9193', tls: {cert: none.pem, key: key.pem}}",
            "server.admin_grpc.tls.cert",
        ),
        ("{tls: {cert: cert.pem, key: key.pem}}", "server.admin_grpc"),
    ] {
        let problems = refused(folder.path(), settings);
        assert_eq!(problems.0.len(), 1, "{settings}: {problems}");
        assert_eq!(problems.0[0].path, path, "{settings}: {problems}");
    }
    let told = refused(folder.path(), "{address: '0.0.0.0:9193'}").to_string();
    assert!(
        told.starts_with("geowarden.yaml:1: ")
            && told.contains("client_ca")
            && told.contains("127.0.0.1:9193"),
        "{told}"
    );
    for good in [
        "{address: '0.0.0.0:9193', tls: {cert: cert.pem, key: key.pem, client_ca: ca.pem}}",
        "{address: '[::1]:9193'}",
        "{address: 'unix:/run/geowarden/admin.sock'}",
    ] {
        let text = format!("server: {{admin_grpc: {good}}}\n");
        let read = Config::from_text("t", &text, folder.path(), &Environment::default());
        assert!(read.is_ok(), "{good}: {}", read.unwrap_err());
    }
}

#[tokio::test]
async fn with_mutual_tls_only_known_clients_are_told_anything() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let folder = folder(POLICY, "");
    let file = |name: &str| folder.path().join(name);
    let write = |name: &str, (cert, key): (String, String)| {
        fs::write(file(&format!("{name}.pem")), cert).unwrap();
        fs::write(file(&format!("{name}-key.pem")), key).unwrap();
        (
            file(&format!("{name}.pem")),
            file(&format!("{name}-key.pem")),
        )
    };
    fs::write(file("ca.pem"), authority.pem()).unwrap();
    let server = write("server", authority.issue());
    let known = write("known", authority.issue());
    let unknown = write("unknown", stranger.issue());
    let mut config = config(folder.path());
    config.server.admin_grpc = Some(geowarden::config::AdminGrpc {
        address: "0.0.0.0:0".parse().unwrap(),
        tls: Some(geowarden::config::Tls {
            cert: server.0,
            key: server.1,
            client_ca: Some(file("ca.pem")),
        }),
    });
    let app = App::bind(config).await.unwrap();
    let ListenAddress::Tcp(bound) = *app.admin_grpc_address().unwrap() else {
        panic!("no TCP")
    };
    let address: AdminAddress = format!("localhost:{}", bound.port()).parse().unwrap();
    let ca = file("ca.pem");
    let service = Service::run(folder, app).await;
    let ask = async |identity| {
        let tls = ClientTls {
            ca: ca.clone(),
            identity,
        };
        let mut client = Client::connect(address.clone(), Some(&tls)).await?;
        client.status().await
    };
    assert!(ask(Some(known)).await.unwrap().ready);
    assert!(
        ask(None).await.is_err(),
        "a client without a certificate was served"
    );
    assert!(ask(Some(unknown)).await.is_err(), "a stranger was served");
    let plain = Client::connect(address.clone(), None).await;
    let plain = match plain {
        Ok(mut client) => client.status().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(plain.is_err(), "plain text was served");
    drop(service);
}
