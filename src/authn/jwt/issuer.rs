//! The settings of one issuer.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use crate::authn::algorithm::Algorithm;

/// The audiences that tokens of the issuer may have. In the configuration: a list, or the word `any`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(
    untagged,
    expecting = "expected a list of audiences, or the word `any`"
)]
pub enum Audiences {
    /// One of these must be in `aud` (RFC 7519, section 4.1.3).
    OneOf(Vec<String>),
    /// Any audience, or none. Only for an issuer whose tokens are all for this service.
    #[serde(serialize_with = "write_any", deserialize_with = "read_any")]
    #[schemars(with = "Word")]
    Any,
}

/// The word `any`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Word {
    Any,
}

fn write_any<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    Word::Any.serialize(serializer)
}

fn read_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Word::deserialize(deserializer).map(|Word::Any| ())
}

/// How tokens of one issuer are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// The issuer, exactly as in `iss`.
    pub issuer: String,
    /// The audiences its tokens may have.
    pub audiences: Audiences,
    /// The algorithms its tokens may use.
    pub algorithms: Vec<Algorithm>,
    /// The largest difference between its clock and ours that is tolerated.
    pub leeway: Duration,
    /// Whether `client_id` is used as the audience if `aud` is absent, as in the access tokens of Amazon Cognito.
    pub accept_client_id_as_audience: bool,
}

impl IssuerSettings {
    /// The usual settings: RS256, no leeway.
    pub fn new(issuer: &str, audiences: Audiences) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences,
            algorithms: vec![Algorithm::Rs256],
            leeway: Duration::ZERO,
            accept_client_id_as_audience: false,
        }
    }

    pub(super) fn check(&self) -> Result<(), IssuerSettingsError> {
        let issuer = || self.issuer.clone();
        if self.issuer.is_empty() {
            return Err(IssuerSettingsError::NoName);
        }
        if self.algorithms.is_empty() {
            return Err(IssuerSettingsError::NoAlgorithm { issuer: issuer() });
        }
        match &self.audiences {
            Audiences::OneOf(list) if list.is_empty() || list.iter().any(String::is_empty) => {
                Err(IssuerSettingsError::NoAudience { issuer: issuer() })
            }
            _ => Ok(()),
        }
    }
}

/// Settings with which an issuer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IssuerSettingsError {
    /// The name of the issuer is empty.
    #[error("expected the name of an issuer, found an empty text: write the `iss` of its tokens")]
    NoName,
    /// Two issuers have the same name.
    #[error("expected one configuration of the issuer `{issuer}`, found two: remove one")]
    Duplicate {
        /// The name.
        issuer: String,
    },
    /// No algorithm is allowed.
    #[error(
        "issuer `{issuer}`: expected an algorithm for its signatures, found none: add one to `algorithms`"
    )]
    NoAlgorithm {
        /// The name.
        issuer: String,
    },
    /// The list of audiences is empty, or one of them is empty.
    #[error(
        "issuer `{issuer}`: expected audiences that are not empty, found an empty one or none: write the `aud` of its tokens"
    )]
    NoAudience {
        /// The name.
        issuer: String,
    },
}
