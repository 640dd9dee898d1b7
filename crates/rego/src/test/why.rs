//! Explains why a test failed.

use serde::Serialize;

use crate::{
    BuiltinErrors, LoadError,
    explain::{Asked, Explainer, Explanation},
    run::{builtins::print, engine::on_large_stack},
    source::{Sources, Version},
    test::{TestOutcome, TestResult},
};

/// Why a test failed.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// The assertion that did not hold, with the values that it saw.
    pub explanation: Explanation,
    /// What the test printed, one text for each line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub printed: Vec<String>,
}

/// Explains why a test failed.
pub fn why(
    sources: Sources,
    version: Version,
    errors: BuiltinErrors,
    failed: &TestResult,
) -> Result<Why, LoadError> {
    // If several rules have this name, explain all of them.
    let name = &failed.name;
    let rule = name.split('#').next().unwrap_or(name);
    let asked = if failed.cases.is_empty() {
        Asked::Value
    } else {
        Asked::Missing
    };
    let is_fault = matches!(failed.outcome, TestOutcome::Error(_));
    let path = rule.strip_prefix("data.").unwrap_or(rule);
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    on_large_stack(move || {
        let explainer = Explainer::of(sources, version, errors, names)?;
        print::keep();
        let explanation = explainer.explain_alone(asked);
        let printed = print::take();
        let explanation = explanation.map_err(|e| LoadError::Unusable(e.to_string()))?;
        // The test is run once more to explain it. On a busy machine that run can reach the time limit.
        if explanation.fault.is_some() && !is_fault {
            let message = "the test ended otherwise when it was run again to explain it";
            return Err(LoadError::Unusable(message.to_owned()));
        }
        Ok(Why {
            explanation,
            printed,
        })
    })
}
