//! Checks signatures (RFC 7515, section 5.2) with one public key.

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::DecodingKey;
use thiserror::Error;

use crate::authn::algorithm::Algorithm;

/// Why a signature could not be checked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::authn) enum SignatureFault {
    /// The signature is not base64url.
    #[error("expected a signature in base64url, found other characters")]
    NotBase64Url,
    /// The cryptographic library could not check the signature.
    #[error("the cryptographic library could not check the signature: {0}")]
    Library(String),
}

/// A public key in the form that the library needs to check signatures.
#[derive(Clone)]
pub(in crate::authn) enum SignatureKey {
    /// A key that jsonwebtoken checks.
    Library(DecodingKey),
    /// An RSA key, prepared for each of its algorithms. jsonwebtoken would rebuild it from modulus and exponent for
    /// every token, which takes a seventh of the time of a check.
    Rsa(Vec<(Algorithm, ParsedPublicKey)>),
}

impl SignatureKey {
    /// The RSA key with this modulus and exponent, for one algorithm or for all RSA algorithms.
    pub(super) fn rsa(n: &[u8], e: &[u8], algorithm: Option<Algorithm>) -> Option<Self> {
        let algorithms = match algorithm {
            Some(algorithm) => vec![algorithm],
            None => Algorithm::ALL.to_vec(),
        };
        let parts = RsaPublicKeyComponents { n, e };
        let ready = algorithms.into_iter().filter_map(|algorithm| {
            let parameters = rsa_parameters(algorithm)?;
            let key = parts.to_parsed_public_key(parameters).ok()?;
            Some((algorithm, key))
        });
        let ready: Vec<_> = ready.collect();
        (!ready.is_empty()).then_some(Self::Rsa(ready))
    }

    /// Whether `signature` (base64url) is a signature of `message` by this key. It is false if the key does not fit the
    /// algorithm.
    pub(in crate::authn) fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &str,
    ) -> Result<bool, SignatureFault> {
        let decoded = BASE64URL_NOPAD.decode(signature.as_bytes());
        let decoded = decoded.map_err(|_| SignatureFault::NotBase64Url)?;
        match self {
            Self::Library(key) => {
                let algorithm = library_algorithm(algorithm);
                jsonwebtoken::crypto::verify(signature, message, key, algorithm)
                    .map_err(|error| SignatureFault::Library(error.to_string()))
            }
            Self::Rsa(ready) => {
                let key = ready.iter().find(|(own, _)| *own == algorithm);
                Ok(key.is_some_and(|(_, key)| key.verify_sig(message, &decoded).is_ok()))
            }
        }
    }
}

fn rsa_parameters(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    use jsonwebtoken::Algorithm as Library;
    match algorithm {
        Algorithm::Rs256 => Library::RS256,
        Algorithm::Rs384 => Library::RS384,
        Algorithm::Rs512 => Library::RS512,
        Algorithm::Ps256 => Library::PS256,
        Algorithm::Ps384 => Library::PS384,
        Algorithm::Ps512 => Library::PS512,
        Algorithm::Es256 => Library::ES256,
        Algorithm::Es384 => Library::ES384,
        Algorithm::EdDsa => Library::EdDSA,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_says_is_told_as_that() {
        // A symmetric secret does not fit an asymmetric algorithm. A key set cannot contain one.
        let key = SignatureKey::Library(DecodingKey::from_secret(b"secret").unwrap());
        let fault = key.verify(Algorithm::Es256, b"message", "AAAA");
        assert!(
            matches!(fault, Err(SignatureFault::Library(_))),
            "{fault:?}"
        );
        let fault = key.verify(Algorithm::Es256, b"message", "****");
        assert_eq!(fault, Err(SignatureFault::NotBase64Url));
    }
}
