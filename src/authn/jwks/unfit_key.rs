//! Keys of a set that cannot check signatures, each with the reason.

use std::{fmt, ops::RangeInclusive};

use thiserror::Error;

/// Smaller RSA keys must not be used (RFC 7518, section 3.3). Larger ones make checking a signature too expensive.
pub(super) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;
/// How much of a `kid` is shown, in bytes. The issuer chooses it.
const MAX_ID: usize = 100;

/// Why a key is not used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum UnfitCause {
    #[error("expected a JWK (RFC 7517), found another value")]
    Malformed,
    #[error("it is for another use than signatures")]
    OtherUse,
    #[error("geowarden knows no keys of this `kty`, `crv` or `alg`")]
    OtherKind,
    #[error(
        "it has a private part (`d`), so that whoever reads the set can sign: remove it, and make a new key"
    )]
    Private,
    #[error("it has only a certificate (`x5c`): publish its `n` and `e`, or `x` and `y`")]
    CertificateOnly,
    #[error("expected `{0}` in base64url without padding, found none or another text")]
    Member(&'static str),
    #[error(
        "expected an RSA key of {min} to {max} bits, found {found} bits: make one of 2048",
        min = RSA_BITS.start(),
        max = RSA_BITS.end()
    )]
    RsaBits { found: usize },
    #[error("expected an odd `n` and an odd `e` of at least 3, found others: make a new key")]
    RsaParts,
    #[error(
        "expected a public key, found a value that the cryptographic library does not take: make a new key"
    )]
    NoKey,
    #[error(
        "expected an `alg` for keys of this `kty`, found one for others: correct it, or leave it out"
    )]
    OtherAlgorithm,
}

/// A key that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfitKey {
    pub(super) id: Option<String>,
    pub(super) cause: UnfitCause,
}

impl UnfitKey {
    /// Whether somebody has to correct the key. An issuer may also publish keys for other uses, and of kinds that are not known here.
    pub fn is_faulty(&self) -> bool {
        !matches!(self.cause, UnfitCause::OtherUse | UnfitCause::OtherKind)
    }
}

impl fmt::Display for UnfitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) if id.len() > MAX_ID => {
                let end = id.floor_char_boundary(MAX_ID);
                let start = id.get(..end).unwrap_or_default().escape_debug();
                write!(f, "key `{start}..`: {}", self.cause)
            }
            Some(id) => write!(f, "key `{}`: {}", id.escape_debug(), self.cause),
            None => write!(f, "a key: {}", self.cause),
        }
    }
}
