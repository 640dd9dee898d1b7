//! JWK sets (RFC 7517): the public keys of one issuer.
//!
//! Keys that cannot be used are skipped and counted: an issuer may also publish keys for other purposes or newer
//! algorithms. A document that is not a key set is an error.

mod signature;
mod unfit_key;

use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey,
    VerificationAlgorithm,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

pub(super) use self::signature::SignatureFault;
use self::signature::SignatureKey;
use self::unfit_key::UnfitCause;
pub use self::unfit_key::UnfitKey;
use super::algorithm::Algorithm;

/// The longest document that is accepted.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// The largest number of keys in a set.
pub(super) const MAX_KEYS: usize = 200;
/// How many keys an error names.
const MAX_TOLD: usize = 5;
/// Smaller RSA keys must not be used (RFC 7518, section 3.3). Larger ones make checking a signature too expensive.
const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// Why a document is not a usable key set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeySetError {
    /// The document is longer than one mebibyte.
    #[error(
        "expected a key set of at most {MAX_BYTES} bytes, found a longer one: check that it is the right document"
    )]
    TooLarge,
    /// The set has more keys than an issuer could need.
    #[error("expected at most {MAX_KEYS} keys, found {0}: remove those that sign nothing any more")]
    TooManyKeys(usize),
    /// The document is not a JSON object with a list `keys`.
    #[error(
        "expected a JSON object with a list `keys`, found another document: check the address or the file"
    )]
    NotAKeySet,
    /// No key of the set can check signatures.
    #[error("expected a key that can check signatures, found none: {0}")]
    NoUsableKey(String),
}

/// Why no key was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMiss {
    /// No key has this id. The issuer may have published it since the last fetch.
    Unknown,
    /// The key with this id cannot be used with the token's algorithm.
    Unfit,
    /// Several keys fit.
    Ambiguous,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Family {
    fn fits(self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        match algorithm {
            Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512 => self == Self::Rsa,
            Es256 => self == Self::P256,
            Es384 => self == Self::P384,
            EdDsa => self == Self::Ed25519,
        }
    }
}

/// A public key that can check signatures.
#[derive(Clone)]
pub(super) struct VerificationKey {
    id: Option<String>,
    family: Family,
    algorithm: Option<Algorithm>,
    signatures: SignatureKey,
    /// The public key itself.
    material: Vec<u8>,
}

impl VerificationKey {
    /// Checks signatures with the key.
    pub(super) fn signatures(&self) -> &SignatureKey {
        &self.signatures
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.family.fits(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

/// The usable keys of one issuer.
#[derive(Clone)]
pub struct KeySet {
    keys: Vec<VerificationKey>,
    unfit: Vec<UnfitKey>,
    /// The digest of each key's text.
    digests: Vec<Vec<u8>>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet")
            .field("keys", &self.keys.len())
            .field("unfit", &self.unfit.len())
            .finish_non_exhaustive()
    }
}

/// Two sets are equal if they hold the same usable keys in the same order.
impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.digests == other.digests
    }
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct RawKey {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    x5c: Option<Value>,
    /// The private part. A key that publishes it is known to everyone.
    d: Option<Value>,
}

impl KeySet {
    /// Reads a JWK set.
    pub fn parse(document: &[u8]) -> Result<Self, KeySetError> {
        if document.len() > MAX_BYTES {
            return Err(KeySetError::TooLarge);
        }
        let RawSet { keys: raw } =
            serde_json::from_slice(document).map_err(|_| KeySetError::NotAKeySet)?;
        if raw.len() > MAX_KEYS {
            return Err(KeySetError::TooManyKeys(raw.len()));
        }
        let total = raw.len();
        let mut digests = Vec::with_capacity(total);
        let mut keys = Vec::with_capacity(total);
        let mut unfit = Vec::new();
        for value in raw {
            let text = value.to_string();
            let id = value.get("kid").and_then(Value::as_str).map(str::to_owned);
            let raw = serde_json::from_value(value).map_err(|_| UnfitCause::Malformed);
            match raw.and_then(verification_key) {
                Ok(key) => {
                    let digest = digest::digest(&digest::SHA256, text.as_bytes());
                    digests.push(digest.as_ref().to_vec());
                    keys.push(key);
                }
                Err(cause) => unfit.push(UnfitKey { id, cause }),
            }
        }
        Ok(Self {
            keys,
            unfit,
            digests,
        })
    }

    /// Reads a JWK set with at least one usable key. A set without one would refuse everybody: the issuer or the
    /// configured address is wrong.
    pub fn parse_usable(document: &[u8]) -> Result<Self, KeySetError> {
        let set = Self::parse(document)?;
        if !set.is_empty() {
            return Ok(set);
        }
        let mut told: Vec<_> = set
            .unfit
            .iter()
            .take(MAX_TOLD)
            .map(ToString::to_string)
            .collect();
        let more = set.unfit.len() - told.len();
        match told.len() {
            0 => told.push("it has no keys".to_owned()),
            _ if more > 0 => told.push(format!("and {more} more")),
            _ => {}
        }
        Err(KeySetError::NoUsableKey(told.join("; ")))
    }

    /// A set without keys.
    pub fn none() -> Self {
        Self {
            keys: Vec::new(),
            unfit: Vec::new(),
            digests: Vec::new(),
        }
    }

    /// The keys of this set that are unchanged in `other`.
    #[must_use]
    pub fn unchanged_in(&self, other: &Self) -> Self {
        let both = self.keys.iter().zip(&self.digests);
        let stay = both.filter(|(_, digest)| other.digests.contains(digest));
        let (keys, digests) = stay
            .map(|(key, digest)| (key.clone(), digest.clone()))
            .unzip();
        Self {
            keys,
            unfit: other.unfit.clone(),
            digests,
        }
    }

    /// How many keys can be used.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The ids (`kid`) of the keys that have one.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().filter_map(|key| key.id.as_deref())
    }

    /// The keys that are not used.
    pub fn unfit(&self) -> &[UnfitKey] {
        &self.unfit
    }

    /// The key for a token with this `kid` and `alg`. Without `kid`, exactly one key must fit.
    pub(super) fn select(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&VerificationKey, KeyMiss> {
        let mut named = self
            .keys
            .iter()
            .filter(|key| id.is_none_or(|id| key.id.as_deref() == Some(id)))
            .peekable();
        if named.peek().is_none() {
            return Err(KeyMiss::Unknown);
        }
        let mut fitting = named.filter(|key| key.fits(algorithm));
        let Some(key) = fitting.next() else {
            return Err(KeyMiss::Unfit);
        };
        // A key that is listed twice is one key.
        if fitting.any(|other| other.material != key.material) {
            return Err(KeyMiss::Ambiguous);
        }
        Ok(key)
    }
}

impl RawKey {
    fn is_for_signatures(&self) -> bool {
        self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && self
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"))
    }

    /// RFC 7517 requires the key's own members beside a certificate. Some issuers leave them out.
    fn is_certificate_only(&self) -> bool {
        self.is_for_signatures() && self.x5c.is_some() && self.n.is_none() && self.x.is_none()
    }
}

/// The key, or why it cannot be used.
fn verification_key(raw: RawKey) -> Result<VerificationKey, UnfitCause> {
    if !raw.is_for_signatures() {
        return Err(UnfitCause::OtherUse);
    }
    if raw.d.is_some() {
        return Err(UnfitCause::Private);
    }
    if raw.is_certificate_only() {
        return Err(UnfitCause::CertificateOnly);
    }
    let algorithm = match raw.alg.as_deref() {
        Some(name) => Some(name.parse().map_err(|_| UnfitCause::OtherKind)?),
        None => None,
    };
    let family = match (raw.kty.as_str(), raw.crv.as_deref()) {
        ("RSA", _) => Family::Rsa,
        ("EC", Some("P-256")) => Family::P256,
        ("EC", Some("P-384")) => Family::P384,
        ("OKP", Some("Ed25519")) => Family::Ed25519,
        _ => return Err(UnfitCause::OtherKind),
    };
    if algorithm.is_some_and(|algorithm| !family.fits(algorithm)) {
        return Err(UnfitCause::OtherAlgorithm);
    }
    let (signatures, material) = match family {
        Family::Rsa => rsa_key(&raw, algorithm)?,
        Family::P256 => ec_key(&raw, 32, &ECDSA_P256_SHA256_FIXED)?,
        Family::P384 => ec_key(&raw, 48, &ECDSA_P384_SHA384_FIXED)?,
        Family::Ed25519 => ed25519_key(&raw)?,
    };
    Ok(VerificationKey {
        id: raw.kid,
        family,
        algorithm,
        signatures,
        material,
    })
}

fn base64url(text: Option<&String>, member: &'static str) -> Result<Vec<u8>, UnfitCause> {
    let decoded = text.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok());
    decoded.ok_or(UnfitCause::Member(member))
}

/// Checks signatures, and the public key itself.
type Key = (SignatureKey, Vec<u8>);

fn rsa_key(raw: &RawKey, algorithm: Option<Algorithm>) -> Result<Key, UnfitCause> {
    let n = base64url(raw.n.as_ref(), "n")?;
    let e = base64url(raw.e.as_ref(), "e")?;
    // Some issuers add a leading zero octet, as RFC 7518, section 6.3.1.1 notes.
    let zeros = n.iter().take_while(|byte| **byte == 0).count();
    let n = n.get(zeros..).unwrap_or_default();
    let bits = n.first().map_or(0, |first| n.len() * 8 - zero_bits(*first));
    if !RSA_BITS.contains(&bits) {
        return Err(UnfitCause::RsaBits { found: bits });
    }
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let is_one = e.iter().rev().skip(1).all(|byte| *byte == 0) && e.last() == Some(&1);
    if !is_odd(n) || !is_odd(&e) || is_one {
        return Err(UnfitCause::RsaParts);
    }
    let key = SignatureKey::rsa(n, &e, algorithm).ok_or(UnfitCause::NoKey)?;
    Ok((key, [n, &e].concat()))
}

/// The zero bits at the start of a byte.
fn zero_bits(byte: u8) -> usize {
    usize::try_from(byte.leading_zeros()).unwrap_or_default()
}

fn ec_key(
    raw: &RawKey,
    coordinate: usize,
    algorithm: &'static dyn VerificationAlgorithm,
) -> Result<Key, UnfitCause> {
    let x = base64url(raw.x.as_ref(), "x")?;
    let y = base64url(raw.y.as_ref(), "y")?;
    if x.len() != coordinate || y.len() != coordinate {
        return Err(UnfitCause::NoKey);
    }
    // An uncompressed point (SEC 1, section 2.3.3). Parsing checks that it is on the curve.
    let point = [&[0x04], x.as_slice(), y.as_slice()].concat();
    UnparsedPublicKey::new(algorithm, &point)
        .parse()
        .map_err(|_| UnfitCause::NoKey)?;
    let key = SignatureKey::Library(DecodingKey::from_ec_der(&point));
    Ok((key, point))
}

fn ed25519_key(raw: &RawKey) -> Result<Key, UnfitCause> {
    let x = base64url(raw.x.as_ref(), "x")?;
    UnparsedPublicKey::new(&ED25519, &x)
        .parse()
        .map_err(|_| UnfitCause::NoKey)?;
    let key = SignatureKey::Library(DecodingKey::from_ed_der(&x));
    Ok((key, x))
}

#[cfg(test)]
mod tests;
