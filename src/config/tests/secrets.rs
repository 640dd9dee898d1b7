//! What may be a secret in the wrong place is not told.

use super::*;

#[test]
fn an_address_that_can_hold_a_password_is_not_told() {
    for address in [
        "http://ada:sekret@idp.example/keys",
        "ftp://idp.example/keys?token=sekret",
        "sekret@nowhere",
        "https://u:sekret@a",
        "http://a.example/#sekret",
        "http://a.example/;token=sekret",
        "sekret",
        "sekret:word",
    ] {
        for issuer in [
            format!("{{issuer: '{address}', audiences: any}}"),
            format!("{{issuer: 'https://i.example', audiences: any, jwks_uri: '{address}'}}"),
            format!(
                "{{issuer: 'https://i.example', audiences: any, opaque_tokens: {{inquiry: userinfo, endpoint: '{address}'}}}}"
            ),
        ] {
            let text = format!("authn: {{jwt: [{issuer}]}}");
            let folder = Path::new("/etc/geowarden");
            let problems =
                Config::from_text("g.yaml", &text, folder, &Environment::default()).unwrap_err();
            let told = problems.to_string();
            assert!(told.contains("expected"), "{text}: {told}");
            assert!(!told.contains("sekret"), "{text}: {told}");
        }
    }
}

#[test]
fn an_issuer_has_no_part_that_can_hold_a_credential() {
    let jwks = "jwks_uri: 'https://idp.example/keys'";
    for issuer in [
        "http://127.0.0.1:9/?k=sekret",
        "https://u:sekret@idp.example",
        "https://idp.example/#sekret",
        "idp?sekret",
    ] {
        let text = format!(
            "authn:\n  jwt:\n    - issuer: '{issuer}'\n      audiences: any\n      {jwks}\n"
        );
        let told = read(&text, &[]).unwrap_err().join("\n");
        let expected = "geowarden.yaml:3: authn.jwt[0].issuer: expected an issuer without a user name, query and fragment (RFC 8414, section 2)";
        assert!(
            told.contains(expected) && !told.contains("sekret"),
            "{told}"
        );
    }
    // Two that are the same, neither of which is told.
    let one = format!("{{issuer: 'https://u:sekret@a', audiences: any, {jwks}}}");
    let told = read(&format!("authn: {{jwt: [{one}, {one}]}}"), &[]).unwrap_err();
    assert!(!told.concat().contains("sekret"), "{told:#?}");
    assert!(
        told.concat().contains("than that of `authn.jwt[0]`"),
        "{told:#?}"
    );
    for key in [
        "jwks_uri: 'https://u:sekret@idp.example/k'",
        "jwks_uri: 'https://idp.example/k#sekret'",
    ] {
        let text =
            format!("authn: {{jwt: [{{issuer: 'https://a.example', audiences: any, {key}}}]}}");
        let told = read(&text, &[]).unwrap_err().concat();
        assert!(
            told.contains("jwt[0].jwks_uri: expected an address without"),
            "{told}"
        );
        assert!(!told.contains("sekret"), "{told}");
    }
    // Some key servers want a query.
    let azure = "authn: {jwt: [{issuer: 'https://a.example/x', audiences: any, jwks_uri: 'https://a.example/keys?p=flow'}]}";
    assert!(read(azure, &[]).is_ok());
}

#[test]
fn a_secret_where_a_file_s_name_belongs_is_not_told() {
    let issuer = |key: &str| {
        format!("authn: {{jwt: [{{issuer: 'https://i.example', audiences: any, {key}}}]}}")
    };
    let opaque = |key: &str| {
        issuer(&format!(
            "opaque_tokens: {{inquiry: introspection, client_id: c, {key}}}"
        ))
    };
    for secret in [
        "Sekret9",
        "\"-----BEGIN PRIVATE KEY-----\\nSekret9/x\\n-----END PRIVATE KEY-----\"",
        "\"/a Sekret9\"",
        "\"authorization=Sekret9.txt\"",
    ] {
        for text in [
            format!("server: {{tls: {{cert: {secret}, key: {secret}, client_ca: {secret}}}}}"),
            format!("authn: {{api_keys: {{file: {secret}, dir: {secret}}}}}"),
            issuer(&format!("jwks_file: {secret}")),
            issuer(&format!("ca_file: {secret}")),
            opaque(&format!("client_secret_file: {secret}")),
            format!(
                "telemetry: {{traces: {{endpoint: 'http://127.0.0.1:1/x', headers_file: {secret}}}}}"
            ),
            format!(
                "telemetry: {{traces: {{endpoint: 'http://127.0.0.1:1/x', ca_file: {secret}}}}}"
            ),
            format!("pygeoapi: {{config: {secret}}}"),
            format!("policy: {{path: {secret}}}"),
        ] {
            let told = read(&text, &[]).unwrap_err().join("\n");
            assert!(!told.contains("Sekret9"), "{text}: {told}");
            assert!(
                told.contains("geowarden.yaml:1: ") && told.contains("does not look like a path"),
                "{text}: {told}"
            );
        }
    }
    let section = ("GEOWARDEN_SERVER__TLS", "{cert: Sekret9, key: Sekret9}");
    let told = read("", &[section]).unwrap_err().concat();
    assert!(
        told.contains("does not look like a path") && !told.contains("Sekret9"),
        "{told}"
    );
    let variable = ("GEOWARDEN_SERVER__TLS__KEY", "Sekret9");
    let told = read("server: {tls: {cert: a.pem}}", &[variable]).unwrap_err();
    assert_eq!(
        told,
        [
            "geowarden.yaml:1: server.tls.cert: no such file: /etc/geowarden/a.pem",
            "environment variable GEOWARDEN_SERVER__TLS__KEY: server.tls.key: no such file; the value is not shown, since it does not look like a path",
        ]
    );
}

#[test]
fn what_serve_cannot_use_is_found_by_check() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.pem", "b.pem"] {
        std::fs::write(dir.path().join(name), "Sekret9\n-----BEGIN Sekret9-----\n").unwrap();
    }
    let issuer = "issuer: 'https://i.example', audiences: any";
    for (text, key) in [
        (
            "server: {tls: {cert: a.pem, key: b.pem}}".to_owned(),
            "server.tls.cert",
        ),
        (
            "server: {admin_grpc: {address: '127.0.0.1:0', tls: {cert: a.pem, key: b.pem}}}"
                .to_owned(),
            "server.admin_grpc.tls.cert",
        ),
        (
            format!("authn: {{jwt: [{{{issuer}, ca_file: a.pem}}]}}"),
            "authn.jwt[0].ca_file",
        ),
        (
            "telemetry: {traces: {endpoint: 'http://127.0.0.1:1/x', ca_file: a.pem}}".to_owned(),
            "telemetry.traces.ca_file",
        ),
    ] {
        let read = Config::from_text("g.yaml", &text, dir.path(), &Environment::default());
        let read = read.and_then(Config::with_usable_files);
        let told = read.unwrap_err().to_string();
        assert!(
            told.starts_with(&format!("g.yaml:1: {key}: expected ")),
            "{told}"
        );
        assert!(!told.contains("Sekret9"), "{told}");
    }
}

#[test]
fn no_name_and_no_text_of_a_setting_is_told() {
    for text in [
        "telemetry: {traces: {endpoint: 'http://127.0.0.1:1/x', resource: {Sekret9: [1]}}}",
        "server: {grpc: Sekret9}",
        "server: {grpc: 'unix:Sekret9'}",
        "server: {admin: Sekret9}",
        "server: {admin_grpc: {address: Sekret9}}",
        "policy: {entrypoint: Sekret9}",
        "pygeoapi: {base_path: Sekret9}",
        "tenants: {a: {authn: {}, policy: {}, hosts: ['Sekret9/']}}",
        "tenants: {Sekret9: {authn: {}, policy: {}}}",
        "tenants: {Sekret9: {authn: 1, policy: {}}}",
        "server: {drain: Sekret9}",
    ] {
        let told = read(text, &[]).unwrap_err().join("\n");
        let is_helpful = told.contains("geowarden.yaml:1: ") && told.contains("expected ");
        assert!(is_helpful && !told.contains("Sekret9"), "{text}: {told}");
    }
}
