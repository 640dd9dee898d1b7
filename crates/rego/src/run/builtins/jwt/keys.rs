//! Reads public keys from a certificate, a PEM file, a JSON Web Key (RFC 7517) or a set of such keys.

use aws_lc_rs::{encoding::AsDer, signature::RsaPublicKeyComponents};
use data_encoding::BASE64;
use regorus::Value;

use super::{
    super::json,
    algorithm::{Algorithm, PublicKey},
    der,
    token::{decoded, member},
};

struct Named {
    key: PublicKey,
    kid: String,
    alg: String,
}

/// The keys in one text.
pub(super) struct PublicKeys(Vec<Named>);

impl PublicKeys {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if let Some(key) = pem(text)? {
            return Ok(Self(vec![Named {
                key,
                kid: String::new(),
                alg: String::new(),
            }]));
        }
        let mut all = Vec::new();
        for key in of_set(&json::read(text)?)? {
            let alg = optional(key, "alg")?;
            let named = Named {
                key: public(key)?,
                kid: optional(key, "kid")?,
                alg,
            };
            // Skip keys for other purposes than signing tokens.
            if named.alg.is_empty() || Algorithm::of(&named.alg).is_some() {
                all.push(named);
            }
        }
        Ok(Self(all))
    }

    /// Whether a key verifies the signature. If a key has the name `kid`, only that key is tried. Otherwise all keys
    /// for this algorithm are tried.
    pub(super) fn any(&self, kid: &str, alg: &str, verifies: impl Fn(&PublicKey) -> bool) -> bool {
        let named = self.0.iter().find(|key| !kid.is_empty() && key.kid == kid);
        match named {
            Some(named) => verifies(&named.key),
            None => self
                .0
                .iter()
                .filter(|key| key.alg.is_empty() || key.alg == alg)
                .any(|key| verifies(&key.key)),
        }
    }
}

/// The keys of a key set. A single key counts as a set of one.
pub(super) fn of_set(value: &Value) -> Result<Vec<&Value>, String> {
    match member(value, "keys") {
        Some(Value::Array(keys)) => Ok(keys.iter().collect()),
        Some(_) => Err("`keys` must be an array".to_owned()),
        None => Ok(vec![value]),
    }
}

fn optional(key: &Value, name: &str) -> Result<String, String> {
    match member(key, name) {
        Some(Value::String(text)) => Ok(text.to_string()),
        None => Ok(String::new()),
        Some(_) => Err(format!("`{name}` of a key must be a string")),
    }
}

/// A number of a key, as bytes.
pub(super) fn number(key: &Value, name: &str) -> Result<Vec<u8>, String> {
    match member(key, name) {
        Some(Value::String(text)) => decoded(text),
        _ => Err(format!("expected `{name}` in the key")),
    }
}

fn public(key: &Value) -> Result<PublicKey, String> {
    let kty = optional(key, "kty")?;
    let public = match kty.as_str() {
        "RSA" => {
            let (n, e) = (number(key, "n")?, number(key, "e")?);
            let der = AsDer::as_der(&RsaPublicKeyComponents { n, e })
                .map_err(|_| "expected an RSA key".to_owned())?;
            PublicKey::Rsa(der.as_ref().to_vec())
        }
        "EC" => PublicKey::Ec(point(key)?),
        "OKP" if optional(key, "crv")? == "Ed25519" => PublicKey::Ed(number(key, "x")?),
        "oct" => return Ok(PublicKey::Secret(number(key, "k")?)),
        _ => {
            return Err(
                "keys are of the kinds `RSA`, `EC`, `OKP` with `Ed25519`, and `oct`".to_owned(),
            );
        }
    };
    let is_private = member(key, "d").is_some();
    Ok(if is_private {
        PublicKey::Private
    } else {
        public
    })
}

/// The uncompressed point of a key on a curve.
pub(super) fn point(key: &Value) -> Result<Vec<u8>, String> {
    let length = match optional(key, "crv")?.as_str() {
        "P-256" => 32,
        "P-384" => 48,
        "P-521" => 66,
        _ => return Err("curves are `P-256`, `P-384` and `P-521`".to_owned()),
    };
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(padded(&number(key, name)?, length)?);
    }
    Ok(point)
}

/// A number, filled with zeros at the front.
pub(super) fn padded(number: &[u8], length: usize) -> Result<Vec<u8>, String> {
    let zeros = length
        .checked_sub(number.len())
        .ok_or("a number of the key is too long")?;
    let mut padded = vec![0; zeros];
    padded.extend(number);
    Ok(padded)
}

/// The key in the only PEM block of a text (RFC 7468), or `None` if there is no block.
fn pem(text: &str) -> Result<Option<PublicKey>, String> {
    const BEGIN: &str = "-----BEGIN ";
    let start = if text.starts_with(BEGIN) {
        Some(0)
    } else {
        text.find("\n-----BEGIN ").map(|at| at + 1)
    };
    let Some((label, rest)) = start
        .and_then(|start| text.get(start + BEGIN.len()..))
        .and_then(|rest| rest.split_once("-----"))
    else {
        return Ok(None);
    };
    let end = format!("-----END {label}-----");
    let Some((body, rest)) = rest.split_once(&end) else {
        return Ok(None);
    };
    let body: String = body.split_ascii_whitespace().collect();
    let Ok(der) = BASE64.decode(body.as_bytes()) else {
        return Ok(None);
    };
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    if !rest.strip_prefix('\n').unwrap_or(rest).is_empty() {
        return Err("expected nothing behind the PEM block".to_owned());
    }
    let info = match label {
        "CERTIFICATE" => der::key_of_certificate(&der).ok_or("expected a certificate")?,
        "PUBLIC KEY" => der.as_slice(),
        _ => return Err("expected a PEM block `CERTIFICATE` or `PUBLIC KEY`".to_owned()),
    };
    let key = match der::kind_of_key(info).ok_or("expected a public key")? {
        der::Kind::Rsa => PublicKey::Rsa(info.to_vec()),
        der::Kind::Ec => PublicKey::Ec(info.to_vec()),
        der::Kind::Ed => PublicKey::Ed(info.to_vec()),
        der::Kind::Other => PublicKey::Private,
    };
    Ok(Some(key))
}
