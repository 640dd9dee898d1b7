#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;

use super::*;

#[test]
fn the_path_of_the_issuer_is_kept() {
    let cases = [
        (
            "https://id.example",
            "https://id.example/.well-known/openid-configuration",
        ),
        (
            "https://id.example/",
            "https://id.example/.well-known/openid-configuration",
        ),
        (
            "https://id.example/realms/geo",
            "https://id.example/realms/geo/.well-known/openid-configuration",
        ),
        (
            "https://id.example/realms/geo/",
            "https://id.example/realms/geo/.well-known/openid-configuration",
        ),
        (
            "http://127.0.0.1:80/a",
            "http://127.0.0.1/a/.well-known/openid-configuration",
        ),
    ];
    for (issuer, url) in cases {
        assert_eq!(document_url(issuer).unwrap().as_str(), url, "{issuer}");
    }
    for (issuer, shown) in [
        ("", ""),
        ("id.example", "id.example"),
        ("file:///etc", "file:///etc"),
        ("https://id.example/?a=b", "https://id.example/.."),
        ("https://id.example/#a", "https://id.example/.."),
    ] {
        let refused = document_url(issuer).unwrap_err();
        assert_eq!(refused, DiscoveryError::Issuer(shown.to_owned()));
    }
}

fn read(named: &str, uri: &str, issuer: &str) -> Result<String, DiscoveryError> {
    let document = json!({"issuer": named, "jwks_uri": uri, "more": [1]}).to_string();
    jwks_uri(document.as_bytes(), issuer).map(String::from)
}

#[test]
fn the_document_must_be_the_issuers() {
    let (good, keys) = ("https://id.example/a", "https://keys.example/k");
    assert_eq!(read(good, keys, good).as_deref(), Ok(keys));
    let other = |found: &str| {
        Err(format!(
            "expected the metadata of `{good}`, found that of `{found}`: write `issuer` as the provider does"
        ))
    };
    let refused =
        |named: &str, uri: &str| read(named, uri, good).map_err(|error| error.to_string());
    for named in ["https://id.example/a/", "https://ID.example/a"] {
        assert_eq!(refused(named, keys), other(named));
    }
    for uri in ["http://keys.example/k", "file:///etc/passwd"] {
        let insecure = DiscoveryError::InsecureJwksUri(uri.to_owned());
        assert_eq!(read(good, uri, good), Err(insecure));
    }
    assert_eq!(
        refused(good, "/k").unwrap_err(),
        "expected a URL in the provider's `jwks_uri`, found `/k`: set `jwks_uri` yourself"
    );
    let plain = "http://localhost/a";
    assert!(read(plain, "http://localhost/k", plain).is_ok());
    let no_json = "an answer that is not JSON";
    let other_json = "JSON without them";
    for (document, found) in [
        ("", no_json),
        ("<html>", no_json),
        ("[]", other_json),
        ("{}", other_json),
        (r#"{"issuer":"https://id.example/a"}"#, other_json),
    ] {
        let refused = jwks_uri(document.as_bytes(), good);
        assert_eq!(
            refused,
            Err(DiscoveryError::NotADocument(found)),
            "{document}"
        );
    }
}

#[test]
fn an_endpoint_must_be_a_url_as_safe_as_the_issuer() {
    let issuer = "https://id.example/a";
    let refused = |document: serde_json::Value| {
        let document = document.to_string();
        endpoint(document.as_bytes(), issuer, "userinfo_endpoint")
            .unwrap_err()
            .to_string()
    };
    let member = "expected a URL in `userinfo_endpoint` of the provider's metadata, which is https if the issuer is";
    let cure = "correct the provider's public address";
    assert_eq!(
        refused(json!({"issuer": issuer})),
        format!("{member}, found none: {cure}")
    );
    assert_eq!(
        refused(json!({"issuer": issuer, "userinfo_endpoint": "http://id.example/u"})),
        format!("{member}, found `http://id.example/u`: {cure}")
    );
    assert!(refused(json!([])).contains("found no `issuer`"));
    let long = "a".repeat(1000);
    assert!(refused(json!({"issuer": long})).len() < 400);
}

/// Errors are written to the log, and shown by `geowarden status`.
#[test]
fn what_may_be_a_secret_is_not_quoted() {
    let good = "https://id.example/a";
    let refused = |uri: &str| read(good, uri, good).unwrap_err().to_string();
    let shown = refused("http://u:MARKER@keys.example/MARKER?t=MARKER");
    assert!(
        shown.contains("`http://keys.example/..`") && !shown.contains("MARKER"),
        "{shown}"
    );
    assert!(!refused("/k?t=MARKER").contains("MARKER"));
    let issuer = document_url("https://id.example/a?t=MARKER")
        .unwrap_err()
        .to_string();
    assert!(issuer.contains("`https://id.example/..`"), "{issuer}");
    let other = read("https://u:MARKER@id.example/a", good, good)
        .unwrap_err()
        .to_string();
    assert!(!other.contains("MARKER"), "{other}");
}
