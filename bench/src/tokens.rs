//! An issuer and its tokens, with the size and shape of Keycloak's tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeySize, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::{Error, Result};

/// The `iss` of the tokens.
pub const ISSUER: &str = "https://id.example/realms/geo";
/// The `aud` of the tokens.
pub const AUDIENCE: &str = "geo";

/// An issuer with one key.
pub struct Issuer {
    algorithm: Algorithm,
    signing: EncodingKey,
    jwk: Value,
    /// The public key, for the check of a signature alone.
    pub public: ParsedPublicKey,
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::unexpected("making a key", error)
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

impl Issuer {
    /// An issuer with a key for RS256, 2048 bits.
    pub fn rs256() -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
        let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            BASE64.encode(der.as_ref())
        );
        let public = parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        Ok(Self {
            algorithm: Algorithm::RS256,
            signing: EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(failed)?,
            jwk: json!({"kty": "RSA", "kid": "k", "n": encode(&parts.n), "e": encode(&parts.e)}),
            public: public.map_err(failed)?,
        })
    }

    /// An issuer with a key for ES256.
    pub fn es256() -> Result<Self> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        let point = pair.public_key().as_ref();
        // An uncompressed point: one byte for the form, then both coordinates (SEC 1, section 2.3.3).
        let (x, y) = point
            .split_first()
            .and_then(|(_, both)| both.split_at_checked(32))
            .ok_or_else(|| failed("expected an uncompressed point"))?;
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).parse();
        let der = pair.to_pkcs8v1().map_err(failed)?;
        Ok(Self {
            algorithm: Algorithm::ES256,
            signing: EncodingKey::from_ec_der(der.as_ref()),
            jwk: json!({"kty": "EC", "crv": "P-256", "kid": "k", "x": encode(x), "y": encode(y)}),
            public: public.map_err(failed)?,
        })
    }

    /// Its public keys (RFC 7517).
    pub fn jwks(&self) -> String {
        json!({"keys": [self.jwk]}).to_string()
    }

    /// A token with the role `reader`, valid for a day.
    pub fn token(&self) -> Result<String> {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(failed)?
            .as_secs();
        let claims = json!({
            "exp": time + 86_400, "iat": time - 1, "jti": "5b0c5dbc-3e5a-4bd5-a9f4-0a2f1e9f0e7d", "iss": ISSUER,
            "aud": [AUDIENCE, "account"], "sub": "f2ad0e19-2a40-4f65-b6e0-7f1f0ac6d5a1", "typ": "Bearer", "azp": "qgis",
            "realm_access": {"roles": ["offline_access", "uma_authorization", "default-roles-geo", "reader"]},
            "resource_access": {"account": {"roles": ["manage-account", "view-profile"]}},
            "scope": "openid email profile", "email_verified": true, "preferred_username": "alice",
            "given_name": "Alice", "family_name": "Liddell", "email": "alice@example.org",
        });
        let header = Header {
            kid: Some("k".to_owned()),
            ..Header::new(self.algorithm)
        };
        jsonwebtoken::encode(&header, &claims, &self.signing).map_err(failed)
    }
}
