//! The parts of a token in the compact form of RFC 7515.

use std::collections::BTreeSet;

use regorus::Value;

pub(super) use super::super::base64::url_safe as decoded;
use super::super::{budget, json};

/// The three parts of a token, still encoded.
pub(super) struct Token<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    signed: &'a str,
}

/// A header, decoded but not checked.
pub(super) struct Header {
    pub(super) value: Value,
}

/// The members of a header that matter here.
#[derive(Default)]
pub(super) struct HeaderMembers {
    pub(super) alg: String,
    pub(super) kid: String,
    pub(super) cty: String,
    critical: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

impl<'a> Token<'a> {
    pub(super) fn split(encoded: &'a str) -> Result<Self, String> {
        // The decoded parts are not larger than the token.
        budget::text(encoded.len())?;
        let parts: Vec<&str> = encoded.split('.').collect();
        let [header, payload, signature] = parts.as_slice() else {
            return Err("expected a token with 3 parts between dots".to_owned());
        };
        Ok(Self {
            header,
            payload,
            signature,
            signed: encoded
                .get(..header.len() + 1 + payload.len())
                .unwrap_or_default(),
        })
    }

    /// The text that the signature covers.
    pub(super) fn signed(&self) -> &'a str {
        self.signed
    }

    pub(super) fn signature(&self) -> Result<Vec<u8>, String> {
        decoded(self.signature)
    }

    pub(super) fn payload(&self) -> Result<String, String> {
        decoded(self.payload).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(super) fn header(&self) -> Result<Header, String> {
        let bytes = decoded(self.header)?;
        let value = object(&String::from_utf8_lossy(&bytes))?;
        let header = Header { value };
        if header.get("enc").is_some() {
            return Err("encrypted tokens are not supported".to_owned());
        }
        Ok(header)
    }
}

impl Header {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        member(&self.value, name)
    }

    pub(super) fn checked(&self) -> Result<HeaderMembers, String> {
        let mut known = HeaderMembers::default();
        let members = self.value.as_object().map_err(|e| e.to_string())?;
        for (name, value) in members.iter() {
            let Value::String(name) = name else { continue };
            let text = || match value {
                Value::String(text) => Ok(text.to_string()),
                _ => Err("`alg`, `kid`, `typ` and `cty` of the header must be strings".to_owned()),
            };
            match &**name {
                "alg" => known.alg = text()?,
                "kid" => known.kid = text()?,
                "cty" => known.cty = text()?,
                "typ" => {
                    text()?;
                }
                "crit" => known.critical = critical(value)?,
                other => {
                    known.unknown.insert(other.to_owned());
                }
            }
        }
        Ok(known)
    }
}

/// The names in `crit` (RFC 7515, section 4.1.11). As in OPA, the list ends at the first element that is not a string.
fn critical(value: &Value) -> Result<BTreeSet<String>, String> {
    let Value::Array(items) = value else {
        return Err("`crit` of the header must be an array".to_owned());
    };
    let names: BTreeSet<String> = items
        .iter()
        .map_while(|item| item.as_string().ok().map(ToString::to_string))
        .collect();
    if names.is_empty() {
        return Err("`crit` of the header must name something".to_owned());
    }
    Ok(names)
}

impl HeaderMembers {
    /// Whether the header has an algorithm, and nothing in `crit` is unknown.
    pub(super) fn is_acceptable(&self) -> bool {
        !self.alg.is_empty() && self.critical.is_disjoint(&self.unknown)
    }
}

pub(super) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object().ok()?.get(&super::string(name))
}

/// The JSON object in a text.
pub(super) fn object(text: &str) -> Result<Value, String> {
    match json::read(text)? {
        object @ Value::Object(_) => Ok(object),
        _ => Err("expected a JSON object".to_owned()),
    }
}
