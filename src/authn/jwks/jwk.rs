//! One key of a set (RFC 7517, section 4; RFC 7518, section 6; RFC 8037).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, UnparsedPublicKey,
    VerificationAlgorithm,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use super::{
    signature::SignatureKey,
    unfit_key::{RSA_BITS, UnfitCause},
};
use crate::authn::algorithm::Algorithm;

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
pub(in crate::authn) struct VerificationKey {
    pub(super) id: Option<String>,
    family: Family,
    algorithm: Option<Algorithm>,
    signatures: SignatureKey,
    /// The public key itself.
    pub(super) material: Vec<u8>,
}

impl VerificationKey {
    /// Checks signatures with the key.
    pub(in crate::authn) fn signatures(&self) -> &SignatureKey {
        &self.signatures
    }

    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.family.fits(algorithm) && self.algorithm.is_none_or(|own| own == algorithm)
    }
}

#[derive(Deserialize)]
pub(super) struct RawKey {
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
pub(super) fn verification_key(raw: RawKey) -> Result<VerificationKey, UnfitCause> {
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
