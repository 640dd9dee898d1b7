//! The stop `policy`: asks the policy for a verdict.

mod default_roles;
pub mod input;
pub mod lint;
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

/// The facts about one request that a policy is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The request, as Envoy describes it.
    pub check: &'a CheckInput,
    /// The resource it asks for.
    pub resource: &'a Resource,
    /// The caller.
    pub principal: &'a Principal,
}

/// The result of asking a policy.
#[derive(Debug)]
pub struct Judgement {
    /// The verdict, or why there is none.
    pub verdict: Result<Arc<Verdict>, PolicyError>,
    /// Where the verdict came from.
    pub source: VerdictSource,
    /// What the policy printed, one text for each line, if somebody wants it.
    pub printed: Vec<String>,
}

/// Where a verdict came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictSource {
    /// It was remembered from an earlier request with the same relevant input.
    Remembered,
    /// From an evaluation, which took this long.
    Evaluated(Duration),
}

/// When a request may be decided.
#[derive(Debug)]
pub enum Turn<'p> {
    /// Now: the policy is quick.
    Now,
    /// It is decided already: the policy is slow, but the verdict is remembered.
    Decided(Judgement),
    /// After the semaphore was acquired, on a thread that may block: the policy is slow.
    After(&'p Semaphore),
}

/// Decides requests.
pub trait Policy: Send + Sync {
    /// The verdict on one request. An error never allows it.
    fn decide(&self, question: &Question<'_>) -> Judgement;

    /// When the request may be decided.
    fn turn(&self, _question: &Question<'_>) -> Turn<'_> {
        Turn::Now
    }

    /// The complete `input` of the policy.
    fn shown(&self, question: &Question<'_>) -> Value;

    /// The part of `input` that the policy can read.
    fn read_input(&self, question: &Question<'_>) -> Value {
        self.shown(question)
    }

    /// Places where a value can differ from OPA's, each with file and line.
    fn warnings(&self) -> &[String] {
        &[]
    }

    /// Why the slower engine evaluates it, with file and line. `None` for the faster one, and where the settings choose.
    fn interpreted(&self) -> Option<String> {
        None
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
    /// The value of the policy is not a verdict.
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
