#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Map, json};

use super::jwt::signing::{ISSUER, ManualClock, claims, key_set, rsa};
use super::*;
use crate::identity::CredentialKind;

const KEY: &str = "gw_wonderland";

type Sent<'a> = &'a [(&'a str, &'a str)];

fn table() -> KeyTable {
    let entry = KeyEntry {
        id: "alice".to_owned(),
        sha256: key_digest(KEY.as_bytes()),
        attributes: Map::new(),
        expires: None,
    };
    KeyTable::new(vec![entry]).unwrap()
}

fn settings(keys: bool, tokens: bool) -> ChainSettings {
    let mut settings = ChainSettings::default();
    if keys {
        settings.api_keys = Some(ApiKeySettings::by_header(
            "X-API-Key",
            Arc::new(KeyRing::new(table())),
        ));
    }
    if tokens {
        let issuer = IssuerSettings::new(ISSUER, Audiences::OneOf(vec!["geo".to_owned()]));
        settings.issuers = vec![(issuer, KeySource::fixed(ISSUER, key_set(&[rsa()])))];
    }
    settings
}

fn chain(keys: bool, tokens: bool) -> Chain {
    Chain::new(settings(keys, tokens), ManualClock::new()).unwrap()
}

fn asked(headers: &[(&str, &str)]) -> CheckInput {
    CheckInput {
        headers: headers.iter().copied().collect(),
        ..CheckInput::default()
    }
}

async fn check(chain: &Chain, headers: &[(&str, &str)]) -> Result<Principal, AuthnError> {
    chain.authenticate(&asked(headers)).await
}

fn bearer() -> String {
    format!("Bearer {}", rsa().token(&claims(&json!({}))))
}

#[tokio::test]
async fn each_credential_finds_its_authenticator() {
    let chain = chain(true, true);
    assert_eq!(
        check(&chain, &[("accept", "*/*")]).await.unwrap(),
        Principal::anonymous()
    );
    let by_key = check(&chain, &[("x-api-key", KEY)]).await.unwrap();
    assert_eq!(
        (by_key.credential, by_key.subject.as_deref()),
        (CredentialKind::ApiKey, Some("alice"))
    );
    let by_token = check(&chain, &[("authorization", &bearer())])
        .await
        .unwrap();
    assert_eq!(
        (by_token.credential, by_token.subject.as_deref()),
        (CredentialKind::Jwt, Some("alice"))
    );
}

#[tokio::test]
async fn what_is_not_configured_is_not_taken() {
    for (header, chain) in [
        (bearer(), chain(true, false)),
        ("Basic QQ==".to_owned(), chain(true, true)),
    ] {
        let sent = [("authorization", header.as_str())];
        assert_eq!(check(&chain, &sent).await.unwrap(), Principal::anonymous());
        let beside_a_key = [sent[0], ("x-api-key", KEY)];
        let caller = check(&chain, &beside_a_key).await.unwrap();
        assert_eq!(caller.credential, CredentialKind::ApiKey);
    }
    let ignored = check(&chain(false, true), &[("x-api-key", KEY)])
        .await
        .unwrap();
    assert!(!ignored.is_authenticated());
    // Without configured credentials, none is wrong: a 401 would ask for one that does not exist.
    let nobody = chain(false, false);
    for credential in [bearer().as_str(), "Basic QQ=="] {
        let sent = check(&nobody, &[("authorization", credential)]).await;
        assert!(!sent.unwrap().is_authenticated(), "{credential}");
    }
    assert_eq!(
        kept_back(&nobody, CredentialKind::Anonymous),
        ["authorization"]
    );
}

#[tokio::test]
async fn a_refusal_carries_its_challenges() {
    let chain = chain(true, true);
    let plain = [
        r#"Bearer realm="pygeoapi""#,
        r#"ApiKey realm="pygeoapi", header="x-api-key""#,
    ];
    assert_eq!(chain.challenges(), plain);
    let expired = rsa().token(&claims(&json!({"exp": 1})));
    let token = bearer();
    let cases: &[(Sent<'_>, u16, &str)] = &[
        (&[("x-api-key", "guess")], 401, plain[0]),
        (
            &[("authorization", &format!("Bearer {expired}"))],
            401,
            r#"Bearer realm="pygeoapi", error="invalid_token", error_description="The token has expired""#,
        ),
        (
            &[("authorization", "Bearer !")],
            401,
            r#"Bearer realm="pygeoapi", error="invalid_token", error_description="The token is malformed""#,
        ),
        (
            &[("authorization", &token), ("x-api-key", KEY)],
            400,
            r#"Bearer realm="pygeoapi", error="invalid_request", error_description="More than one credential was sent""#,
        ),
        (
            &[("authorization", &token), ("authorization", &token)],
            400,
            r#"Bearer realm="pygeoapi", error="invalid_request", error_description="A credential was sent more than once""#,
        ),
    ];
    for (headers, status, challenge) in cases {
        let error = check(&chain, headers).await.unwrap_err();
        assert_eq!(error.status(), *status, "{challenge}");
        assert_eq!(error.challenges(), [*challenge, plain[1]]);
    }
}

#[tokio::test]
async fn a_long_token_is_refused_unread() {
    let long = format!("Bearer {}", "a".repeat(16 * 1024 + 1));
    let error = check(&chain(false, true), &[("authorization", &long)])
        .await
        .unwrap_err();
    assert_eq!(error.kind(), AuthnErrorKind::TokenTooLarge);
}

#[test]
fn credentials_are_kept_from_the_upstream() {
    let both = ["x-api-key", "authorization"];
    assert_eq!(kept_back(&chain(true, true), CredentialKind::Jwt), both);
    let none = kept_back(&chain(false, false), CredentialKind::Anonymous);
    assert_eq!(none, ["authorization"]);
    let forwarding = ChainSettings {
        forward_authorization: true,
        ..settings(true, true)
    };
    let forwarding = Chain::new(forwarding, ManualClock::new()).unwrap();
    assert_eq!(kept_back(&forwarding, CredentialKind::Jwt), ["x-api-key"]);
    assert_eq!(
        kept_back(&forwarding, CredentialKind::OpaqueToken),
        ["x-api-key"]
    );
    // Whatever stands in `authorization` then, nobody has checked it.
    assert_eq!(kept_back(&forwarding, CredentialKind::ApiKey), both);
    assert_eq!(kept_back(&forwarding, CredentialKind::Anonymous), both);
}

/// The headers that the upstream of this caller does not get.
fn kept_back(chain: &Chain, credential: CredentialKind) -> Vec<String> {
    let caller = Principal {
        credential,
        ..Principal::anonymous()
    };
    let removal = chain.removal(&asked(&[("authorization", "Bearer a.b.c")]), &caller);
    let headers = removal.headers.into_iter().flatten();
    headers.map(str::to_owned).collect()
}

/// What comes along in `authorization` has been verified by nobody.
#[tokio::test]
async fn a_token_of_a_cookie_lets_no_other_authorization_through() {
    let settings = ChainSettings {
        forward_authorization: true,
        token_places: Places {
            query: None,
            cookie: Some("token".to_owned()),
        },
        ..settings(true, true)
    };
    let chain = Chain::new(settings, ManualClock::new()).unwrap();
    let cookie = format!("a=1; token={}", bearer().trim_start_matches("Bearer "));
    let sent = asked(&[("cookie", &cookie), ("authorization", "Basic bWU6cHc=")]);
    let caller = chain.authenticate(&sent).await.unwrap();
    assert_eq!(caller.credential, CredentialKind::Jwt);
    let removal = chain.removal(&sent, &caller);
    assert!(removal.headers.contains(&Some("authorization")));
    assert_eq!(removal.cookies_left.as_deref(), Some("a=1"));
    let alone = asked(&[("cookie", cookie.trim_start_matches("a=1; "))]);
    let removal = chain.removal(&alone, &caller);
    assert!(removal.headers.contains(&Some("cookie")) && removal.cookies_left.is_none());
}

#[test]
fn the_api_key_header_must_be_a_header_of_its_own() {
    for header in ["", "Authorization", "x api key", "x-\u{e9}", "x:y"] {
        let mut settings = settings(true, false);
        settings.api_keys = Some(ApiKeySettings::by_header(
            header,
            Arc::new(KeyRing::new(table())),
        ));
        let refused = Chain::new(settings, ManualClock::new()).err();
        assert!(
            matches!(refused, Some(ChainError::Header { .. })),
            "{header}"
        );
    }
}

#[tokio::test]
async fn nothing_prints_a_credential() {
    let chain = chain(true, true);
    let tampered = format!("{}x", bearer());
    for headers in [
        [("x-api-key", "hunter2-hunter2")],
        [("authorization", tampered.as_str())],
    ] {
        let error = check(&chain, &headers).await.unwrap_err();
        let printed = format!("{error:?} {error} {:?}", settings(true, true));
        for part in headers[0].1.split(['.', ' ']).filter(|part| part.len() > 8) {
            assert!(!printed.contains(part), "{printed}");
        }
        assert!(
            !printed.contains(KEY) && !printed.contains(&key_digest(KEY.as_bytes())),
            "{printed}"
        );
    }
}

#[test]
fn descriptions_fit_a_challenge() {
    use AuthnErrorKind::*;
    let kinds = [
        UnknownKey,
        ExpiredKey,
        MalformedToken,
        TokenTooLarge,
        BadSignature,
        ExpiredToken,
        NotYetValid,
        IssuedInFuture,
        MissingExpiry,
        WrongAudience,
        MissingAudience,
        UnknownIssuer,
        UnknownKeyId,
        AmbiguousKey,
        AlgorithmNotAllowed,
        CriticalHeader,
        TokenType,
        RepeatedCredential,
        SeveralCredentials,
        KeysUnavailable,
    ];
    let mut names = std::collections::HashSet::new();
    for kind in kinds {
        assert!(names.insert(kind.as_str()));
        assert!(
            kind.as_str()
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        );
        assert!(
            kind.detail()
                .bytes()
                .all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        );
        assert_eq!(
            kind.error_code() == Some("invalid_request"),
            kind.status() == 400
        );
    }
    assert_eq!(error::quoted("a\"b\\c\r\n"), r#""a\"b\\c  ""#);
}
