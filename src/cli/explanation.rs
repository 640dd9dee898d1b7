//! Why a policy decided as it did, for `eval --explain` and others.

use std::fmt;

use clap::Args;
use geowarden_rego::explain::{
    Explainer, Explanation,
    text::{Extent, Paint},
};
use serde_json::{Value, json};

use super::{CommandError, paint};
use crate::{
    config::Config,
    files::Files,
    policy::{PolicyError, Question, RegoPolicy, Verdict},
    record::DecisionRecord,
    reload::build,
};

/// The flags of `eval` for explanations.
#[derive(Debug, Args)]
pub(super) struct ExplanationArguments {
    /// Say which rule allowed the request, or by which condition each rule missed, with the values that it saw
    #[arg(long, conflicts_with_all = ["input", "batch"])]
    pub(super) explain: bool,
    /// Explain every rule in full, also those that are farther from allowing the request
    #[arg(long, requires = "explain")]
    pub(super) all: bool,
}

/// What there is to say of a decision.
#[derive(Debug)]
pub(super) enum Explained {
    /// The policy was not asked: the request was refused before.
    BeforeThePolicy,
    /// What the policy did.
    By(Box<Explanation>),
}

impl Explained {
    /// Explains a decision that was just made by a policy.
    pub(super) fn of(
        record: &DecisionRecord<'_>,
        policy: &RegoPolicy,
        config: &Config,
        files: &Files,
    ) -> Result<Self, CommandError> {
        let (Some(check), Some(resource), Some(principal), Some(_)) = (
            record.request,
            &record.resource,
            &record.principal,
            record.verdict_source,
        ) else {
            return Ok(Self::BeforeThePolicy);
        };
        let question = Question {
            check,
            resource,
            principal,
        };
        let input = policy.input(&question).map_err(|e| failed(&e))?;
        Self::by_input(&input, policy, &explainer(config, files)?)
    }

    /// Explains what a policy says of an input.
    pub(super) fn by_input(
        input: &Value,
        policy: &RegoPolicy,
        explainer: &Explainer,
    ) -> Result<Self, CommandError> {
        let decided = policy.evaluate(input).map_err(|error| match error {
            PolicyError::Rego(fault) => fault,
            PolicyError::Verdict(error) => geowarden_rego::Fault::Evaluation(error.to_string()),
        });
        let explanation = explainer.explain(input, &decided).map_err(|e| failed(&e))?;
        Ok(Self::By(Box::new(explanation)))
    }

    /// Whether the policy allows the request.
    pub(super) fn is_allowed(&self) -> bool {
        match self {
            Self::BeforeThePolicy => false,
            Self::By(explanation) => {
                let verdict = Verdict::from_value(explanation.value.clone());
                explanation.fault.is_none() && verdict.is_ok_and(|verdict| verdict.allowed)
            }
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<Value, CommandError> {
        match self {
            Self::BeforeThePolicy => Ok(json!(null)),
            Self::By(explanation) => serde_json::to_value(explanation).map_err(|e| failed(&e)),
        }
    }

    /// For people.
    pub(super) fn text(&self, paint: &dyn Paint, extent: Extent<'_>) -> String {
        match self {
            Self::BeforeThePolicy => {
                "the policy was not asked: the request was refused before it\n".to_owned()
            }
            Self::By(explanation) => explanation.text(paint, extent),
        }
    }
}

/// How much to print for people, with or without `--all`.
pub(super) fn extent(all: bool) -> Extent<'static> {
    if all {
        Extent::All
    } else {
        Extent::Short { all: "--all" }
    }
}

/// How much to print for people of commands without `--all`.
pub(super) const SHORT: Extent<'_> = Extent::Short {
    all: "--format json",
};

/// Explains what the configured policy does.
pub(super) fn explainer(config: &Config, files: &Files) -> Result<Explainer, CommandError> {
    let sources = build::policy_sources(config, files).map_err(|e| failed(&e))?;
    let settings = build::rego_settings(config).policy;
    Explainer::load(sources, &settings).map_err(|e| failed(&e))
}

fn failed(error: &impl fmt::Display) -> CommandError {
    CommandError::Failed(format!("no explanation: {error}"))
}

/// The colours of a terminal.
pub(super) struct Colours;

impl Paint for Colours {
    fn good(&self, text: &str) -> String {
        paint::good(text).to_string()
    }

    fn bad(&self, text: &str) -> String {
        paint::bad(text).to_string()
    }

    fn faint(&self, text: &str) -> String {
        paint::faint(text).to_string()
    }

    fn plain(&self, text: &str) -> String {
        paint::plain(text).into_owned()
    }
}
