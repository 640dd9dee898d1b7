//! No text of a file, setting or variable that can contain a secret is ever printed. A marker is put into each of them,
//! in right and wrong forms, and all output is searched for it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use aws_lc_rs::signature::Ed25519KeyPair;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use envoy_types::pb::envoy::service::auth::v3::authorization_client::AuthorizationClient;
use geowarden_stack::Geowarden;

use crate::{
    admin_grpc::{ISSUER, jwks},
    service::{folder, request},
};

const MARKER: &str = "gw_7f3aMARKERc2e9";
const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const POLICY: &str = "package geowarden.authz\n\nallow if input.identity.method == \"api_key\"\n";

/// Texts of an API key file in which `M` is a key in the wrong place.
fn key_files() -> Vec<String> {
    let entry = format!("id: a, sha256: {DIGEST}");
    let forms = [
        "M".to_owned(),
        "M\n".to_owned(),
        "\"M".to_owned(),
        "- M".to_owned(),
        "- [M]".to_owned(),
        "- [[M".to_owned(),
        "M: 1".to_owned(),
        "M: {id: a}".to_owned(),
        "M: 1\nM: 2".to_owned(),
        "- M: 1".to_owned(),
        "- {M: 1, M: 2}".to_owned(),
        format!("- {{{entry}, M: 1}}"),
        format!("- {{id: M, sha256: {DIGEST}}}\n- {{id: M, sha256: {DIGEST}}}"),
        format!("- {{{entry}, expires: M}}"),
        format!("- {{{entry}, expires: [M]}}"),
        format!("- {{{entry}, attributes: M}}"),
        format!("- {{{entry}, attributes: [M]}}"),
        "- {id: a, sha256: M}".to_owned(),
        "- {id: a, sha256: [M]}".to_owned(),
        "- {id: a, sha256: {M: 1}}".to_owned(),
        "- {id: a, key: M}".to_owned(),
        "- {id: [M], sha256: x}".to_owned(),
        "- &M {id: a}\n- *M\n- *N".to_owned(),
        "--- M\n--- M".to_owned(),
        "{\"keys\": [\"M\"".to_owned(),
        "M\u{0}".to_owned(),
    ];
    forms.map(|form| form.replace('M', MARKER)).to_vec()
}

/// Sections of the configuration with a secret in a wrong place; `F` is the folder of other files.
const SETTINGS: [&str; 66] = [
    "authn: M",
    "authn: {api_keys: M}",
    "authn: {api_keys: [M]}",
    "authn: {api_keys: {header: M}}",
    "authn: {api_keys: {authorization: [M]}}",
    "authn: {api_keys: {query: 'M/', file: a}}",
    "authn: {api_keys: {cookie: 'M;', file: a}}",
    "authn: {tokens: {query: M, M: 1}}",
    "authn: {tokens: {cookie: M}}",
    "authn: {api_keys: {file: [M]}}",
    "authn: {jwt: M}",
    "authn: {jwt: [M]}",
    "authn: {jwt: [{issuer: [M], audiences: [a]}]}",
    "authn: {jwt: [{issuer: 'https://u:M@issuer.example', audiences: [a]}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_uri: 'https://u:M@issuer.example/keys'}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_uri: 'https://M'}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], refresh: {M: 1}}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: introspection, client_id: c, client_secret_file: [M]}}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: userinfo, endpoint: 'https://u:M@issuer.example'}}]}",
    "authn: {max_token_bytes: M}",
    "pygeoapi: {url: 'http://u:M@127.0.0.1:5000'}",
    "telemetry: {traces: {endpoint: 'http://u:M@127.0.0.1:4318/v1/traces'}}",
    "telemetry: {traces: {endpoint: 'http://127.0.0.1:4318/v1/traces', headers_file: secret}}",
    "server: {tls: {cert: secret, key: secret}}",
    "M: 1",
    "authn: {M: 1}",
    "authn: {M: 1, M: 2}",
    "authn: {api_keys: {M: 1}}",
    "authn: {api_keys: {file: a, M: {}}}",
    "authn: {jwt: [{M: 1}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], M: 1}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], algorithms: [M]}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], refresh: M}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: M}}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: introspection, client_id: c, M: 1}}]}",
    "authn: {api_keys: &M {}, jwt: *N}",
    "telemetry: {traces: {M: 1}}",
    "authn: {jwt: [{issuer: 'https://u:M@a', audiences: [a]}, {issuer: 'https://u:M@a', audiences: [a]}]}",
    "authn: {jwt: [{issuer: 'http://127.0.0.1:9/?k=M', audiences: [a], jwks_uri: 'http://127.0.0.1:9/'}]}",
    "authn: {jwt: [{issuer: 'http://a/#M', audiences: [a]}]}",
    "authn: {jwt: [{issuer: 'http://a/;token=M', audiences: [a]}]}",
    "authn: {jwt: [{issuer: M, audiences: [a]}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_uri: M}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_uri: 'http://issuer.example/M'}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: userinfo, endpoint: M}}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_file: M}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], ca_file: M}]}",
    "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: introspection, client_id: c, client_secret_file: M}}]}",
    "authn: {api_keys: {file: M}}",
    "authn: {api_keys: {dir: M}}",
    "server: {tls: {cert: M, key: \"-----BEGIN PRIVATE KEY-----\\nM/M\\n\"}}",
    "telemetry: {traces: {endpoint: M}}",
    "telemetry: {traces: {endpoint: 'http://127.0.0.1:4318/v1/traces', headers_file: M}}",
    "telemetry: {traces: {endpoint: 'http://127.0.0.1:4318/v1/traces', headers_file: 'authorization=M'}}",
    "telemetry: {traces: {endpoint: 'http://127.0.0.1:4318/v1/traces', resource: {M: [1]}}}",
    "server: {grpc: M}",
    "server: {grpc: 'unix:M'}",
    "server: {admin: M}",
    "server: {admin_grpc: {address: M}}",
    "server: {drain: M}",
    "policy: {entrypoint: M, path: policies}\n#",
    "pygeoapi: {base_path: M}",
    "pygeoapi: {version: M}",
    "tenants: {M: {authn: 1, policy: {}}}",
    "tenants: {a: {authn: {}, policy: {}, hosts: ['M/']}}",
    "telemetry: {traces: {endpoint: 'http://127.0.0.1:4318/v1/traces', ca_file: M}}",
];

/// Files that contain a secret, and the sections that name them.
const FILES: [(&str, &str); 4] = [
    (
        "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], jwks_file: secret}]}",
        "key set",
    ),
    (
        "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], opaque_tokens: {inquiry: introspection, client_id: c, client_secret_file: secret}}]}",
        "client secret",
    ),
    (
        "authn: {jwt: [{issuer: 'https://issuer.example', audiences: [a], ca_file: secret}]}",
        "authorities",
    ),
    ("server: {tls: {cert: secret, key: secret}}", "TLS key"),
];

const CONTENTS: [&str; 10] = [
    "M",
    "{\"keys\": \"M\"}",
    "{\"keys\": [\"M\"]}",
    "{\"keys\": [{\"kty\": \"oct\", \"k\": \"M\", \"kid\": \"M\"}]}",
    "{\"keys\": [{\"kty\": \"RSA\", \"n\": \"M\", \"e\": \"M\"}]}",
    "{\"keys\": [{\"M\"",
    "-----BEGIN PRIVATE KEY-----\nM\n-----END PRIVATE KEY-----\n",
    "-----BEGIN CERTIFICATE-----\nM\n",
    "-----BEGIN M-----\nM\n-----END M",
    "authorization: M\nM",
];

/// fastgeoapi's variables.
const DOTENV: [&str; 12] = [
    "M",
    "ENV_STATE=M",
    "API_KEY_ENABLED=M\nPYGEOAPI_KEY_GLOBAL=M",
    "API_KEY_ENABLED=true\nPYGEOAPI_KEY_GLOBAL=M",
    "API_KEY_ENABLED=true\nPYGEOAPI_KEY_GLOBAL='M",
    "API_KEY_ENABLED=true\nPYGEOAPI_KEY_GLOBAL=M\nPYGEOAPI_KEY_M=M",
    "JWKS_ENABLED=true\nOAUTH2_JWKS_ENDPOINT=https://u:M@issuer.example",
    "ENV_STATE=dev\nDEV_JWKS_ENABLED=true\nDEV_OAUTH2_JWKS_ENDPOINT=http://u:M@issuer.example/M",
    "OPA_ENABLED=true\nOIDC_WELL_KNOWN_ENDPOINT=https://u:M@issuer.example\nOIDC_CLIENT_SECRET=M",
    "ENV_STATE=dev\nDEV_API_KEY_ENABLED=true\nDEV_PYGEOAPI_KEY_GLOBAL=a\nM=\nDEV_M=1",
    "ENV_STATE=dev\nDEV_JWKS_ENABLED=true\nDEV_OAUTH2_EXPECTED_ISSUER=https://a/?M\nDEV_OAUTH2_JWKS_ENDPOINT=https://issuer.example/?k=M",
    "ENV_STATE=dev\nDEV_JWKS_ENABLED=true\nDEV_OAUTH2_EXPECTED_ISSUER=https://a\nDEV_OAUTH2_JWKS_ENDPOINT=https://issuer.example/?k=M",
];

fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(folder)
        .output()
        .unwrap();
    let mut told = String::from_utf8_lossy(&output.stdout).into_owned();
    told.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(!told.is_empty(), "{arguments:?} says nothing");
    told
}

/// Checks a configuration in every way, and searches all output for the marker.
fn look(folder: &Path, case: &str, variables: &[(&str, &str)], more: &[&str]) {
    for json in [&[][..], &["--json"]] {
        let arguments: Vec<&str> = ["check"].iter().chain(json).chain(more).copied().collect();
        let told = run(folder, &arguments, variables);
        assert!(
            !told.contains(MARKER),
            "{case}: {arguments:?} tells:\n{told}"
        );
    }
}

const CONFIGURED: [&str; 2] = ["--config", "geowarden.yaml"];

#[test]
fn no_secret_in_a_file_of_keys_is_told() {
    let folder = folder(POLICY, "");
    fs::create_dir(folder.path().join("keys")).unwrap();
    let by_folder = "authn: {api_keys: {dir: keys}}\npolicy: {path: policies}\n";
    fs::write(folder.path().join("by-folder.yaml"), by_folder).unwrap();
    for text in key_files() {
        fs::write(folder.path().join("api-keys.yaml"), &text).unwrap();
        look(folder.path(), &text, &[], &CONFIGURED);
        let one = text.strip_prefix("- ").unwrap_or(&text);
        fs::write(folder.path().join("keys/a.yaml"), one).unwrap();
        look(folder.path(), one, &[], &["--config", "by-folder.yaml"]);
    }
}

#[test]
fn no_secret_in_a_setting_or_another_file_is_told() {
    let folder = folder(POLICY, "");
    let file = folder.path().join("geowarden.yaml");
    let write = |section: &str| {
        let text = section.replace('M', MARKER);
        fs::write(&file, format!("{text}\npolicy: {{path: policies}}\n")).unwrap();
    };
    fs::write(folder.path().join("secret"), MARKER).unwrap();
    for section in SETTINGS {
        write(section);
        look(folder.path(), section, &[], &CONFIGURED);
    }
    for (section, what) in FILES {
        write(section);
        for content in CONTENTS {
            fs::write(folder.path().join("secret"), content.replace('M', MARKER)).unwrap();
            look(
                folder.path(),
                &format!("{what}: {content}"),
                &[],
                &CONFIGURED,
            );
        }
    }
    for (name, value) in [
        ("GEOWARDEN_AUTHN", MARKER),
        ("GEOWARDEN_AUTHN__API_KEYS", MARKER),
        ("GEOWARDEN_AUTHN__API_KEYS__FILE", "[M"),
        ("GEOWARDEN_AUTHN__JWT", MARKER),
        ("GEOWARDEN_AUTHN__API_KEYS__DIR", MARKER),
        ("GEOWARDEN_SERVER__TLS__KEY", MARKER),
        (
            "GEOWARDEN_SERVER__TLS",
            "{cert: gw_7f3aMARKERc2e9, key: gw_7f3aMARKERc2e9}",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", MARKER),
        ("OTEL_TRACES_SAMPLER", MARKER),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://u:gw_7f3aMARKERc2e9@127.0.0.1:1",
        ),
    ] {
        write("server: {}");
        look(folder.path(), name, &[(name, value)], &CONFIGURED);
    }
    look(
        folder.path(),
        "a variable that names a file",
        &[("GEOWARDEN_ENV_FILE", MARKER)],
        &[],
    );
    for text in DOTENV {
        fs::write(folder.path().join(".env"), text.replace('M', MARKER)).unwrap();
        look(folder.path(), text, &[], &["--env-file", ".env"]);
        let told = run(folder.path(), &["migrate", "--env-file", ".env"], &[]);
        assert!(!told.contains(MARKER), "{text}: migrate tells:\n{told}");
    }
}

#[tokio::test]
async fn no_secret_is_told_by_a_service_that_reloads() {
    let folder = folder(POLICY, "");
    let keys = folder.path().join("api-keys.yaml");
    let socket = folder.path().join("admin.sock");
    let config = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&config).unwrap().replace(
        "admin: '127.0.0.1:0'",
        &format!(
            "admin: '127.0.0.1:0', admin_grpc: {{address: 'unix:{}'}}",
            socket.display()
        ),
    );
    fs::write(&config, text).unwrap();
    let binary = Path::new(env!("CARGO_BIN_EXE_geowarden"));
    let mut service = Geowarden::start(binary, &config).await.unwrap();
    let mut told = String::new();
    for (text, phrase) in [
        ("M", "expected a list of entries"),
        ("- M", "expected an entry"),
        ("- \"M", "expected the closing quote"),
        ("- {id: a, sha256: M}", "the SHA-256 digest"),
        ("- {id: a, M: 1}", "unknown key"),
        ("- {id: a, expires: M}", "expected a date"),
    ] {
        // Replace the file as a whole, as an editor does.
        let aside = folder.path().join("aside");
        fs::write(&aside, text.replace('M', MARKER)).unwrap();
        fs::rename(&aside, &keys).unwrap();
        service.hangup().unwrap();
        let is_told = |event: &serde_json::Value| event.to_string().contains(phrase);
        service.event(is_told).await.unwrap();
        told.push_str(&run(
            folder.path(),
            &["status", "--config", "geowarden.yaml"],
            &[],
        ));
        told.push_str(&service.admin_page("/readyz").await.unwrap().text());
    }
    told.push_str(&service.admin_page("/metrics").await.unwrap().text());
    told.push_str(&service.log());
    assert!(told.contains("api-keys.yaml"), "the file is told:\n{told}");
    assert!(!told.contains(MARKER), "{told}");
}

/// Credentials and similar texts, right and wrong, in which `M` stands for a secret.
fn requests() -> Vec<(&'static str, String)> {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.replace('M', MARKER).as_bytes());
    let token = |header: &str, claims: &str| {
        let (header, claims) = (part(header), part(claims));
        format!("Bearer {header}.{claims}.{MARKER}")
    };
    let good = r#"{"alg": "EdDSA", "kid": "first"}"#;
    let mut all: Vec<(&str, String)> = [
        ("x-api-key", "M"),
        ("x-api-key", "M, M"),
        ("x-api-key", "M\u{e9}"),
        ("authorization", "M"),
        ("authorization", "Bearer M"),
        ("authorization", "Bearer M M"),
        ("authorization", "Bearer M.M.M"),
        ("authorization", "Bearer\tM"),
        ("authorization", "Basic M"),
        ("authorization", "ApiKey M"),
        ("authorization", "ApiKey\tM"),
        ("cookie", "key=M"),
        ("cookie", "key=M; key=M"),
        ("cookie", "token=M.M.M"),
        ("referer", "https://maps.example.org/?api_key=M"),
        ("x-original-url", "/collections?f=json&api_key=M"),
        ("authorization", "M Bearer x"),
        ("cookie", "session=M"),
        ("cookie", "M"),
        ("proxy-authorization", "Bearer M"),
        ("x-envoy-original-path", "/collections?f=json&api_key=M"),
    ]
    .map(|(name, value)| (name, value.replace('M', MARKER)))
    .to_vec();
    for (header, claims) in [
        (good, r#"{"iss": "M"}"#),
        (
            good,
            r#"{"iss": "https://idp.example", "aud": "M", "sub": "M"}"#,
        ),
        (good, r#"{"iss": "https://idp.example", "exp": "M"}"#),
        (good, r#"{"M": 1, "M": 2}"#),
        (good, r#"{"iss": ["M"]}"#),
        (good, "M"),
        (
            r#"{"alg": "EdDSA", "kid": "M"}"#,
            r#"{"iss": "https://idp.example"}"#,
        ),
        (r#"{"alg": "M"}"#, r#"{"iss": "https://idp.example"}"#),
        (
            r#"{"alg": "EdDSA", "crit": ["M"]}"#,
            r#"{"iss": "https://idp.example"}"#,
        ),
        (
            r#"{"alg": "EdDSA", "M": 1, "M": 2}"#,
            r#"{"iss": "https://idp.example"}"#,
        ),
        ("M", "{}"),
    ] {
        let token = token(header, claims);
        let bare = token.trim_start_matches("Bearer ");
        all.push(("cookie", format!("token={bare}")));
        all.push(("authorization", token));
    }
    let basic = BASE64.encode(format!("me:{MARKER}").as_bytes());
    all.push(("authorization", format!("Basic {basic}")));
    all
}

/// All further places of an API key.
const KEY_PLACES: &str = "api_keys: {authorization: [apikey, basic], query: api_key, cookie: key, ";

/// The policy returns its whole input, and even so no credential appears.
#[tokio::test]
async fn no_policy_sees_a_credential_of_the_query() {
    let policy = "package geowarden.authz\n\nallow := {\"allowed\": false, \"reason\": json.marshal(input)}\n";
    let folder = folder(policy, "");
    let key = geowarden::authn::key_digest(MARKER.as_bytes());
    let entry = format!("- {{id: in-query, sha256: {key}}}\n");
    fs::write(folder.path().join("api-keys.yaml"), entry).unwrap();
    let config = folder.path().join("geowarden.yaml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("api_keys: {", KEY_PLACES)).unwrap();
    let service = Geowarden::start(Path::new(env!("CARGO_BIN_EXE_geowarden")), &config)
        .await
        .unwrap();
    let port = service.grpc_port().unwrap();
    let mut client = AuthorizationClient::connect(format!("http://127.0.0.1:{port}"))
        .await
        .unwrap();
    let path = format!("/collections/obs/items?limit=1&api_key={MARKER}&f=json");
    let referer = format!("https://maps.example.org/?api_key={MARKER}");
    let sent = [
        ("referer", referer.as_str()),
        ("x-original-url", &path),
        ("x-forwarded-uri", &path),
        ("x-envoy-original-path", &path),
        ("accept", "*/*"),
    ];
    let check = request("GET", &path, &sent);
    let told = format!("{:?}", client.check(check).await.unwrap().into_inner());
    for part in ["raw_target", "in-query", "headers", "limit=1"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        !told.contains(MARKER) && !told.contains("maps.example.org"),
        "{told}"
    );
}

#[tokio::test]
async fn no_secret_of_a_request_is_told() {
    for (output, input) in [
        ("stderr", "none"),
        ("stdout", "none"),
        ("stderr", "reads"),
        ("stdout", "full"),
    ] {
        no_secret_of_a_request_is_logged_to(output, input).await;
    }
}

/// The test reads both outputs of the program.
async fn no_secret_of_a_request_is_logged_to(output: &str, input: &str) {
    // It reads everything.
    let folder = folder(
        "package geowarden.authz\n\nallow if {\n\tinput.identity.method != \"anonymous\"\n\tcount(input) > 0\n}\n",
        &format!("telemetry: {{level: debug}}\ndecision_log: {{output: {output}, input: {input}}}"),
    );
    // The marker is a good key too, so that there are inputs.
    let digest = geowarden::authn::key_digest(MARKER.as_bytes());
    let entry = format!("- {{id: marked, sha256: {digest}}}\n");
    fs::write(folder.path().join("api-keys.yaml"), entry).unwrap();
    let pair = Ed25519KeyPair::generate().unwrap();
    fs::write(folder.path().join("jwks.json"), jwks(&pair)).unwrap();
    let config = folder.path().join("geowarden.yaml");
    let issuer = format!(
        "authn: {{jwt: [{{issuer: '{ISSUER}', audiences: [geo], algorithms: [EdDSA], jwks_file: jwks.json}}], tokens: {{query: access_token, cookie: token}}, "
    );
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("authn: {", &issuer);
    fs::write(&config, text.replace("api_keys: {", KEY_PLACES)).unwrap();
    let mut service = Geowarden::start(Path::new(env!("CARGO_BIN_EXE_geowarden")), &config)
        .await
        .unwrap();
    let port = service.grpc_port().unwrap();
    let mut client = AuthorizationClient::connect(format!("http://127.0.0.1:{port}"))
        .await
        .unwrap();
    let encoded = BASE64URL_NOPAD.encode(MARKER.as_bytes());
    let basic = BASE64.encode(format!("me:{MARKER}").as_bytes());
    let in_query = format!("/collections/obs/items?limit=1&token={MARKER}");
    let mut asked = 0;
    let mut look = |what: &str, told: &str| {
        let mut secrets = [MARKER, &encoded, &basic].into_iter();
        let is_told = secrets.any(|secret| told.contains(secret));
        assert!(!is_told, "{what} is told:\n{told}");
        asked += 1;
    };
    for (name, value) in requests() {
        let check = request("GET", "/collections/obs", &[(name, &value)]);
        let answer = client.check(check).await.unwrap().into_inner();
        look(&format!("{name}: {value}"), &format!("{answer:?}"));
    }
    for parameter in [
        "api_key",
        "api%5Fkey",
        "access_token",
        "f=json&api_key",
        "x&access_token",
    ] {
        let path = format!("/collections/obs/items?{parameter}={MARKER}");
        let answer = client.check(request("GET", &path, &[])).await.unwrap();
        look(&path, &format!("{:?}", answer.into_inner()));
    }
    for (method, path) in [
        ("GET", in_query.as_str()),
        ("GET", &format!("/collections/obs/items?bbox={MARKER}")),
        (
            "GET",
            &format!("/collections/obs/items?{MARKER}=1&{MARKER}=2"),
        ),
        ("GET", &format!("/nowhere?token={MARKER}")),
        ("GET", &format!("http://u:{MARKER}@geo.example/collections")),
        ("PATCH", &in_query),
    ] {
        // The sender may be told what was wrong in its own request. What is no credential is a part of the input.
        let path = match input {
            "none" => path.to_owned(),
            _ => path.replace(MARKER, "no-credential"),
        };
        let path = path.as_str();
        let check = request(method, path, &[]);
        client.check(check).await.unwrap();
    }
    look(
        "a secret in the metrics",
        &service.admin_page("/metrics").await.unwrap().text(),
    );
    // One thread writes the lines in order. So the last line shows that all are there.
    let is_last = |event: &serde_json::Value| event["method"] == "PATCH";
    service.event(is_last).await.unwrap();
    let log = service.log();
    look("a secret in the log", &log);
    let inputs = log.matches("\"input\":{").count();
    assert_eq!(inputs > 10, input != "none", "{inputs} inputs:\n{log}");
    let decisions = log.matches("\"decision_id\"").count();
    assert!(decisions >= asked - 2, "{decisions} of {asked}:\n{log}");
}
