//! A policy tried out before it may decide: analysed, and evaluated for requests as they come.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    LoadError, Policy, Settings,
    plan::Plan,
    policy::Rules,
    run::{
        builtins::Available,
        engine::{LOAD_LIMIT, on_large_stack},
    },
    source::Sources,
};

/// A policy to be tried.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// The policy.
    pub sources: Sources,
    /// How it is to be loaded.
    pub settings: Settings,
    /// What it is asked, as requests would.
    pub inputs: Vec<Value>,
}

/// What became of a trial.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Outcome(Tried);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tried {
    /// It loads: these are the texts that were tried.
    Proved(Box<Plan>),
    /// Why it does not load.
    Refused(LoadError),
}

impl Trial {
    /// Loads and tries the policy on this process's own account: whatever it does to the process, it does here.
    pub fn run(self) -> Outcome {
        Outcome(match self.prove() {
            Ok(plan) => Tried::Proved(Box::new(plan)),
            Err(error) => Tried::Refused(error),
        })
    }

    fn prove(self) -> Result<Plan, LoadError> {
        let settings = Settings {
            // A trial on a busy machine may take its time; what never ends is ended all the same.
            timeout: LOAD_LIMIT,
            ..self.settings
        };
        on_large_stack(move || {
            let proven = Plan::of(
                &self.sources,
                settings.version,
                Some(&settings.entrypoint),
                &Available,
            )?;
            // All of it at once, so that every rule is analysed; then as it will be evaluated.
            Policy::compile(&proven, String::new(), &settings, Rules::Whole)?;
            let policy = Policy::compile(&proven, String::new(), &settings, Rules::ByIndex)?;
            for input in &self.inputs {
                // A refusal by an error is an answer. Only what ends or holds up this process counts.
                let _ = policy.evaluate(input);
            }
            Ok(proven)
        })
    }
}

impl Outcome {
    pub(super) fn into_result(self) -> Result<Plan, LoadError> {
        match self.0 {
            Tried::Proved(plan) => Ok(*plan),
            Tried::Refused(why) => Err(why),
        }
    }
}
