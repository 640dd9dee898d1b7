//! `geowarden test`: runs the tests of policies.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use geowarden_rego::{
    BuiltinErrors,
    source::Version,
    test::{self, CaseResult, Coverage, TestOutcome, TestResult},
};
use serde_json::json;

use super::{CommandError, paint, print, print_json};
use crate::{config::Problems, policy::source};

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Test {
    /// Folders or files with policies, data and tests; in a folder with several policies, each is loaded separately
    #[arg(value_name = "PATH", default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Only tests whose name contains this
    #[arg(long, short, value_name = "TEXT")]
    run: Option<String>,
    /// Print which lines were evaluated
    #[arg(long)]
    coverage: bool,
    /// Read files without `import rego.v1` as Rego v0
    #[arg(long)]
    v0_compatible: bool,
    /// The effect of an error of a built-in function, as in `policy.builtin_errors`
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    builtin_errors: OnError,
    /// Print every test, not only those that failed
    #[arg(long, short)]
    verbose: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The effect of an error of a built-in function.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum OnError {
    /// The test fails with the error
    #[default]
    Refuse,
    /// The call is undefined, as in OPA
    Undefined,
}

impl From<OnError> for BuiltinErrors {
    fn from(errors: OnError) -> Self {
        match errors {
            OnError::Refuse => Self::Refuse,
            OnError::Undefined => Self::Undefined,
        }
    }
}

/// The topmost folders below `path` that directly contain Rego files, sorted by name.
fn folders_with_policies(path: &Path) -> Vec<PathBuf> {
    // A folder that cannot be read is reported when it is loaded.
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let is_rego = |file: &PathBuf| file.extension().is_some_and(|e| e == "rego");
    if paths.iter().any(is_rego) {
        return vec![path.to_path_buf()];
    }
    paths.sort_unstable();
    let is_hidden = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default();
        name.as_encoded_bytes().starts_with(b".")
    };
    let folders = paths
        .iter()
        .filter(|path| path.is_dir() && !is_hidden(path));
    folders
        .flat_map(|folder| folders_with_policies(folder))
        .collect()
}

/// Writes what became of each case, one a line, the inner ones below the outer.
fn write_cases(text: &mut String, cases: &[CaseResult], depth: usize) {
    for case in cases {
        let word = if case.passed {
            paint::good("PASS")
        } else {
            paint::bad("FAIL")
        };
        let _ = writeln!(text, "{}{}: {word}", "  ".repeat(depth), case.name);
        write_cases(text, &case.cases, depth + 1);
    }
}

impl Test {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut results = Vec::new();
        let mut coverage = Coverage::new();
        for path in &self.paths {
            let (some, lines) = self.run_all(path)?;
            results.extend(some);
            coverage.extend(lines);
        }
        if let Some(wanted) = &self.run {
            results.retain(|result| result.name.contains(wanted.as_str()));
        }
        if results.is_empty() {
            return Err(CommandError::Failed(
                "no test was found: tests are rules whose names begin with `test_`".to_owned(),
            ));
        }
        if self.json {
            print_json(&json!({"tests": results, "coverage": coverage}))?;
        } else {
            print(&self.summary(&results, &coverage))?;
        }
        let all_passed = results
            .iter()
            .all(|r| matches!(r.outcome, TestOutcome::Pass | TestOutcome::Skip));
        Ok(if all_passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Runs the tests of a policy, or of each policy in a folder with several. Those may define the same rule, so they
    /// cannot be loaded together.
    fn run_all(&self, path: &Path) -> Result<(Vec<TestResult>, Coverage), CommandError> {
        let as_one = self.run_one(path);
        let inner = folders_with_policies(path);
        if as_one.is_ok() || inner.len() < 2 {
            return as_one;
        }
        let mut results = Vec::new();
        let mut coverage = Coverage::new();
        for folder in inner {
            let (some, lines) = self.run_one(&folder)?;
            results.extend(some.into_iter().map(|result| TestResult {
                name: format!("{}: {}", folder.display(), result.name),
                ..result
            }));
            coverage.extend(lines);
        }
        Ok((results, coverage))
    }

    fn run_one(&self, path: &Path) -> Result<(Vec<TestResult>, Coverage), CommandError> {
        let version = if self.v0_compatible {
            Version::V0
        } else {
            Version::V1
        };
        let config =
            |e: String| CommandError::Config(Problems::file(path.display().to_string(), None, e));
        let sources = source::load(path).map_err(|e| config(e.to_string()))?;
        test::run(sources, version, self.builtin_errors.into(), self.coverage)
            .map_err(|e| config(e.to_string()))
    }

    fn summary(&self, results: &[TestResult], coverage: &Coverage) -> String {
        let mut text = String::new();
        let (mut passed, mut failed, mut skipped, mut errors) = (0, 0, 0, 0);
        for result in results {
            let (count, word) = match &result.outcome {
                TestOutcome::Pass => (&mut passed, paint::good("PASS")),
                TestOutcome::Fail => (&mut failed, paint::bad("FAIL")),
                TestOutcome::Skip => (&mut skipped, paint::warning("SKIPPED")),
                TestOutcome::Error(_) => (&mut errors, paint::bad("ERROR")),
            };
            *count += 1;
            if self.verbose || !matches!(result.outcome, TestOutcome::Pass) {
                let _ = writeln!(text, "{}: {word} ({:?})", result.name, result.duration);
                write_cases(&mut text, &result.cases, 1);
            }
            if let TestOutcome::Error(error) = &result.outcome {
                let _ = writeln!(text, "  {}", error.replace('\n', "\n  "));
            }
        }
        let total = results.len();
        for (name, count) in [
            (paint::good("PASS"), passed),
            (paint::bad("FAIL"), failed),
            (paint::bad("ERROR"), errors),
            (paint::warning("SKIPPED"), skipped),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{name}: {count}/{total}");
            }
        }
        for file in coverage {
            let lines = file.covered.len() + file.not_covered.len();
            let share = (file.covered.len() * 100).checked_div(lines).unwrap_or(100);
            let _ = write!(text, "{}: {share}% of {lines} lines", file.file);
            if file.not_covered.is_empty() {
                text.push('\n');
            } else {
                let _ = writeln!(text, ", not: {:?}", file.not_covered);
            }
        }
        text
    }
}
