//! JSON Web Tokens (RFC 7519), read, verified and signed as in OPA. Errors never contain a token, a key or a claim.

mod algorithm;
mod constraints;
mod der;
mod keys;
mod signing;
mod token;

use data_encoding::HEXLOWER;
use regorus::Value;

use self::{
    algorithm::{Algorithm, PublicKey},
    constraints::Constraints,
    keys::PublicKeys,
    token::Token,
};
use super::{Builtin, errors, string, text};

pub(super) const ALL: [Builtin; 17] = [
    Builtin {
        name: "io.jwt.decode",
        arity: 1,
        call: decode,
    },
    Builtin {
        name: "io.jwt.decode_verify",
        arity: 2,
        call: decode_verify,
    },
    Builtin {
        name: "io.jwt.encode_sign",
        arity: 3,
        call: signing::encode_sign,
    },
    Builtin {
        name: "io.jwt.encode_sign_raw",
        arity: 3,
        call: signing::encode_sign_raw,
    },
    Builtin {
        name: "io.jwt.verify_hs256",
        arity: 2,
        call: |arguments| by_secret(Algorithm::Hs256, arguments),
    },
    Builtin {
        name: "io.jwt.verify_hs384",
        arity: 2,
        call: |arguments| by_secret(Algorithm::Hs384, arguments),
    },
    Builtin {
        name: "io.jwt.verify_hs512",
        arity: 2,
        call: |arguments| by_secret(Algorithm::Hs512, arguments),
    },
    Builtin {
        name: "io.jwt.verify_rs256",
        arity: 2,
        call: |arguments| by_key(Algorithm::Rs256, arguments),
    },
    Builtin {
        name: "io.jwt.verify_rs384",
        arity: 2,
        call: |arguments| by_key(Algorithm::Rs384, arguments),
    },
    Builtin {
        name: "io.jwt.verify_rs512",
        arity: 2,
        call: |arguments| by_key(Algorithm::Rs512, arguments),
    },
    Builtin {
        name: "io.jwt.verify_ps256",
        arity: 2,
        call: |arguments| by_key(Algorithm::Ps256, arguments),
    },
    Builtin {
        name: "io.jwt.verify_ps384",
        arity: 2,
        call: |arguments| by_key(Algorithm::Ps384, arguments),
    },
    Builtin {
        name: "io.jwt.verify_ps512",
        arity: 2,
        call: |arguments| by_key(Algorithm::Ps512, arguments),
    },
    Builtin {
        name: "io.jwt.verify_es256",
        arity: 2,
        call: |arguments| by_key(Algorithm::Es256, arguments),
    },
    Builtin {
        name: "io.jwt.verify_es384",
        arity: 2,
        call: |arguments| by_key(Algorithm::Es384, arguments),
    },
    Builtin {
        name: "io.jwt.verify_es512",
        arity: 2,
        call: |arguments| by_key(Algorithm::Es512, arguments),
    },
    Builtin {
        name: "io.jwt.verify_eddsa",
        arity: 2,
        call: |arguments| by_key(Algorithm::EdDsa, arguments),
    },
];

/// The header, payload and signature of a token. Nothing is verified.
fn decode(arguments: &[Value]) -> Result<Value, String> {
    let mut encoded = text(arguments, 0)?.to_owned();
    loop {
        let token = Token::split(&encoded)?;
        let header = token.header()?;
        let payload = token.payload()?;
        match header.get("cty") {
            // The payload is another token, perhaps in quotes.
            Some(Value::String(cty)) if **cty == *"JWT" => {
                payload.trim_matches(['"', '\'']).clone_into(&mut encoded);
            }
            Some(Value::String(_)) | None => {
                let payload = token::object(&payload)?;
                let signature = HEXLOWER.encode(&token.signature()?);
                return Ok(Value::from(vec![header.value, payload, string(&signature)]));
            }
            // OPA ends the whole evaluation here.
            Some(_) => return Err(errors::refuse("the `cty` of the header must be a string")),
        }
    }
}

fn by_secret(algorithm: Algorithm, arguments: &[Value]) -> Result<Value, String> {
    let (encoded, secret) = (text(arguments, 0)?, text(arguments, 1)?);
    let token = Token::split(encoded)?;
    let key = PublicKey::Secret(secret.as_bytes().to_vec());
    let signature = token.signature()?;
    Ok(Value::Bool(algorithm.verifies(
        &key,
        token.signed().as_bytes(),
        &signature,
    )))
}

fn by_key(algorithm: Algorithm, arguments: &[Value]) -> Result<Value, String> {
    let token = Token::split(text(arguments, 0)?)?;
    let keys = PublicKeys::read(text(arguments, 1)?)?;
    let signature = token.signature()?;
    let header = token.header()?.checked()?;
    // Only the keys of a key set have `kid` and `alg`.
    let holds = keys.any(&header.kid, &header.alg, |key| {
        // Secrets are only used by functions that take a secret.
        !matches!(key, PublicKey::Secret(_))
            && algorithm.verifies(key, token.signed().as_bytes(), &signature)
    });
    Ok(Value::Bool(holds))
}

/// Whether a token is valid. If it is, also its header and payload.
fn decode_verify(arguments: &[Value]) -> Result<Value, String> {
    let unverified = || {
        Ok(Value::from(vec![
            Value::Bool(false),
            Value::new_object(),
            Value::new_object(),
        ]))
    };
    let constraints = Constraints::read(arguments.get(1))?;
    let mut encoded = text(arguments, 0)?.to_owned();
    let (header, payload) = loop {
        let token = Token::split(&encoded)?;
        let header = token.header()?;
        let known = header.checked()?;
        if !known.is_acceptable() || !constraints.allows_algorithm(&known.alg) {
            return unverified();
        }
        let signature = token.signature()?;
        if !constraints.verify(&known, token.signed().as_bytes(), &signature) {
            return unverified();
        }
        let payload = token.payload()?;
        if known.cty.eq_ignore_ascii_case("JWT") {
            encoded = payload;
        } else {
            break (header.value, token::object(&payload)?);
        }
    };
    if constraints.hold_for(&payload)? {
        Ok(Value::from(vec![Value::Bool(true), header, payload]))
    } else {
        unverified()
    }
}
