//! What the claims of a well signed token must say.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn claims_are_judged() {
    use AuthnErrorKind::*;
    let cases: &[(&str, Value, Option<AuthnErrorKind>)] = &[
        ("expires now", json!({"exp": NOW}), Some(ExpiredToken)),
        ("expired", json!({"exp": NOW - 1}), Some(ExpiredToken)),
        ("expired long ago", json!({"exp": -1}), Some(ExpiredToken)),
        ("expires in a moment", json!({"exp": 1_900_000_000.5}), None),
        ("no expiry", json!({"exp": null}), Some(MissingExpiry)),
        (
            "expiry as text",
            json!({"exp": "1900000300"}),
            Some(MalformedToken),
        ),
        (
            "expiry as list",
            json!({"exp": [NOW + 300]}),
            Some(MalformedToken),
        ),
        ("not yet", json!({"nbf": NOW + 1}), Some(NotYetValid)),
        ("from now on", json!({"nbf": NOW}), None),
        (
            "not before as text",
            json!({"nbf": "0"}),
            Some(MalformedToken),
        ),
        (
            "issued tomorrow",
            json!({"iat": NOW + 86400}),
            Some(IssuedInFuture),
        ),
        (
            "issued in a second",
            json!({"iat": NOW + 1}),
            Some(IssuedInFuture),
        ),
        ("no issue time", json!({"iat": null}), None),
        (
            "issue time true",
            json!({"iat": true}),
            Some(MalformedToken),
        ),
        (
            "other audience",
            json!({"aud": "other"}),
            Some(WrongAudience),
        ),
        (
            "audience in capitals",
            json!({"aud": "GEO"}),
            Some(WrongAudience),
        ),
        ("second audience", json!({"aud": "maps"}), None),
        ("no audience", json!({"aud": null}), Some(MissingAudience)),
        (
            "no audience but client",
            json!({"aud": null, "client_id": "geo"}),
            Some(MissingAudience),
        ),
        (
            "audience in a list",
            json!({"aud": ["account", "geo"]}),
            None,
        ),
        (
            "list of others",
            json!({"aud": ["account", "other"]}),
            Some(WrongAudience),
        ),
        ("empty list", json!({"aud": []}), Some(WrongAudience)),
        (
            "mixed list",
            json!({"aud": ["geo", 1]}),
            Some(MalformedToken),
        ),
        (
            "audience as number",
            json!({"aud": 1}),
            Some(MalformedToken),
        ),
        (
            "other issuer's name",
            json!({"iss": OTHER_ISSUER}),
            Some(UnknownKeyId),
        ),
        (
            "unknown issuer",
            json!({"iss": "https://evil.example"}),
            Some(UnknownIssuer),
        ),
        (
            "issuer with a slash",
            json!({"iss": format!("{ISSUER}/")}),
            Some(UnknownIssuer),
        ),
        ("no issuer", json!({"iss": null}), Some(UnknownIssuer)),
        (
            "list of issuers",
            json!({"iss": [ISSUER]}),
            Some(UnknownIssuer),
        ),
        ("no subject", json!({"sub": null}), None),
        ("subject as number", json!({"sub": 7}), Some(MalformedToken)),
    ];
    let provider = provider();
    for (name, changes, expected) in cases {
        let checked = provider.check(&rsa().token(&claims(changes))).await;
        assert_eq!(checked.err(), *expected, "{name}");
    }
    let nothing = rsa().sign(
        "RS256",
        r#"{"alg":"RS256","kid":"rsa-1"}"#,
        &format!(r#"{{"iss":"{ISSUER}","exp":null}}"#),
    );
    assert_eq!(provider.check(&nothing).await.err(), Some(MalformedToken));
}

#[tokio::test]
async fn settings_of_the_issuer_apply() {
    let leeway = IssuerSettings {
        leeway: Duration::from_secs(5),
        ..settings()
    };
    let tolerant = provider_with(leeway, &[rsa()]);
    let at = |name: &str, time: u64| rsa().token(&claims(&json!({ name: time })));
    assert!(tolerant.check(&at("exp", NOW - 4)).await.is_ok());
    assert_eq!(
        tolerant.check(&at("exp", NOW - 5)).await.err(),
        Some(AuthnErrorKind::ExpiredToken)
    );
    assert!(tolerant.check(&at("nbf", NOW + 5)).await.is_ok());
    assert_eq!(
        tolerant.check(&at("iat", NOW + 6)).await.err(),
        Some(AuthnErrorKind::IssuedInFuture)
    );

    let cognito = IssuerSettings {
        accept_client_id_as_audience: true,
        ..settings()
    };
    let cognito = provider_with(cognito, &[rsa()]);
    let check = async |changes: Value| cognito.check(&rsa().token(&claims(&changes))).await.err();
    assert_eq!(check(json!({"aud": null, "client_id": "geo"})).await, None);
    assert_eq!(
        check(json!({"aud": null, "client_id": "x"})).await,
        Some(AuthnErrorKind::WrongAudience)
    );
    assert_eq!(
        check(json!({"aud": "x", "client_id": "geo"})).await,
        Some(AuthnErrorKind::WrongAudience)
    );
    assert_eq!(
        check(json!({"aud": null, "client_id": ["geo"]})).await,
        Some(AuthnErrorKind::MissingAudience)
    );

    let anyone = provider_with(
        IssuerSettings {
            audiences: Audiences::Any,
            ..settings()
        },
        &[rsa()],
    );
    assert!(
        anyone
            .check(&rsa().token(&claims(&json!({"aud": null}))))
            .await
            .is_ok()
    );

    let only_ps = IssuerSettings {
        algorithms: vec![Algorithm::Ps256],
        ..settings()
    };
    let only_ps = provider_with(only_ps, &[rsa()]);
    let refused = only_ps.check(&rsa().token(&claims(&json!({})))).await;
    assert_eq!(refused.err(), Some(AuthnErrorKind::AlgorithmNotAllowed));
}

#[tokio::test]
async fn scopes_are_words() {
    let provider = provider();
    let cases = [
        (json!({"scope": "a  b "}), vec!["a", "b"]),
        (json!({"scope": null, "scp": "a b"}), vec!["a", "b"]),
        (
            json!({"scope": null, "scp": ["a b", 1, "c"]}),
            vec!["a b", "c"],
        ),
        (json!({"scope": "a", "scp": ["b"]}), vec!["a"]),
        (json!({"scope": 1, "scp": ["b"]}), vec![]),
        (json!({"scope": null}), vec![]),
    ];
    for (changes, expected) in cases {
        let principal = provider
            .check(&rsa().token(&claims(&changes)))
            .await
            .unwrap();
        assert_eq!(*principal.scopes, expected, "{changes}");
    }
}
