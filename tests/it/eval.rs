//! `geowarden eval` decides as the service does, from the same input.

use std::{fs, path::Path, process::Command};

use aws_lc_rs::signature::Ed25519KeyPair;
use envoy_types::{
    ext_authz::v3::pb::CheckRequest,
    pb::{
        envoy::{
            config::core::v3::{
                Address, HeaderMap, HeaderValue, Metadata, SocketAddress, address::Address as Kind,
                socket_address::PortSpecifier,
            },
            service::auth::v3::{
                AttributeContext,
                attribute_context::{HttpRequest, Peer, Request},
            },
        },
        google::protobuf::Timestamp,
    },
};
use proptest::{
    prelude::*,
    test_runner::{Config as Cases, TestRunner},
};
use serde_json::Value;

use crate::{
    admin_grpc::{ISSUER, jwks, token},
    service::{Answer, OSGEO_KEY, Service, config, folder},
};

/// Allows paths with an even number of characters, and returns its input.
const POLICY: &str = r#"package geowarden.authz

allow := {"allowed": count(input.request.path) % 2 == 0, "headers": {"x-input": json.marshal(input)}}
"#;

/// 2027-01-31T00:00:00Z
const AT: i64 = 1_801_353_600;

#[derive(Debug, Clone)]
struct SampleRequest {
    method: &'static str,
    target: String,
    headers: Vec<(String, String)>,
    body: &'static str,
    host: String,
    scheme: &'static str,
    address: String,
}

fn asked() -> impl Strategy<Value = SampleRequest> {
    let target = prop_oneof![
        Just("/collections/".to_owned()),
        Just("/collections%2fobs".to_owned()),
        Just("/nowhere".to_owned()),
        "/collections/[a-zé]{1,5}(/items)?(\\?(limit=[0-9]{1,2}|a=b%20c|f=json&f=json|bbox=1,2,3,4))?",
    ];
    let header = ("x-[a-z]{1,4}", "[a-z0-9 ]{0,6}")
        .prop_map(|(name, value)| (name, value.trim().to_owned()));
    let credential = prop_oneof![
        Just(None),
        Just(Some(("x-api-key", OSGEO_KEY))),
        Just(Some(("x-api-key", "guessed"))),
        Just(Some(("authorization", "Basic QQ=="))),
    ];
    (
        prop_oneof![Just("GET"), Just("HEAD"), Just("DELETE"), Just("POST")],
        target,
        prop::collection::vec(header, 0..3),
        credential,
        prop_oneof![Just(""), Just("{\"a\": 1}"), Just("{")],
        "[a-z]{1,8}\\.example",
        prop_oneof![Just("http"), Just("https")],
        prop_oneof![Just("192.0.2.7".to_owned()), Just("2001:db8::1".to_owned())],
    )
        .prop_map(
            |(method, target, mut headers, credential, body, host, scheme, address)| {
                let target: String = target.replace('é', "%C3%A9");
                headers.extend(credential.map(|(name, value)| (name.to_owned(), value.to_owned())));
                if method == "POST" {
                    headers.push(("content-type".to_owned(), "application/json".to_owned()));
                }
                SampleRequest {
                    method,
                    target,
                    headers,
                    body,
                    host,
                    scheme,
                    address,
                }
            },
        )
}

/// The Check that Envoy sends with `envoy/api-key.yaml`.
fn check(asked: &SampleRequest) -> CheckRequest {
    let header = |key: &str, value: &str| HeaderValue {
        key: key.to_owned(),
        raw_value: value.as_bytes().to_vec(),
        ..HeaderValue::default()
    };
    let mut headers = vec![
        header(":authority", &asked.host),
        header(":path", &asked.target),
        header(":method", asked.method),
        header(":scheme", asked.scheme),
    ];
    headers.extend(
        asked
            .headers
            .iter()
            .map(|(name, value)| header(name, value)),
    );
    let length = asked.body.len();
    if length > 0 {
        headers.push(header("content-length", &length.to_string()));
    }
    headers.push(header("x-forwarded-for", &asked.address));
    headers.push(header("x-forwarded-proto", asked.scheme));
    headers.push(header("x-envoy-external-address", &asked.address));
    if length > 0 {
        headers.push(header("x-envoy-auth-partial-body", "false"));
    }
    let peer = |address: &str, port| {
        let socket = SocketAddress {
            address: address.to_owned(),
            port_specifier: Some(PortSpecifier::PortValue(port)),
            ..SocketAddress::default()
        };
        Some(Peer {
            address: Some(Address {
                address: Some(Kind::SocketAddress(socket)),
            }),
            ..Peer::default()
        })
    };
    let http = HttpRequest {
        method: asked.method.to_owned(),
        path: asked.target.clone(),
        host: asked.host.clone(),
        scheme: asked.scheme.to_owned(),
        protocol: "HTTP/1.1".to_owned(),
        size: i64::try_from(length).unwrap(),
        raw_body: asked.body.as_bytes().to_vec(),
        header_map: Some(HeaderMap { headers }),
        ..HttpRequest::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: peer(&asked.address, 0),
            destination: peer("127.0.0.1", 8080),
            request: Some(Request {
                time: Some(Timestamp {
                    seconds: AT,
                    nanos: 0,
                }),
                http: Some(http),
            }),
            metadata_context: Some(Metadata::default()),
            route_metadata_context: Some(Metadata::default()),
            ..AttributeContext::default()
        }),
    }
}

fn eval(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "-c", "geowarden.yaml"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let fault = String::from_utf8_lossy(&output.stderr);
    let told =
        serde_json::from_str(&told).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {told}{fault}"));
    (output.status.code().unwrap(), told)
}

fn arguments(asked: &SampleRequest) -> Vec<String> {
    let mut all: Vec<String> = [
        "--at",
        "2027-01-31T00:00:00Z",
        "-X",
        asked.method,
        "--host",
        &asked.host,
        "--scheme",
        asked.scheme,
        "--source-address",
        &asked.address,
        "--body",
        asked.body,
    ]
    .map(str::to_owned)
    .into();
    for (name, value) in &asked.headers {
        all.extend(["-H".to_owned(), format!("{name}: {value}")]);
    }
    all.push(asked.target.clone());
    all
}

#[test]
fn eval_and_the_service_say_the_same_of_the_same() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let service = runtime.block_on(Service::with_policy(POLICY));
    let folder = service.folder.path();
    let cases = Cases {
        cases: 60,
        failure_persistence: None,
        ..Cases::default()
    };
    let outcome = TestRunner::new(cases).run(&asked(), |asked| {
        let answer = Answer(runtime.block_on(service.check(check(&asked))));
        let flags = arguments(&asked);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let (code, told) = eval(folder, &[&["--json"], flags.as_slice()].concat());
        prop_assert_eq!(i64::from(answer.status()), told["status"].as_i64().unwrap());
        prop_assert_eq!(code, if answer.status() == 200 { 0 } else { 2 });
        if answer.status() == 200 {
            let seen: Value = serde_json::from_str(&answer.header("x-input").unwrap()).unwrap();
            let (_, shown) = eval(folder, &[&["--input"], flags.as_slice()].concat());
            prop_assert_eq!(seen, marshalled(shown));
        } else if let Some(reason) = answer.problem()["code"].as_str() {
            prop_assert_eq!(reason, told["reason"].as_str().unwrap());
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_caller_is_described_or_has_a_credential() {
    let folder = folder("package geowarden.authz\n\nallow := true\n", "");
    let key = format!("x-api-key: {OSGEO_KEY}");
    for (flags, told) in [
        (
            &["--key-id", "osgeo", "-H", &key][..],
            "a request without a credential",
        ),
        (
            &["--claims", "{}", "-H", "x-api-key: guessed"],
            "a request without a credential",
        ),
        (&["--claims", "{\"sub\": 1}"], "expected a text for `sub`"),
        (
            &["--host", "a.example", "-H", "Host: b.example"],
            "expected one host",
        ),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
            .args(["eval", "-c", "geowarden.yaml", "/collections"])
            .args(flags)
            .current_dir(folder.path())
            .output()
            .unwrap();
        let fault = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(64), "{flags:?}: {fault}");
        assert!(fault.contains(told), "{flags:?}: {fault}");
    }
}

#[test]
fn the_host_of_a_request_chooses_the_tenant() {
    let folder = folder(
        "package geowarden.authz\n\nallow if input.request.host == \"a.example\"\n",
        "",
    );
    let path = folder.path();
    let tenant =
        |host: &str| format!("{{hosts: [{host}], authn: {{}}, policy: {{path: policies}}}}");
    let text = format!(
        "tenants: {{a: {}, b: {}}}\n",
        tenant("a.example"),
        tenant("b.example")
    );
    fs::write(path.join("geowarden.yaml"), text).unwrap();
    for (flags, code) in [
        (["--host", "a.example"], 0),
        (["-H", "Host: a.example"], 0),
        (["--host", "b.example"], 2),
    ] {
        let (found, told) = eval(
            path,
            &[
                &["--json", "/collections", "--attribute", "a=b"],
                &flags[..],
            ]
            .concat(),
        );
        assert_eq!(found, code, "{flags:?}: {told}");
    }
}

#[test]
fn a_missing_folder_of_policies_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["eval", "--policy", "policies/none", "/"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        told,
        "error: policies/none: cannot be read: No such file or directory (os error 2)\n"
    );
}

/// The value with numbers as the policy's `json.marshal` writes them: 1.0 as 1.
fn marshalled(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(marshalled).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, marshalled(value)))
            .collect(),
        Value::Number(number) => {
            let text = number.to_string();
            let whole = text.strip_suffix(".0").unwrap_or(&text);
            serde_json::from_str(whole).unwrap()
        }
        other => other,
    }
}

#[test]
fn what_the_request_holds_authenticates() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let folder = folder(
        "package geowarden.authz\n\nallow if input.identity.subject in {\"osgeo\", \"alice\"}\n",
        "",
    );
    let path = folder.path();
    fs::write(path.join("jwks.json"), jwks(&pair)).unwrap();
    let file = path.join("geowarden.yaml");
    let issuer = format!(
        "authn: {{jwt: [{{issuer: '{ISSUER}', audiences: any, algorithms: [EdDSA], jwks_file: jwks.json}}], "
    );
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("authn: {", &issuer)).unwrap();
    fs::write(path.join("token"), format!("{}\n", token(&pair, "alice"))).unwrap();
    let keys = fs::read_to_string(path.join("api-keys.yaml")).unwrap();
    let expiring = keys.replace("company: osgeo}}", "company: osgeo}, expires: 2027-01-31}");
    assert_ne!(keys, expiring);
    fs::write(path.join("api-keys.yaml"), expiring).unwrap();
    config(path);
    let key = format!("x-api-key: {OSGEO_KEY}");
    let later = ["--at", "2028-01-01T00:00:00Z"];
    for (flags, code, reason) in [
        (&["-H", key.as_str()][..], 0, "policy-allowed"),
        (&["-H", "x-api-key: guessed"], 2, "unknown-key"),
        (&["-H", key.as_str(), later[0], later[1]], 2, "expired-key"),
        (&["--key-id", "osgeo"], 0, "policy-allowed"),
        (&["--key-id", "osgeo", later[0], later[1]], 2, "expired-key"),
        (&["--token", "token"], 0, "policy-allowed"),
        (
            &["--token", "token", later[0], later[1]],
            2,
            "expired-token",
        ),
        (
            &["--token", "token", "-H", key.as_str()],
            2,
            "several-credentials",
        ),
        (&[], 2, "credential-required"),
    ] {
        let at = ["--at", "2026-12-01T00:00:00Z"];
        let flags = if flags.contains(&"--at") || flags.contains(&"--token") {
            flags.to_vec()
        } else {
            [flags, &at].concat()
        };
        let (found, told) = eval(
            path,
            &[&["--json", "/collections/obs"], flags.as_slice()].concat(),
        );
        assert_eq!(
            (found, told["reason"].as_str()),
            (code, Some(reason)),
            "{flags:?}"
        );
    }
}

#[test]
fn the_policy_is_told_the_time_and_each_spelling_of_scopes() {
    let folder = folder(
        &format!(
            "package geowarden.authz\n\nallow if {{\n\ttime.now_ns() == {AT} * 1000000000\n\tinput.identity.scopes == [\"read\", \"write\"]\n}}\n"
        ),
        "",
    );
    for (claims, at, code) in [
        (r#"{"scope": "read write"}"#, "2027-01-31T00:00:00Z", 0),
        (
            r#"{"scp": ["read", "write"]}"#,
            "2027-01-31T01:00:00+01:00",
            0,
        ),
        (r#"{"scp": "read write"}"#, "2027-01-31T00:00:00Z", 0),
        (r#"{"scp": ["read", "write"]}"#, "2027-01-31T00:00:01Z", 2),
    ] {
        let (found, told) = eval(
            folder.path(),
            &["--json", "--claims", claims, "--at", at, "/"],
        );
        assert_eq!(found, code, "{claims} {at}: {told}");
    }
}
