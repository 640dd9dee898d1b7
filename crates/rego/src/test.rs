//! The tests of policies: rules named `test_*`, run as `opa test` runs them.

mod cases;
mod rules;
mod why;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use regorus::{Engine, Value as RegoValue};
use serde::Serialize;

pub use self::{
    cases::CaseResult,
    why::{Why, why},
};
use self::{
    cases::Cases,
    rules::{Gives, TestRule},
};
use crate::{
    BuiltinErrors, LoadError,
    core::path,
    engine_error,
    plan::Plan,
    run::{
        builtins,
        engine::{engine, on_large_stack, panic_text},
    },
    source::{Sources, Version},
    translate::{Written, translate_with},
};

/// The result of one `test_*` rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// The value is true, or all cases are true.
    Pass,
    /// The value is false, undefined or something else, or one of the cases failed.
    Fail,
    /// The rule was not run: its name begins with `todo_test_`.
    Skip,
    /// The evaluation failed.
    Error(String),
}

/// One rule named `test_*`.
#[derive(Debug, Clone, Serialize)]
pub struct TestResult {
    /// The rule, `data.package.test_name`. If several rules have this name, `#01` and so on follow for the second and
    /// later ones.
    pub name: String,
    /// The result.
    pub outcome: TestOutcome,
    /// How long the test took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub duration: Duration,
    /// The cases of a rule `test_name[case]`, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<CaseResult>,
}

/// Which lines of a file were evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct FileCoverage {
    /// The file.
    pub file: String,
    /// The lines that were evaluated, from 1.
    pub covered: Vec<u32>,
    /// The lines that hold something to evaluate but were not evaluated.
    pub not_covered: Vec<u32>,
}

/// Which lines of all files were evaluated.
pub type Coverage = Vec<FileCoverage>;

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Runs the rules named `test_*` whose names in the report `chosen` takes, as `opa test` does. With `coverage`, it also returns which lines were evaluated.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use geowarden_rego::{BuiltinErrors, Sources, source::Version, test::{self, TestOutcome}};
///
/// let text = "package example\n\nallow if input.user == \"ada\"\n\ntest_ada if allow with input.user as \"ada\"\n";
/// let sources = Sources {
///     modules: BTreeMap::from([("example_test.rego".to_owned(), text.to_owned())]),
///     ..Sources::default()
/// };
/// let (results, coverage) = test::run(sources, Version::V1, BuiltinErrors::Refuse, true, |_| true).unwrap();
/// assert_eq!(results[0].name, "data.example.test_ada");
/// assert_eq!(results[0].outcome, TestOutcome::Pass);
/// assert_eq!(coverage[0].covered, [3, 5]);
/// ```
pub fn run(
    sources: Sources,
    version: Version,
    errors: BuiltinErrors,
    coverage: bool,
    chosen: impl Fn(&str) -> bool + Send + 'static,
) -> Result<(Vec<TestResult>, Coverage), LoadError> {
    on_large_stack(move || {
        let written = Written {
            texts: &sources.modules,
            version,
            data: &sources.data,
            entry: &[],
        };
        let (given, rules, places) = translate_with(written, &builtins::Available, rules::arrange)
            .map_err(LoadError::Diagnostics)?;
        let plan = Plan::of_given(given, &sources)?;
        let mut engine = engine(plan.modules(), plan.data(), errors)?;
        engine.set_enable_coverage(coverage);
        let results = rules
            .into_iter()
            .filter(|rule| chosen(&rule.name))
            .map(|rule| {
                let place = path(&places.moved(rule.path.clone()));
                run_test(&mut engine, rule, place)
            })
            .collect();
        let report = if coverage {
            engine
                .get_coverage_report()
                .map_err(|e| LoadError::Unusable(e.to_string()))?
                .files
                .into_iter()
                // Leave out the modules that geowarden made itself.
                .filter(|file| sources.modules.contains_key(&file.path))
                .map(|file| FileCoverage {
                    file: file.path,
                    covered: file.covered.into_iter().collect(),
                    not_covered: file.not_covered.into_iter().collect(),
                })
                .collect()
        } else {
            Coverage::new()
        };
        Ok((results, report))
    })
}

fn run_test(engine: &mut Engine, rule: TestRule, place: String) -> TestResult {
    let start = Instant::now();
    let mut cases = Cases::default();
    let outcome = if rule.gives == Gives::Nothing {
        TestOutcome::Skip
    } else {
        builtins::begin(0);
        match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(place))) {
            Ok(Ok(value)) => match rule.gives {
                Gives::Cases { below } if value != RegoValue::Undefined => {
                    cases = Cases::of(&below, value, &builtins::test_cases());
                    outcome(!cases.is_any_failed())
                }
                Gives::Truth => outcome(value == RegoValue::from(true)),
                _ => TestOutcome::Fail,
            },
            Ok(Err(error)) => TestOutcome::Error(engine_error::for_author(&error.to_string())),
            Err(panic) => TestOutcome::Error(format!("panic: {}", panic_text(&*panic))),
        }
    };
    TestResult {
        name: rule.name,
        outcome,
        duration: start.elapsed(),
        cases: cases.into_results(),
    }
}

fn outcome(is_true: bool) -> TestOutcome {
    if is_true {
        TestOutcome::Pass
    } else {
        TestOutcome::Fail
    }
}
