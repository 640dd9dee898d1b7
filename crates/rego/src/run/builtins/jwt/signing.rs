//! Signs tokens with a JSON Web Key.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, RsaKeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use regorus::Value;

use super::{
    super::{budget, errors, json, string, text},
    algorithm::Algorithm,
    der,
    keys::{number, of_set, padded, point},
    token::{member, object},
};

pub(super) fn encode_sign(arguments: &[Value]) -> Result<Value, String> {
    let [
        headers @ Value::Object(_),
        payload @ Value::Object(_),
        key @ Value::Object(_),
    ] = arguments
    else {
        return Err("operands must be objects".to_owned());
    };
    sign(&json::text(headers)?, &json::text(payload)?, key)
}

pub(super) fn encode_sign_raw(arguments: &[Value]) -> Result<Value, String> {
    let key = object(text(arguments, 2)?)?;
    sign(text(arguments, 0)?, text(arguments, 1)?, &key)
}

fn sign(headers: &str, payload: &str, keys: &Value) -> Result<Value, String> {
    let keys = of_set(keys)?;
    let key = keys.first().ok_or("expected a key")?;
    let parsed = object(headers)?;
    let algorithm = match member(&parsed, "alg") {
        Some(Value::String(name)) => Algorithm::of(name),
        _ => None,
    }
    .ok_or("expected a known `alg` in the header")?;
    let is_json = match member(&parsed, "typ") {
        Some(Value::String(typ)) => **typ == *"JWT",
        _ => true,
    };
    if is_json {
        json::read(payload)?;
    }
    budget::text((headers.len() + payload.len()).saturating_mul(2))?;
    let mut token = BASE64URL_NOPAD.encode(headers.as_bytes());
    token.push('.');
    token.push_str(&BASE64URL_NOPAD.encode(payload.as_bytes()));
    let signature = signed(algorithm, key, token.as_bytes())?;
    token.push('.');
    token.push_str(&BASE64URL_NOPAD.encode(&signature));
    Ok(string(&token))
}

fn signed(algorithm: Algorithm, key: &Value, message: &[u8]) -> Result<Vec<u8>, String> {
    let kty = member(key, "kty").and_then(|kty| kty.as_string().ok());
    let kty = kty.map_or("", |kty| kty);
    match (algorithm, kty) {
        (Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512, "oct") => {
            let algorithm = algorithm.hmac().ok_or_else(unfit)?;
            let key = hmac::Key::new(algorithm, &number(key, "k")?);
            Ok(hmac::sign(&key, message).as_ref().to_vec())
        }
        (Algorithm::Rs256, "RSA") => by_rsa(&signature::RSA_PKCS1_SHA256, key, message),
        (Algorithm::Rs384, "RSA") => by_rsa(&signature::RSA_PKCS1_SHA384, key, message),
        (Algorithm::Rs512, "RSA") => by_rsa(&signature::RSA_PKCS1_SHA512, key, message),
        (Algorithm::Ps256, "RSA") => by_rsa(&signature::RSA_PSS_SHA256, key, message),
        (Algorithm::Ps384, "RSA") => by_rsa(&signature::RSA_PSS_SHA384, key, message),
        (Algorithm::Ps512, "RSA") => by_rsa(&signature::RSA_PSS_SHA512, key, message),
        (Algorithm::Es256, "EC") => by_ec(
            (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, 32),
            key,
            message,
        ),
        (Algorithm::Es384, "EC") => by_ec(
            (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, 48),
            key,
            message,
        ),
        (Algorithm::Es512, "EC") => by_ec(
            (&signature::ECDSA_P521_SHA512_FIXED_SIGNING, 66),
            key,
            message,
        ),
        (Algorithm::EdDsa, "OKP") => {
            let (seed, public) = (number(key, "d")?, number(key, "x")?);
            let pair =
                Ed25519KeyPair::from_seed_and_public_key(&seed, &public).map_err(|_| unfit())?;
            Ok(pair.sign(message).as_ref().to_vec())
        }
        _ => Err("the key is of another kind than the algorithm".to_owned()),
    }
}

/// The error for a key that cannot be used here. OPA may be able to use it, so the error refuses the request.
fn unfit() -> String {
    errors::refuse("the key cannot be used")
}

fn by_rsa(
    encoding: &'static dyn signature::RsaEncoding,
    key: &Value,
    message: &[u8],
) -> Result<Vec<u8>, String> {
    // The parts in the order of RFC 8017, appendix A.1.2.
    let mut parts = vec![Vec::new()];
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        parts.push(number(key, name).map_err(errors::refuse)?);
    }
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let pair = RsaKeyPair::from_der(&der::numbers(&parts)).map_err(|_| unfit())?;
    let mut made = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut made)
        .map_err(|_| unfit())?;
    Ok(made)
}

fn by_ec(
    (algorithm, length): (&'static EcdsaSigningAlgorithm, usize),
    key: &Value,
    message: &[u8],
) -> Result<Vec<u8>, String> {
    let private = padded(&number(key, "d")?, length)?;
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, &point(key)?)
        .map_err(|_| unfit())?;
    let made = pair
        .sign(&SystemRandom::new(), message)
        .map_err(|_| unfit())?;
    Ok(made.as_ref().to_vec())
}
