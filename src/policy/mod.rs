//! Stop 4: asks the policy for a verdict.

mod default_roles;
pub mod input;
mod memo;
mod named_ids;
mod rego;
mod settings;
pub mod source;
mod trial;
mod verdict;

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::{
    identity::Principal,
    request::{CheckInput, ogc::Resource},
};

pub use self::{
    rego::RegoPolicy,
    settings::RegoSettings,
    trial::prover,
    verdict::{Verdict, VerdictError},
};

/// The question to a policy: everything that is known of one request.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The request as Envoy describes it.
    pub check: &'a CheckInput,
    /// What it asks of pygeoapi.
    pub resource: &'a Resource,
    /// Who asks.
    pub principal: &'a Principal,
}

/// What asking a policy gave.
#[derive(Debug)]
pub struct Judgement {
    /// The verdict, or why there is none.
    pub verdict: Result<Arc<Verdict>, PolicyError>,
    /// Where the verdict is from.
    pub source: VerdictSource,
}

/// Where a verdict is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictSource {
    /// It was given before for all that the policy reads of the request.
    Remembered,
    /// From an evaluation that took so long.
    Evaluated(Duration),
}

/// Something that decides.
pub trait Policy: Send + Sync {
    /// The verdict on one request. A fault is never an allowance.
    fn decide(&self, question: &Question<'_>) -> Judgement;

    /// The semaphore that this request waits for if the policy is slow; `None` if it is quick, or the verdict is remembered.
    fn lane(&self, _question: &Question<'_>) -> Option<&Semaphore> {
        None
    }

    /// The whole input that the policy would be given.
    fn shown(&self, question: &Question<'_>) -> Value;

    /// Where a value can differ from OPA's, each with file and line.
    fn warnings(&self) -> &[String] {
        &[]
    }

    /// A fingerprint of policies and data.
    fn revision(&self) -> &str;
}

/// Why a policy gave no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// The evaluation gave no value.
    #[error(transparent)]
    Rego(#[from] geowarden_rego::Fault),
    /// The policy's value is no verdict.
    #[error(transparent)]
    Verdict(#[from] VerdictError),
}

impl PolicyError {
    /// A stable name for metrics and logs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rego(geowarden_rego::Fault::Evaluation(_)) => "policy-error",
            Self::Rego(geowarden_rego::Fault::Timeout) => "policy-timeout",
            Self::Rego(geowarden_rego::Fault::Panic(_)) => "policy-panic",
            Self::Verdict(_) => "policy-verdict",
        }
    }
}
