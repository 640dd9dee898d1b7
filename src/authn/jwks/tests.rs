#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use data_encoding::BASE64URL_NOPAD;
use serde_json::json;

use super::*;
use crate::authn::KeySource;
use crate::authn::jwt::signing::{ed25519, es256, es384, jwks, other_rsa, rsa};

fn parse(set: &Value) -> KeySet {
    KeySet::parse(set.to_string().as_bytes()).unwrap()
}

fn with(key: &Value, changes: &Value) -> Value {
    let mut key = key.clone();
    key.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    key
}

/// What Keycloak serves by default: a signing key and an encryption key, both RSA.
#[test]
fn the_default_set_of_keycloak_has_one_key_for_us() {
    let certificate = json!({"x5c": ["MIIC"], "x5t": "abc", "x5t#S256": "def"});
    let signing = with(&with(&rsa().jwk, &certificate), &json!({"alg": "RS256"}));
    let encryption = with(
        &with(&other_rsa().jwk, &certificate),
        &json!({"alg": "RSA-OAEP", "use": "enc"}),
    );
    let set = parse(&json!({"keys": [encryption, signing]}));
    assert_eq!((set.len(), set.unfit().len()), (1, 1));
    assert!(set.select(Some("rsa-1"), Algorithm::Rs256).is_ok());
    assert!(set.select(None, Algorithm::Rs256).is_ok());
    assert_eq!(
        set.select(Some("rsa-1"), Algorithm::Ps256).err(),
        Some(KeyMiss::Unfit)
    );
    assert_eq!(
        set.select(Some("rsa-2"), Algorithm::Rs256).err(),
        Some(KeyMiss::Unknown)
    );
}

#[test]
fn keys_of_no_use_are_skipped() {
    let (rsa, ec, ed) = (&rsa().jwk, &es256().jwk, &ed25519().jwk);
    let small = BASE64URL_NOPAD.encode(&[0xff; 128]);
    let huge = BASE64URL_NOPAD.encode(&[0xff; 2048]);
    let useless = [
        with(rsa, &json!({"use": "enc"})),
        with(rsa, &json!({"use": "tls"})),
        with(rsa, &json!({"key_ops": ["sign"]})),
        with(rsa, &json!({"key_ops": "verify"})),
        with(rsa, &json!({"alg": "RS1"})),
        with(rsa, &json!({"alg": "HS256"})),
        with(rsa, &json!({"alg": "none"})),
        with(rsa, &json!({"alg": "ES256"})),
        with(rsa, &json!({"kid": 7})),
        with(rsa, &json!({"n": small})),
        with(rsa, &json!({"n": huge})),
        with(rsa, &json!({"n": "***"})),
        with(rsa, &json!({"n": ""})),
        with(rsa, &json!({"e": ""})),
        with(rsa, &json!({"e": "AA"})),
        with(rsa, &json!({"e": "AQ"})),
        with(rsa, &json!({"e": "AAAB"})),
        with(rsa, &json!({"e": "Ag"})),
        with(rsa, &json!({"n": BASE64URL_NOPAD.encode(&[0xfe; 256])})),
        with(rsa, &json!({"d": "AQAB"})),
        with(ec, &json!({"d": null, "crv": "P-521"})),
        with(ec, &json!({"d": "AQAB"})),
        with(ec, &json!({"crv": "secp256k1"})),
        with(ec, &json!({"crv": "P-384"})),
        with(ec, &json!({"x": ec["y"]})),
        with(ed, &json!({"crv": "X25519"})),
        with(ed, &json!({"x": "AQAB"})),
        json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "kid": "a"}),
        json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AQAB"}),
        json!({"kty": "RSA"}),
        json!({}),
        json!("key"),
        json!(null),
    ];
    for key in useless {
        let set = parse(&json!({"keys": [key]}));
        assert_eq!((set.len(), set.unfit().len()), (0, 1), "{key}");
    }
    let useful = [
        with(rsa, &json!({"key_ops": ["verify"], "new": {"a": 1}})),
        with(
            rsa,
            &json!({"n": format!("AAAA{}", rsa["n"].as_str().unwrap())}),
        ),
        with(ec, &json!({"use": "sig"})),
        es384().jwk.clone(),
        with(ed, &json!({"alg": "Ed25519"})),
    ];
    for key in useful {
        assert_eq!(parse(&json!({"keys": [key]})).len(), 1, "{key}");
    }
}

#[test]
fn what_is_no_set_is_an_error() {
    for document in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
        r#"{"keys":["#,
    ] {
        let refused = KeySet::parse(document.as_bytes());
        assert_eq!(refused.err(), Some(KeySetError::NotAKeySet), "{document}");
    }
    assert!(KeySet::parse(br#"{"keys":[]}"#).unwrap().is_empty());
    let many = json!({"keys": vec![json!({}); MAX_KEYS + 1]}).to_string();
    assert_eq!(
        KeySet::parse(many.as_bytes()).err(),
        Some(KeySetError::TooManyKeys(MAX_KEYS + 1))
    );
    let large = format!("{}{}", " ".repeat(MAX_BYTES), r#"{"keys":[]}"#);
    assert_eq!(
        KeySet::parse(large.as_bytes()).err(),
        Some(KeySetError::TooLarge)
    );
}

#[test]
fn keys_with_one_id_must_differ_in_algorithm() {
    let twin = with(&other_rsa().jwk, &json!({"kid": "rsa-1"}));
    let set = parse(&json!({"keys": [rsa().jwk, twin]}));
    assert_eq!(
        set.select(Some("rsa-1"), Algorithm::Rs256).err(),
        Some(KeyMiss::Ambiguous)
    );
    let apart = [
        with(&rsa().jwk, &json!({"alg": "RS256"})),
        with(&twin, &json!({"alg": "PS256"})),
    ];
    let set = parse(&json!({"keys": apart}));
    assert!(set.select(Some("rsa-1"), Algorithm::Rs256).is_ok());
    assert!(set.select(Some("rsa-1"), Algorithm::Ps256).is_ok());
    assert_eq!(
        set.select(Some("rsa-1"), Algorithm::Rs512).err(),
        Some(KeyMiss::Unfit)
    );
}

#[test]
fn sets_are_compared_by_their_usable_keys() {
    let one = parse(&jwks(&[rsa()]));
    assert_eq!(one, parse(&jwks(&[rsa()])));
    assert_eq!(
        one,
        parse(&json!({"keys": [rsa().jwk, {"kty": "oct"}], "cached": 1}))
    );
    assert_ne!(one, parse(&jwks(&[rsa(), es256()])));
    assert_ne!(one, parse(&jwks(&[other_rsa()])));
    assert!(!format!("{one:?}").contains(rsa().jwk["n"].as_str().unwrap()));
}

#[test]
fn keys_that_are_gone_are_taken_away_and_none_is_added() {
    let source = KeySource::fixed("https://idp.example", parse(&jwks(&[rsa(), es256()])));
    let before = source.generation();
    assert!(!source.keep_only(&parse(&jwks(&[rsa(), es256(), other_rsa()]))));
    assert_eq!(
        (source.status().keys, source.generation()),
        (Some(2), before)
    );
    assert!(source.keep_only(&parse(&jwks(&[other_rsa(), es256()]))));
    assert_eq!(source.status().keys, Some(1));
    assert_ne!(source.generation(), before);
    // The same id with another key is another key.
    let set = jwks(&[rsa()]);
    let source = KeySource::fixed("https://idp.example", parse(&set));
    let mut other = jwks(&[other_rsa()]);
    other["keys"][0]["kid"] = set["keys"][0]["kid"].clone();
    assert!(source.keep_only(&parse(&other)));
    assert_eq!(source.status().keys, Some(0));
    assert!(!source.keep_only(&KeySet::none()));
}

#[test]
fn the_same_key_twice_is_one_key() {
    let named = with(&rsa().jwk, &json!({"x5t": "abc"}));
    for twin in [rsa().jwk.clone(), named] {
        let set = parse(&json!({"keys": [rsa().jwk, twin]}));
        assert!(set.select(Some("rsa-1"), Algorithm::Rs256).is_ok());
        assert!(set.select(None, Algorithm::Rs256).is_ok());
    }
    let other = with(&other_rsa().jwk, &json!({"kid": "rsa-1"}));
    let set = parse(&json!({"keys": [rsa().jwk, other, rsa().jwk]}));
    let selected = set.select(Some("rsa-1"), Algorithm::Rs256);
    assert_eq!(selected.err(), Some(KeyMiss::Ambiguous));
}

#[test]
fn a_key_that_is_only_a_certificate_is_named() {
    let certificate = json!({"kty": "RSA", "kid": "a", "use": "sig", "x5c": ["MIIC"]});
    let encryption = with(&certificate, &json!({"use": "enc", "kid": "b"}));
    let set = parse(&json!({"keys": [rsa().jwk, certificate, encryption]}));
    assert_eq!(
        (set.len(), faulty(&set)),
        (1, vec!["key `a`: it has only a certificate (`x5c`): publish its `n` and `e`, or `x` and `y`".to_owned()])
    );
    let useless = json!({"keys": [certificate]}).to_string();
    let refused = KeySet::parse_usable(useless.as_bytes()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("key `a`: it has only a certificate (`x5c`)"),
        "{refused}"
    );
}

fn faulty(set: &KeySet) -> Vec<String> {
    let all = set.unfit().iter().filter(|key| key.is_faulty());
    all.map(ToString::to_string).collect()
}

#[test]
fn each_faulty_key_is_named_with_its_fault() {
    let (rsa, ec) = (&rsa().jwk, &es256().jwk);
    let small = BASE64URL_NOPAD.encode(&[0xff; 128]);
    for (key, told) in [
        (
            with(rsa, &json!({"kid": "k", "n": small})),
            "key `k`: expected an RSA key of 2048 to 8192 bits, found 1024 bits",
        ),
        (
            with(rsa, &json!({"kid": "k", "e": "AQ"})),
            "key `k`: expected an odd `n` and an odd `e` of at least 3",
        ),
        (
            with(rsa, &json!({"kid": "k", "d": "AQAB"})),
            "key `k`: it has a private part",
        ),
        (
            with(rsa, &json!({"kid": "k", "alg": "ES256"})),
            "key `k`: expected an `alg` for keys of this `kty`",
        ),
        (
            with(rsa, &json!({"kid": "k", "n": "***"})),
            "key `k`: expected `n` in base64url",
        ),
        (
            with(ec, &json!({"kid": "k", "x": ec["y"]})),
            "key `k`: expected a public key",
        ),
        (json!("key"), "a key: expected a JWK"),
    ] {
        let set = parse(&json!({"keys": [key]}));
        let told_of = faulty(&set);
        assert!(
            told_of.len() == 1 && told_of[0].starts_with(told),
            "{told_of:?}"
        );
        let refused = KeySet::parse_usable(json!({"keys": [key]}).to_string().as_bytes());
        assert!(refused.unwrap_err().to_string().contains(told));
    }
    for other in [with(rsa, &json!({"use": "enc"})), json!({"kty": "AKP"})] {
        assert_eq!(
            faulty(&parse(&json!({"keys": [other]}))),
            Vec::<String>::new()
        );
    }
}
