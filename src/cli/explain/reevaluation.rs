//! What today's policy says of an input of the log.

use geowarden_rego::explain::text::Extent;
use serde_json::{Value, json};

use super::super::{
    CommandError,
    decision_log::LoggedDecision,
    explanation::{Colours, Explained, explainer},
    other_policy, paint,
};
use crate::{config::Config, files::Fresh, policy::Policy as _, record::InputScope, reload::build};

/// The evaluation of today's policy, compared with the decision.
pub(super) struct Reevaluation {
    /// Whether it allows the request.
    pub(super) is_allowed: bool,
    is_same_outcome: bool,
    /// The revisions then and now, if they differ.
    changed: Option<(String, String)>,
    revision: String,
    /// Whether the input has only the part that the earlier policy read.
    is_of_reads: bool,
    /// What today's policy reads and the log does not have, since it is a credential.
    missing: Vec<String>,
    explained: Explained,
}

impl Reevaluation {
    pub(super) fn of(
        decision: &LoggedDecision,
        input: &Value,
        config: &Config,
    ) -> Result<Self, CommandError> {
        let files = build::files(config, Fresh::Read).map_err(CommandError::Config)?;
        let policy = build::policy(config, &files).map_err(CommandError::Config)?;
        geowarden_rego::fix_now(decision.nanoseconds());
        let by = explainer(config, &files)?;
        let explained = Explained::by_input(input, &policy, &by)?;
        let is_allowed = explained.is_allowed();
        let revision = policy.revision().to_owned();
        let then = decision.policy_revision.clone();
        Ok(Self {
            is_allowed,
            is_same_outcome: is_allowed == (decision.outcome == "allow"),
            changed: then
                .filter(|then| *then != revision)
                .map(|then| (then, revision.clone())),
            revision,
            is_of_reads: decision.input_scope == Some(InputScope::Reads),
            missing: other_policy::missing(&policy, &decision.erased),
            explained,
        })
    }

    fn outcome(&self) -> &'static str {
        if self.is_allowed { "allow" } else { "deny" }
    }

    /// For programs.
    pub(super) fn json(&self) -> Result<Value, CommandError> {
        Ok(json!({
            "outcome": self.outcome(),
            "is_same_outcome": self.is_same_outcome,
            "policy_revision": self.revision,
            "is_same_policy": self.changed.is_none(),
            "without_credentials": self.missing,
            "explanation": self.explained.json()?,
        }))
    }

    /// For people.
    pub(super) fn text(&self, extent: Extent<'_>) -> String {
        let outcome = if self.is_allowed {
            paint::good("allow")
        } else {
            paint::bad("deny")
        };
        let same = if self.is_same_outcome {
            "the same outcome"
        } else {
            "another outcome"
        };
        let mut lines = vec![format!("now: {outcome}, {same}")];
        if let Some((then, now)) = &self.changed {
            lines.push(paint::plain(&other_policy::note(then, now)).into_owned());
            if self.is_of_reads {
                lines.push(
                    "the log has only the part of `input` that the earlier policy read (`decision_log.input: reads`): other parts are undefined here"
                        .to_owned(),
                );
            }
        }
        if let Some(note) = other_policy::note_of_missing(&self.missing) {
            lines.push(paint::plain(&note).into_owned());
        }
        lines.push(self.explained.text(&Colours, extent));
        lines.join("\n")
    }
}
