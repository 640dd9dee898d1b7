//! The signature algorithms of RFC 7518 and RFC 8037.

use aws_lc_rs::{hmac, signature};

/// A key that verifies signatures.
pub(super) enum PublicKey {
    /// A `SubjectPublicKeyInfo` (RFC 5280).
    Rsa(Vec<u8>),
    /// A `SubjectPublicKeyInfo`, or an uncompressed point.
    Ec(Vec<u8>),
    /// A `SubjectPublicKeyInfo`, or 32 bytes.
    Ed(Vec<u8>),
    /// The key of a message authentication code.
    Secret(Vec<u8>),
    /// A private key. It verifies nothing.
    Private,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    EdDsa,
}

impl Algorithm {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "ES512" => Self::Es512,
            "EdDSA" => Self::EdDsa,
            _ => return None,
        })
    }

    /// The message authentication code of this algorithm, if it is one.
    pub(super) fn hmac(self) -> Option<hmac::Algorithm> {
        match self {
            Self::Hs256 => Some(hmac::HMAC_SHA256),
            Self::Hs384 => Some(hmac::HMAC_SHA384),
            Self::Hs512 => Some(hmac::HMAC_SHA512),
            _ => None,
        }
    }

    /// Whether this key made the signature with this algorithm.
    pub(super) fn verifies(self, key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
        match key {
            PublicKey::Secret(secret) => self.hmac().is_some_and(|algorithm| {
                let key = hmac::Key::new(algorithm, secret);
                hmac::verify(&key, message, signature).is_ok()
            }),
            PublicKey::Rsa(key) => {
                let algorithm = match self {
                    Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Self::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Self::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                verified(algorithm, key, message, signature)
            }
            PublicKey::Ec(key) => {
                let algorithm = match self {
                    Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
                    Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
                    Self::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
                    _ => return false,
                };
                verified(algorithm, key, message, signature)
            }
            PublicKey::Ed(key) => {
                self == Self::EdDsa && verified(&signature::ED25519, key, message, signature)
            }
            PublicKey::Private => false,
        }
    }
}

fn verified(
    algorithm: &'static dyn signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    signature::UnparsedPublicKey::new(algorithm, key)
        .verify(message, signature)
        .is_ok()
}
