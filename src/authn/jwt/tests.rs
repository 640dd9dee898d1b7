#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::too_many_lines
)]

mod claims;
mod forgery;

use serde_json::json;

use super::signing::*;
use super::*;
use crate::authn::Algorithm;
use crate::identity::CredentialKind;

const OTHER_ISSUER: &str = "https://other.example";

fn settings() -> IssuerSettings {
    IssuerSettings {
        algorithms: Algorithm::ALL.to_vec(),
        ..IssuerSettings::new(
            ISSUER,
            Audiences::OneOf(vec!["geo".to_owned(), "maps".to_owned()]),
        )
    }
}

struct Provider {
    clock: Arc<ManualClock>,
    keys: Arc<KeySource>,
    tokens: TokenAuthenticator,
}

fn provider_with(settings: IssuerSettings, signers: &[&Signer]) -> Provider {
    let clock = ManualClock::new();
    let keys = KeySource::fixed(ISSUER, key_set(signers));
    let other = IssuerSettings {
        issuer: OTHER_ISSUER.to_owned(),
        ..settings.clone()
    };
    let other_keys = KeySource::fixed(OTHER_ISSUER, key_set(&[other_rsa()]));
    let issuers = vec![(settings, Arc::clone(&keys)), (other, other_keys)];
    let tokens = TokenAuthenticator::new(
        issuers,
        100,
        Arc::clone(&clock) as Arc<dyn Clock>,
        "pygeoapi".to_owned(),
    )
    .unwrap();
    Provider {
        clock,
        keys,
        tokens,
    }
}

fn provider() -> Provider {
    provider_with(settings(), &[rsa(), es256(), es384(), ed25519()])
}

impl Provider {
    async fn check(&self, token: &str) -> Result<Principal, AuthnErrorKind> {
        let error = match self.tokens.verify(&Secret::new(token.as_bytes())).await {
            Ok(principal) => return Ok(principal),
            Err(error) => error,
        };
        for part in token.split('.').filter(|part| part.len() > 8) {
            assert!(!format!("{error:?}").contains(part), "{error:?}");
        }
        Err(error.kind())
    }
}

#[tokio::test]
async fn good_tokens_are_taken() {
    let provider = provider();
    for signer in [rsa(), es256(), es384(), ed25519()] {
        let principal = provider
            .check(&signer.token(&claims(&json!({"org": {"id": 7}}))))
            .await
            .unwrap();
        assert_eq!(principal.credential, CredentialKind::Jwt);
        assert_eq!(principal.subject.as_deref(), Some("alice"));
        assert_eq!(principal.issuer.as_deref(), Some(ISSUER));
        assert_eq!(principal.claims["org"]["id"], 7);
        assert_eq!(*principal.scopes, ["read", "write"]);
    }
    for algorithm in ["RS384", "RS512", "PS256", "PS384", "PS512"] {
        let header = json!({"alg": algorithm, "kid": "rsa-1"}).to_string();
        let token = rsa().sign(algorithm, &header, &claims(&json!({})).to_string());
        assert!(provider.check(&token).await.is_ok(), "{algorithm}");
    }
    // RFC 9864 has its own name for EdDSA with this curve.
    let token = ed25519().sign(
        "EdDSA",
        r#"{"alg":"Ed25519","kid":"ed-1"}"#,
        &claims(&json!({})).to_string(),
    );
    assert!(provider.check(&token).await.is_ok());
}

#[tokio::test]
async fn a_token_without_kid_needs_one_fitting_key() {
    let body = claims(&json!({})).to_string();
    let token = rsa().sign("RS256", r#"{"alg":"RS256"}"#, &body);
    let check =
        async |signers: &[&Signer]| provider_with(settings(), signers).check(&token).await.err();
    assert_eq!(check(&[rsa()]).await, None);
    assert_eq!(check(&[es256(), rsa(), ed25519()]).await, None);
    assert_eq!(
        check(&[rsa(), other_rsa()]).await,
        Some(AuthnErrorKind::AmbiguousKey)
    );
    assert_eq!(
        check(&[es256()]).await,
        Some(AuthnErrorKind::AlgorithmNotAllowed)
    );
    assert_eq!(
        check(&[other_rsa()]).await,
        Some(AuthnErrorKind::BadSignature)
    );
    assert_eq!(check(&[]).await, Some(AuthnErrorKind::KeysUnavailable));
    let named = rsa().token(&claims(&json!({})));
    let twice = provider_with(settings(), &[rsa(), rsa()])
        .check(&named)
        .await;
    assert_eq!(twice.err(), None);
}

#[tokio::test]
async fn verified_tokens_are_remembered_until_they_expire_or_the_keys_change() {
    let provider = provider();
    let token = rsa().token(&claims(&json!({})));
    let known = |provider: &Provider| {
        let digest = digest::digest(&digest::SHA256, token.as_bytes());
        provider
            .tokens
            .remembered
            .get(&digest, provider.tokens.now())
            .is_some()
    };
    assert!(provider.check(&format!("{token}A")).await.is_err());
    assert_eq!(provider.tokens.remembered.len(), 0);
    let first = provider.check(&token).await.unwrap();
    assert!(known(&provider));
    assert_eq!(provider.check(&token).await.unwrap(), first);

    // The same keys again change nothing; others do, even when this key is among them.
    provider
        .keys
        .publish(key_set(&[rsa(), es256(), es384(), ed25519()]));
    assert!(known(&provider));
    provider.keys.publish(key_set(&[rsa()]));
    assert!(!known(&provider));
    assert!(provider.check(&token).await.is_ok());
    assert!(known(&provider));
    provider.keys.publish(key_set(&[es256()]));
    assert_eq!(
        provider.check(&token).await.err(),
        Some(AuthnErrorKind::UnknownKeyId)
    );

    provider.keys.publish(key_set(&[rsa()]));
    assert!(provider.check(&token).await.is_ok());
    provider.clock.set_millis((NOW + 300) * 1000 - 1);
    assert!(known(&provider) && provider.check(&token).await.is_ok());
    provider.clock.set_millis((NOW + 300) * 1000);
    assert!(!known(&provider));
    assert_eq!(provider.tokens.remembered.len(), 0);
    assert_eq!(
        provider.check(&token).await.err(),
        Some(AuthnErrorKind::ExpiredToken)
    );
}

#[test]
fn unusable_settings_are_refused() {
    let keys = || KeySource::fixed(ISSUER, key_set(&[]));
    let build = |list: Vec<IssuerSettings>| {
        let issuers = list
            .into_iter()
            .map(|settings| (settings, keys()))
            .collect();
        TokenAuthenticator::new(issuers, 0, ManualClock::new(), String::new()).err()
    };
    let issuer = || ISSUER.to_owned();
    assert_eq!(build(vec![settings()]), None);
    assert_eq!(
        build(vec![settings(), settings()]),
        Some(IssuerSettingsError::Duplicate { issuer: issuer() })
    );
    assert_eq!(
        build(vec![IssuerSettings::new("", Audiences::Any)]),
        Some(IssuerSettingsError::NoName)
    );
    let none = IssuerSettings {
        algorithms: Vec::new(),
        ..settings()
    };
    assert_eq!(
        build(vec![none]),
        Some(IssuerSettingsError::NoAlgorithm { issuer: issuer() })
    );
    for list in [vec![], vec![String::new()]] {
        let nobody = IssuerSettings::new(ISSUER, Audiences::OneOf(list));
        assert_eq!(
            build(vec![nobody]),
            Some(IssuerSettingsError::NoAudience { issuer: issuer() })
        );
    }
}
