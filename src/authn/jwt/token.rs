//! The compact form of a token (RFC 7515, section 7.1), before and after its signature is checked.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::header::Header;
use crate::authn::credential::Secret;
use crate::authn::jwks::{SignatureFault, VerificationKey};
use crate::authn::refusal::{Refusal, RefusalKind};

/// A token that nobody has vouched for. Its claims cannot be had, but for the issuer's name.
pub(super) struct Unverified<'t> {
    pub(super) header: Header,
    claims: Map<String, Value>,
    signed: &'t str,
    signature: &'t str,
}

impl<'t> Unverified<'t> {
    pub(super) fn parse(token: Secret<'t>) -> Result<Self, Refusal> {
        let token = std::str::from_utf8(token.expose()).map_err(|_| malformed("not ASCII"))?;
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some((header, payload, signed, signature))
        });
        let (header, payload, signed, signature) =
            parts.ok_or_else(|| malformed("not three parts"))?;
        // A fourth part would show here: a dot is not base64url.
        let header = Header::parse(&decode(header)?)?;
        let claims = super::object::parse(&decode(payload)?)
            .ok_or_else(|| malformed("the claims are not a JSON object with unique names"))?;
        Ok(Self {
            header,
            claims,
            signed,
            signature,
        })
    }

    /// The issuer the token claims to be of: good for choosing the keys to check it with, and for nothing else.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The claims, once the signature is that of `key`.
    pub(super) fn verify(self, key: &VerificationKey) -> Result<Claims, Refusal> {
        let (algorithm, signed) = (self.header.algorithm, self.signed.as_bytes());
        let verified = key.signatures().verify(algorithm, signed, self.signature);
        match verified {
            Ok(true) => Claims::read(self.claims),
            Ok(false) => Err(RefusalKind::BadSignature.into()),
            Err(SignatureFault::NotBase64Url) => Err(malformed("the signature is not base64url")),
            Err(fault @ SignatureFault::Library(_)) => Err(Refusal::because(
                RefusalKind::BadSignature,
                fault.to_string(),
            )),
        }
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_| malformed("a part is not base64url"))
}

fn malformed(cause: &'static str) -> Refusal {
    Refusal::because(RefusalKind::MalformedToken, cause)
}
