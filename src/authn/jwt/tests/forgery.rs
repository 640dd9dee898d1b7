//! Tokens that the issuer did not make, or not for this.

use serde_json::{Value, json};

use super::*;

#[tokio::test]
async fn forged_tokens_are_refused() {
    use AuthnErrorKind::*;
    let provider = provider();
    let body = claims(&json!({})).to_string();
    let good = rsa().token(&claims(&json!({})));
    let signature = good.rsplit_once('.').unwrap().1;
    let with = |header: Value| rsa().sign("RS256", &header.to_string(), &body);
    let hmac = json!({"alg": "HS256", "kid": "rsa-1"}).to_string();
    let mut cases = vec![
        (
            "HMAC with the public key",
            sign_with_secret(rsa().public_pem.as_bytes(), &hmac, &body),
            AlgorithmNotAllowed,
        ),
        (
            "RSA key, ES256",
            with(json!({"alg": "ES256", "kid": "rsa-1"})),
            AlgorithmNotAllowed,
        ),
        (
            "EC key, RS256",
            with(json!({"alg": "RS256", "kid": "ec-1"})),
            AlgorithmNotAllowed,
        ),
        (
            "P-384 key, ES256",
            with(json!({"alg": "ES256", "kid": "ec-2"})),
            AlgorithmNotAllowed,
        ),
        (
            "Ed25519 key, RS256",
            with(json!({"alg": "RS256", "kid": "ed-1"})),
            AlgorithmNotAllowed,
        ),
        (
            "signed RS256, says PS256",
            with(json!({"alg": "PS256", "kid": "rsa-1"})),
            BadSignature,
        ),
        (
            "unknown kid",
            with(json!({"alg": "RS256", "kid": "rsa-9"})),
            UnknownKeyId,
        ),
        (
            "empty kid",
            with(json!({"alg": "RS256", "kid": ""})),
            UnknownKeyId,
        ),
        (
            "key of another issuer",
            other_rsa().token(&claims(&json!({}))),
            UnknownKeyId,
        ),
        (
            "our kid, another key",
            other_rsa().sign("RS256", r#"{"alg":"RS256","kid":"rsa-1"}"#, &body),
            BadSignature,
        ),
        (
            "critical",
            with(json!({"alg": "RS256", "kid": "rsa-1", "crit": ["exp"]})),
            CriticalHeader,
        ),
        (
            "logout",
            with(json!({"alg": "RS256", "kid": "rsa-1", "typ": "logout+jwt"})),
            TokenType,
        ),
        (
            "own key",
            other_rsa().sign(
                "RS256",
                &json!({"alg": "RS256", "kid": "rsa-2", "jwk": other_rsa().jwk}).to_string(),
                &body,
            ),
            UnknownKeyId,
        ),
        (
            "own key without kid",
            other_rsa().sign(
                "RS256",
                &json!({"alg": "RS256", "jwk": other_rsa().jwk, "jku": "https://evil"}).to_string(),
                &body,
            ),
            BadSignature,
        ),
        (
            "key at an address",
            other_rsa().sign(
                "RS256",
                r#"{"alg":"RS256","kid":"rsa-1","jku":"https://evil","x5u":"https://evil","x5c":["MII"]}"#,
                &body,
            ),
            BadSignature,
        ),
        (
            "key in a file",
            with(json!({"alg": "RS256", "kid": "../../../../dev/null"})),
            UnknownKeyId,
        ),
        (
            "key from a database",
            with(json!({"alg": "RS256", "kid": "x' UNION SELECT 'secret'; --\u{0}"})),
            UnknownKeyId,
        ),
        (
            "a token in a token",
            rsa().sign("RS256", r#"{"alg":"RS256","kid":"rsa-1","cty":"JWT"}"#, &good),
            TokenType,
        ),
        (
            "a token in a token that does not say so",
            rsa().sign("RS256", r#"{"alg":"RS256","kid":"rsa-1"}"#, &good),
            MalformedToken,
        ),
        (
            "encrypted",
            format!("{good}.AAAA.AAAA"),
            MalformedToken,
        ),
        (
            "signature of another curve",
            es384().sign("ES384", r#"{"alg":"ES256","kid":"ec-1"}"#, &body),
            BadSignature,
        ),
        (
            "signature of zeros",
            format!(
                "{}.{}",
                unsigned(r#"{"alg":"ES256","kid":"ec-1"}"#, &body),
                data_encoding::BASE64URL_NOPAD.encode(&[0; 64])
            ),
            BadSignature,
        ),
        (
            "data behind the claims",
            rsa().sign("RS256", r#"{"alg":"RS256","kid":"rsa-1"}"#, &format!("{body}{{}}")),
            MalformedToken,
        ),
        ("data behind the signature", format!("{good}AAAA"), BadSignature),
        (
            "other claims",
            format!(
                "{}.{signature}",
                unsigned(r#"{"alg":"RS256","kid":"rsa-1"}"#, &body)
            ),
            BadSignature,
        ),
        (
            "no signature",
            good.trim_end_matches(signature).to_owned(),
            BadSignature,
        ),
        (
            "two parts",
            good.rsplit_once('.').unwrap().0.to_owned(),
            MalformedToken,
        ),
        ("four parts", format!("{good}."), MalformedToken),
        ("padded", format!("{good}=="), MalformedToken),
        (
            "standard alphabet",
            format!("{}+/", good.get(..good.len() - 2).unwrap()),
            MalformedToken,
        ),
        (
            "claim twice",
            rsa().sign(
                "RS256",
                r#"{"alg":"RS256","kid":"rsa-1"}"#,
                &body.replacen('{', r#"{"sub":"root","#, 1),
            ),
            MalformedToken,
        ),
        (
            "claims as text",
            rsa().sign("RS256", r#"{"alg":"RS256","kid":"rsa-1"}"#, "\"alice\""),
            MalformedToken,
        ),
        (
            "deep claims",
            rsa().sign(
                "RS256",
                r#"{"alg":"RS256","kid":"rsa-1"}"#,
                &format!("{{\"a\":{}", "[".repeat(5000)),
            ),
            MalformedToken,
        ),
    ];
    for none in ["none", "None", "NONE", "nOnE", "none ", ""] {
        let header = json!({"alg": none, "kid": "rsa-1"}).to_string();
        cases.push((
            "none",
            format!("{}.", unsigned(&header, &body)),
            AlgorithmNotAllowed,
        ));
        cases.push((
            "none, signed",
            rsa().sign("RS256", &header, &body),
            AlgorithmNotAllowed,
        ));
    }
    for (name, token, expected) in cases {
        assert_eq!(provider.check(&token).await.err(), Some(expected), "{name}");
    }
    let duplicates = provider
        .check(&rsa().sign("RS256", r#"{"alg":"RS256","alg":"RS256"}"#, &body))
        .await;
    assert_eq!(duplicates.err(), Some(MalformedToken));
}

#[tokio::test]
async fn a_changed_character_anywhere_is_refused() {
    let provider = provider();
    let good = es256().token(&claims(&json!({})));
    assert!(provider.check(&good).await.is_ok());
    for place in 0..good.len() {
        for other in ["A", "B", ".", "-"] {
            if &good[place..=place] != other {
                let changed = format!("{}{other}{}", &good[..place], &good[place + 1..]);
                assert!(provider.check(&changed).await.is_err(), "{place} {other}");
            }
        }
        assert!(provider.check(&good[..place]).await.is_err(), "{place}");
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    let provider = provider();
    let mut bytes = [0_u8; 256];
    for round in 0..2000_usize {
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        let length = round % bytes.len();
        let raw = &bytes[..length];
        assert!(provider.tokens.verify(&Secret::new(raw)).await.is_err());
        let encode = |part: &[u8]| data_encoding::BASE64URL_NOPAD.encode(part);
        let (one, two) = raw.split_at(length / 2);
        let header = encode(br#"{"alg":"ES256","kid":"ec-1"}"#);
        let payload = encode(claims(&json!({})).to_string().as_bytes());
        for token in [
            format!("{}.{}.{}", encode(one), encode(two), encode(one)),
            format!("{header}.{}.{}", encode(one), encode(two)),
            format!("{header}.{payload}.{}", encode(raw)),
        ] {
            assert!(provider.check(&token).await.is_err());
        }
    }
}
