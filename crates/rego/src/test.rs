//! The tests of policies: rules named `test_*`, run as `opa test` runs them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};

use regorus::{Engine, Value as RegoValue};
use serde::Serialize;

use crate::{
    BuiltinErrors, LoadError, engine_error,
    plan::{
        Plan,
        names::{package_path, path_of},
        syntax,
    },
    run::{
        builtins,
        engine::{engine, on_large_stack, panic_text},
    },
    source::{Sources, Version},
};

/// What became of one `test_*` rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TestOutcome {
    /// True.
    Pass,
    /// False, undefined or another value.
    Fail,
    /// Not run: its name begins with `todo_`.
    Skip,
    /// The evaluation failed.
    Error(String),
}

/// One `test_*` rule.
#[derive(Debug, Clone, Serialize)]
pub struct TestResult {
    /// The rule, `data.package.test_name`.
    pub name: String,
    /// What became of it.
    pub outcome: TestOutcome,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub duration: Duration,
}

/// Which lines of a file were evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct FileCoverage {
    /// The file.
    pub file: String,
    /// Lines evaluated, from 1.
    pub covered: Vec<u32>,
    /// Lines with something to evaluate that was not.
    pub not_covered: Vec<u32>,
}

/// Which lines of all files were evaluated.
pub type Coverage = Vec<FileCoverage>;

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// Runs every rule named `test_*`, as `opa test` does. With `coverage` it also returns which lines were evaluated.
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
/// let (results, coverage) = test::run(sources, Version::V1, BuiltinErrors::Refuse, true).unwrap();
/// assert_eq!(results[0].name, "data.example.test_ada");
/// assert_eq!(results[0].outcome, TestOutcome::Pass);
/// assert_eq!(coverage[0].covered, [3, 5]);
/// ```
pub fn run(
    sources: Sources,
    version: Version,
    errors: BuiltinErrors,
    coverage: bool,
) -> Result<(Vec<TestResult>, Coverage), LoadError> {
    on_large_stack(move || {
        let plan = Plan::of(&sources, version, None, &builtins::Available)?;
        let mut engine = engine(plan.modules(), plan.data(), errors)?;
        engine.set_enable_coverage(coverage);
        let results = test_rules(&plan)?
            .into_iter()
            .map(|name| run_test(&mut engine, name))
            .collect();
        let report = if coverage {
            engine
                .get_coverage_report()
                .map_err(|e| LoadError::Unusable(e.to_string()))?
                .files
                .into_iter()
                // Not those of rules that are made for others.
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

fn run_test(engine: &mut Engine, name: String) -> TestResult {
    let start = Instant::now();
    let is_todo = name
        .rsplit('.')
        .next()
        .is_some_and(|n| n.starts_with("todo_"));
    let outcome = if is_todo {
        TestOutcome::Skip
    } else {
        builtins::begin(0);
        match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(name.clone()))) {
            Ok(Ok(value)) if value == RegoValue::from(true) => TestOutcome::Pass,
            Ok(Ok(_)) => TestOutcome::Fail,
            Ok(Err(error)) => TestOutcome::Error(engine_error::for_author(&error.to_string())),
            Err(panic) => TestOutcome::Error(format!("panic: {}", panic_text(&*panic))),
        }
    };
    TestResult {
        name,
        outcome,
        duration: start.elapsed(),
    }
}

/// The `test_*` and `todo_test_*` rules of all modules, each once, in order.
fn test_rules(plan: &Plan) -> Result<Vec<String>, LoadError> {
    let mut names = Vec::new();
    for (file, text) in &plan.sources.modules {
        let parsed = syntax::parse(file, text, Version::V1)?;
        let modules = [parsed];
        for parsed in &modules {
            let package = package_path(&parsed.module);
            for rule in &parsed.module.policy {
                let name = path_of(rule, &package);
                let last = name.rsplit('.').next().unwrap_or_default();
                let is_test = last.starts_with("test_") || last.starts_with("todo_test_");
                if is_test && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    Ok(names)
}
