//! Tokens, secrets and random values.

use serde_json::json;

use super::{Fault, evaluate};

/// A JSON Web Token of RFC 7515, appendix A.1, and its key.
const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const KEY: &str = r#"{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;

#[test]
fn tokens_are_decoded_and_verified() {
    let given = json!({"token": TOKEN, "key": KEY});
    for (expression, value) in [
        ("io.jwt.decode(input.token)[1].iss", json!("joe")),
        (
            "io.jwt.decode_verify(input.token, {\"cert\": input.key, \"time\": 1300819379000000000})[0]",
            json!(true),
        ),
        // The token has expired.
        (
            "io.jwt.decode_verify(input.token, {\"cert\": input.key})",
            json!([false, {}, {}]),
        ),
        (
            "io.jwt.decode_verify(input.token, {\"secret\": \"other\", \"time\": 0})[0]",
            json!(false),
        ),
        // A secret is not a public key.
        ("io.jwt.verify_rs256(input.token, input.key)", json!(false)),
        ("io.jwt.verify_hs256(input.token, input.key)", json!(false)),
        (
            "io.jwt.decode(io.jwt.encode_sign_raw(`{\"alg\": \"HS256\"}`, `{\"a\": 1}`, input.key))[1]",
            json!({"a": 1}),
        ),
    ] {
        assert_eq!(
            evaluate(expression, given.clone()),
            Ok(Some(value)),
            "{expression}"
        );
    }
}

/// Neither a token nor a key may appear in a log.
#[test]
fn no_error_tells_of_a_secret() {
    let given = json!({
        "token": "hush.hush.hush", "key": "hush", "claims": {"exp": "hush"}, "jwk": {"kty": "hush", "k": "hush"},
        "pem": "-----BEGIN hush-----\nhush\n-----END hush-----", "token_of": TOKEN,
    });
    for expression in [
        "io.jwt.decode(input.token)",
        "io.jwt.decode(input.key)",
        "io.jwt.verify_hs256(input.key, input.key)",
        "io.jwt.verify_rs256(input.token_of, input.key)",
        "io.jwt.verify_rs256(input.token_of, input.pem)",
        "io.jwt.verify_es256(input.token_of, json.marshal(input.jwk))",
        "io.jwt.decode_verify(input.token, {\"secret\": input.key})",
        "io.jwt.decode_verify(input.token, {\"secret\": input.jwk})",
        "io.jwt.decode_verify(input.token, {input.key: input.key})",
        "io.jwt.encode_sign({\"alg\": \"HS256\"}, {}, input.jwk)",
        "io.jwt.encode_sign({\"alg\": input.key}, {}, input.jwk)",
        "io.jwt.encode_sign_raw(input.key, input.key, input.key)",
        "crypto.hmac.sha256(input.key, input.jwk)",
        "crypto.hmac.equal(input.jwk, input.key)",
        "crypto.sha256(input.jwk)",
    ] {
        match evaluate(expression, given.clone()) {
            Err(Fault::Evaluation(told)) => assert!(!told.contains("hush"), "{expression}: {told}"),
            other => panic!("{expression}: {other:?}"),
        }
    }
}

/// A random value stays the same within an evaluation and changes in the next.
#[test]
fn chance_and_time_are_the_same_within_an_evaluation() {
    for expression in [
        "uuid.rfc4122(\"a\") == uuid.rfc4122(\"a\")",
        "uuid.rfc4122(\"a\") != uuid.rfc4122(\"b\")",
        "rand.intn(\"a\", 1000000000) == rand.intn(\"a\", 1000000000)",
        "time.now_ns() == time.now_ns()",
    ] {
        assert_eq!(
            evaluate(expression, json!({})),
            Ok(Some(json!(true))),
            "{expression}"
        );
    }
    let once = evaluate("uuid.rfc4122(\"a\")", json!({})).unwrap();
    assert_ne!(once, evaluate("uuid.rfc4122(\"a\")", json!({})).unwrap());
}
