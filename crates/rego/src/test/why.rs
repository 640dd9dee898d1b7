//! Explains why a test failed.

use serde::Serialize;

use crate::{
    BuiltinErrors, LoadError,
    explain::{Asked, Changed, Explainer, Explanation},
    resolve::File,
    run::{builtins::print, engine::on_large_stack},
    source::{Sources, Version},
    test::{TestOutcome, TestResult, rules},
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
    let name = failed.name.clone();
    let asked = if failed.cases.is_empty() {
        Asked::Value
    } else {
        Asked::Missing
    };
    let is_fault = matches!(failed.outcome, TestOutcome::Error(_));
    on_large_stack(move || {
        // Of several rules of this name, explain the one that failed.
        let arrange = |files: &mut [File], prefix: &str| {
            let mut tests = rules::arrange(files, prefix).into_iter();
            let test = tests.find(|test| test.name == name)?;
            let path = test.path;
            Some(Changed { path, name })
        };
        let explainer = Explainer::of(sources, version, errors, Vec::new(), arrange)?;
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
