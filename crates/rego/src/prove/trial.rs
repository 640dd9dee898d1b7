//! Tries a policy before it may decide: analyses it, and evaluates it for sample requests.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::engines;
use crate::{
    LoadError, Policy, Settings, lint,
    plan::Plan,
    policy::Rules,
    run::{
        builtins::Available,
        engine::{LOAD_LIMIT, on_large_stack},
        slices::choose_engine,
    },
    source::Sources,
};

/// A policy to try.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// The policy.
    pub sources: Sources,
    /// The settings to load it with.
    pub settings: Settings,
    /// Sample inputs to evaluate it with.
    pub inputs: Vec<Value>,
}

/// The result of a trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrialResult(TrialEnd);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TrialEnd {
    /// The policy loads. This is the plan with the texts that were tried.
    Proved(Box<Plan>),
    /// The policy does not load, for this reason.
    Refused(LoadError),
}

impl Trial {
    /// Loads and evaluates the policy in this process. A bad policy can end or stall this process.
    pub fn run(self) -> TrialResult {
        TrialResult(match self.prove() {
            Ok(plan) => TrialEnd::Proved(Box::new(plan)),
            Err(error) => TrialEnd::Refused(error),
        })
    }

    fn prove(self) -> Result<Plan, LoadError> {
        let settings = Settings {
            // A trial on a busy machine may take longer than a request. The limit still ends an endless evaluation.
            timeout: LOAD_LIMIT,
            ..self.settings
        };
        on_large_stack(move || {
            let mut proven = Plan::of(
                &self.sources,
                settings.version,
                Some(&settings.entrypoint),
                &Available,
            )?;
            choose_engine(&mut proven);
            // First compile all rules in one engine, so that every rule is analysed. Then compile the engines that
            // requests will use.
            let with_loops = |error| lint::with_loops(error, &self.sources, &settings);
            Policy::of_interpreter(&proven, &settings).map_err(with_loops)?;
            let policy = Policy::compile(&proven, String::new(), &settings, Rules::ByIndex)
                .map_err(with_loops)?;
            if let Some(difference) = engines::compare(&proven, &settings, &self.inputs)? {
                proven.rules = Err(difference);
            }
            for input in &self.inputs {
                // An evaluation error is a valid answer here. Only a policy that ends or stalls this process fails the
                // trial.
                let _ = policy.evaluate(input);
            }
            Ok(proven)
        })
    }
}

impl TrialResult {
    pub(super) fn into_result(self) -> Result<Plan, LoadError> {
        match self.0 {
            TrialEnd::Proved(plan) => Ok(*plan),
            TrialEnd::Refused(why) => Err(why),
        }
    }
}
