//! Keys and tokens for tests: an identity provider without a network.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::authn::clock::Clock;
use crate::authn::jwks::KeySet;

/// The issuer of the tests.
pub(in crate::authn) const ISSUER: &str = "https://id.example/realms/geo";
/// The time of the tests.
pub(in crate::authn) const NOW: u64 = 1_900_000_000;

/// A clock that only moves when a test sets it.
pub(in crate::authn) struct ManualClock(AtomicU64);

impl ManualClock {
    pub(in crate::authn) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(NOW * 1000)))
    }

    pub(in crate::authn) fn set_millis(&self, millis: u64) {
        self.0.store(millis, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A private key with its public half as a JWK.
pub(in crate::authn) struct Signer {
    pub(in crate::authn) id: &'static str,
    pub(in crate::authn) name: &'static str,
    pub(in crate::authn) jwk: Value,
    /// The public key as PEM, of an RSA key.
    pub(in crate::authn) public_pem: String,
    key: EncodingKey,
}

impl Signer {
    /// A token with the usual header.
    pub(in crate::authn) fn token(&self, claims: &Value) -> String {
        let header = json!({"alg": self.name, "typ": "JWT", "kid": self.id});
        self.sign(self.name, &header.to_string(), &claims.to_string())
    }

    /// A token with this header and these claims. It is signed with `algorithm`, even if the header names another.
    pub(in crate::authn) fn sign(&self, algorithm: &str, header: &str, claims: &str) -> String {
        sign(&self.key, algorithm, header, claims)
    }
}

/// A token signed with the HMAC `secret`.
pub(in crate::authn) fn sign_with_secret(secret: &[u8], header: &str, claims: &str) -> String {
    sign(
        &EncodingKey::from_secret(secret).unwrap(),
        "HS256",
        header,
        claims,
    )
}

fn sign(key: &EncodingKey, algorithm: &str, header: &str, claims: &str) -> String {
    let message = unsigned(header, claims);
    let algorithm: Algorithm = algorithm.parse().unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Header and claims in the compact form.
pub(in crate::authn) fn unsigned(header: &str, claims: &str) -> String {
    let encode = |part: &str| BASE64URL_NOPAD.encode(part.as_bytes());
    format!("{}.{}", encode(header), encode(claims))
}

/// Valid claims, merged with `changes`. A null in `changes` removes that claim.
pub(in crate::authn) fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": "geo", "sub": "alice", "exp": NOW + 300, "iat": NOW - 10, "scope": "read write",
    });
    let all = claims.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            all.remove(name);
        } else {
            all.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// The set of the public keys of `signers`.
pub(in crate::authn) fn jwks(signers: &[&Signer]) -> Value {
    json!({"keys": signers.iter().map(|signer| signer.jwk.clone()).collect::<Vec<_>>()})
}

/// The set of the public keys of `signers`, parsed.
pub(in crate::authn) fn key_set(signers: &[&Signer]) -> KeySet {
    KeySet::parse(jwks(signers).to_string().as_bytes()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = BASE64.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

fn new_rsa(id: &'static str) -> Signer {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let spki: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    Signer {
        id,
        name: "RS256",
        jwk: json!({"kty": "RSA", "kid": id, "use": "sig", "n": encode(&public.n), "e": encode(&public.e)}),
        public_pem: pem("PUBLIC KEY", spki.as_ref()),
        key: EncodingKey::from_rsa_pem(pem("PRIVATE KEY", der.as_ref()).as_bytes()).unwrap(),
    }
}

fn new_ec(
    id: &'static str,
    name: &'static str,
    curve: &str,
    algorithm: &'static EcdsaSigningAlgorithm,
) -> Signer {
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let (_, point) = pair.public_key().as_ref().split_first().unwrap();
    let (x, y) = point.split_at(point.len() / 2);
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    Signer {
        id,
        name,
        jwk: json!({"kty": "EC", "crv": curve, "kid": id, "alg": name, "x": encode(x), "y": encode(y)}),
        public_pem: String::new(),
        key: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
    }
}

/// An RSA key without `alg`.
pub(in crate::authn) fn rsa() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| new_rsa("rsa-1"))
}

/// Another RSA key.
pub(in crate::authn) fn other_rsa() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| new_rsa("rsa-2"))
}

/// A P-256 key.
pub(in crate::authn) fn es256() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| new_ec("ec-1", "ES256", "P-256", &ECDSA_P256_SHA256_FIXED_SIGNING))
}

/// A P-384 key.
pub(in crate::authn) fn es384() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| new_ec("ec-2", "ES384", "P-384", &ECDSA_P384_SHA384_FIXED_SIGNING))
}

/// An Ed25519 key.
pub(in crate::authn) fn ed25519() -> &'static Signer {
    static KEY: OnceLock<Signer> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = BASE64URL_NOPAD.encode(pair.public_key().as_ref());
        Signer {
            id: "ed-1",
            name: "EdDSA",
            jwk: json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed-1", "use": "sig", "x": x}),
            public_pem: String::new(),
            key: EncodingKey::from_ed_der(pair.to_pkcs8v1().unwrap().as_ref()),
        }
    })
}
