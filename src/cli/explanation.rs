//! Why a policy decided as it did, for `eval --explain` and others.

use geowarden_rego::explain::{Explainer, Explanation, text::Paint};
use serde_json::{Value, json};

use super::{CommandError, paint};
use crate::{
    config::Config,
    files::Files,
    policy::{PolicyError, Question, RegoPolicy},
    record::DecisionRecord,
    reload::build,
};

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
        let failed = |e: String| CommandError::Failed(format!("--explain: {e}"));
        let input = policy.input(&question).map_err(|e| failed(e.to_string()))?;
        Self::by_input(&input, policy, config, files)
    }

    /// Explains what a policy says of an input.
    pub(super) fn by_input(
        input: &Value,
        policy: &RegoPolicy,
        config: &Config,
        files: &Files,
    ) -> Result<Self, CommandError> {
        let failed = |e: String| CommandError::Failed(format!("--explain: {e}"));
        let decided = policy.evaluate(input).map_err(|error| match error {
            PolicyError::Rego(fault) => fault,
            PolicyError::Verdict(error) => geowarden_rego::Fault::Evaluation(error.to_string()),
        });
        let sources = build::policy_sources(config, files).map_err(|e| failed(e.to_string()))?;
        let settings = build::rego_settings(config).policy;
        let explainer = Explainer::load(sources, &settings).map_err(|e| failed(e.to_string()))?;
        let explanation = explainer
            .explain(input, &decided)
            .map_err(|e| failed(e.to_string()))?;
        Ok(Self::By(Box::new(explanation)))
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<Value, CommandError> {
        match self {
            Self::BeforeThePolicy => Ok(json!(null)),
            Self::By(explanation) => serde_json::to_value(explanation)
                .map_err(|e| CommandError::Failed(format!("--explain: {e}"))),
        }
    }

    /// For people.
    pub(super) fn text(&self, paint: &dyn Paint) -> String {
        match self {
            Self::BeforeThePolicy => {
                "the policy was not asked: the request was refused before it\n".to_owned()
            }
            Self::By(explanation) => explanation.text(paint),
        }
    }
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
