//! The constraints that `io.jwt.decode_verify` checks a token against.

use regorus::Value;

use super::{
    super::{errors, json, once},
    algorithm::{Algorithm, PublicKey},
    keys::PublicKeys,
    token::{HeaderMembers, member},
};

#[derive(Default)]
pub(super) struct Constraints {
    keys: Option<PublicKeys>,
    secret: String,
    alg: String,
    iss: String,
    aud: String,
    /// Nanoseconds since 1970.
    time: f64,
}

impl Constraints {
    pub(super) fn read(argument: Option<&Value>) -> Result<Self, String> {
        let Some(Value::Object(members)) = argument else {
            return Err("operand 2 must be an object".to_owned());
        };
        let mut all = Self::default();
        let mut time = None;
        for (name, value) in members.iter() {
            let text = || match value {
                Value::String(text) => Ok(text.to_string()),
                _ => Err("constraints other than `time` must be strings".to_owned()),
            };
            match name.as_string().map(|name| &**name) {
                Ok("cert") => all.keys = Some(PublicKeys::read(&text()?)?),
                Ok("secret") => all.secret = text()?,
                Ok("alg") => all.alg = text()?,
                Ok("iss") => all.iss = text()?,
                Ok("aud") => all.aud = text()?,
                Ok("time") => time = Some(value.clone()),
                _ => {
                    return Err(
                        "constraints are `cert`, `secret`, `alg`, `iss`, `aud` and `time`"
                            .to_owned(),
                    );
                }
            }
        }
        if all.keys.is_some() != all.secret.is_empty() {
            return Err("expected either `cert` or `secret`".to_owned());
        }
        let time = match time {
            Some(time) => time,
            None => Value::from(once::now()?),
        };
        all.time = match &time {
            // `as_f64` gives nothing for numbers that a float cannot hold exactly.
            Value::Number(_) => json::number(&time)?.parse::<f64>().ok(),
            _ => None,
        }
        .filter(|time| *time >= 0.0)
        .ok_or("the constraint `time` must be a number that is not negative")?;
        Ok(all)
    }

    pub(super) fn allows_algorithm(&self, alg: &str) -> bool {
        self.alg.is_empty() || self.alg == alg
    }

    /// Whether one of the keys made the signature, with the algorithm that the header names.
    pub(super) fn verify(&self, header: &HeaderMembers, message: &[u8], signature: &[u8]) -> bool {
        let Some(algorithm) = Algorithm::of(&header.alg) else {
            return false;
        };
        if let Some(keys) = &self.keys {
            return keys.any(&header.kid, &header.alg, |key| {
                algorithm.verifies(key, message, signature)
            });
        }
        let secret = PublicKey::Secret(self.secret.clone().into_bytes());
        algorithm.verifies(&secret, message, signature)
    }

    /// Whether the registered claims meet the constraints (RFC 7519, section 4.1).
    pub(super) fn hold_for(&self, payload: &Value) -> Result<bool, String> {
        if !self.iss.is_empty() {
            match member(payload, "iss") {
                Some(Value::String(iss)) if **iss == *self.iss => {}
                Some(Value::String(_)) | None => return Ok(false),
                // OPA ends the whole evaluation here.
                Some(_) => return Err(errors::refuse("the claim `iss` must be a string")),
            }
        }
        let is_for_us = match member(payload, "aud") {
            Some(Value::Array(all)) => all.iter().any(|aud| self.is_audience(aud)),
            Some(aud) => self.is_audience(aud),
            None => self.aud.is_empty(),
        };
        if !is_for_us {
            return Ok(false);
        }
        let now = Value::from(self.time / 1e9);
        let has_expired = match member(payload, "exp") {
            Some(exp @ Value::Number(_)) => now >= *exp,
            Some(_) => return Err("the claim `exp` must be a number".to_owned()),
            None => false,
        };
        if has_expired {
            return Ok(false);
        }
        match member(payload, "nbf") {
            Some(nbf @ Value::Number(_)) => Ok(now >= *nbf),
            Some(_) => Err("the claim `nbf` must be a number".to_owned()),
            None => Ok(true),
        }
    }

    fn is_audience(&self, aud: &Value) -> bool {
        matches!(aud, Value::String(aud) if **aud == *self.aud)
    }
}
