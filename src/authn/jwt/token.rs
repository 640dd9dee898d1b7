//! The compact form of a token (RFC 7515, section 7.1), before and after its signature is checked.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};

use super::claims::Claims;
use super::header::Header;
use crate::authn::credential::Secret;
use crate::authn::error::{AuthnError, AuthnErrorKind};
use crate::authn::jwks::{SignatureFault, VerificationKey};

/// A token whose signature is not verified yet. It gives away the issuer's name, but no claims.
pub(super) struct Unverified<'t> {
    pub(super) header: Header,
    claims: Map<String, Value>,
    signed: &'t str,
    signature: &'t str,
}

impl<'t> Unverified<'t> {
    pub(super) fn parse(token: &'t Secret<'_>) -> Result<Self, AuthnError> {
        let token = std::str::from_utf8(token.expose()).map_err(|_| malformed("not ASCII"))?;
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some((header, payload, signed, signature))
        });
        let (header, payload, signed, signature) =
            parts.ok_or_else(|| malformed("not three parts"))?;
        // This also finds a fourth part: a dot is not base64url.
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

    /// The issuer that the token names. Use it only to select the keys that verify the token.
    pub(super) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The claims, if `key` verifies the signature.
    pub(super) fn verify(self, key: &VerificationKey) -> Result<Claims, AuthnError> {
        let (algorithm, signed) = (self.header.algorithm, self.signed.as_bytes());
        let verified = key.signatures().verify(algorithm, signed, self.signature);
        match verified {
            Ok(true) => Claims::read(self.claims),
            Ok(false) => Err(AuthnErrorKind::BadSignature.into()),
            Err(SignatureFault::NotBase64Url) => Err(malformed("the signature is not base64url")),
            Err(fault @ SignatureFault::Library(_)) => Err(AuthnError::because(
                AuthnErrorKind::BadSignature,
                fault.to_string(),
            )),
        }
    }
}

fn decode(part: &str) -> Result<Vec<u8>, AuthnError> {
    BASE64URL_NOPAD
        .decode(part.as_bytes())
        .map_err(|_| malformed("a part is not base64url"))
}

fn malformed(cause: &'static str) -> AuthnError {
    AuthnError::because(AuthnErrorKind::MalformedToken, cause)
}
