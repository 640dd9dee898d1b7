//! `geowarden test`: runs the tests of policies.

mod junit;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use geowarden_rego::{
    BuiltinErrors,
    explain::text::NoPaint,
    source::Version,
    test::{self, CaseResult, Coverage, FileCoverage, TestOutcome, TestResult, Why},
};
use regex::Regex;
use serde::Serialize;
use serde_json::json;

use super::{CommandError, explanation::Colours, paint, print, print_json};
use crate::{config::Problems, policy::source};

#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(super) struct Test {
    /// Folders or files with policies, data and tests; in a folder with several policies, each is loaded separately
    #[arg(value_name = "PATH", default_value = "policies")]
    paths: Vec<PathBuf>,
    /// Only tests whose name, `data.package.test_name`, matches this regular expression
    #[arg(long, short, value_name = "REGEX")]
    run: Option<Regex>,
    /// Print which lines were evaluated
    #[arg(long)]
    coverage: bool,
    /// Print which lines were evaluated, and fail if they are a smaller share, in percent
    #[arg(long, value_name = "PERCENT", value_parser = threshold)]
    threshold: Option<f64>,
    /// Read files without `import rego.v1` as Rego v0
    #[arg(long)]
    v0_compatible: bool,
    /// The effect of an error of a built-in function, as in `policy.builtin_errors`
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    builtin_errors: OnError,
    /// Print every test, not only those that failed
    #[arg(long, short)]
    verbose: bool,
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// Print JSON, as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
    /// For CI systems: the XML of JUnit
    Junit,
}

/// One test that ran.
#[derive(Debug, Serialize)]
struct Ran {
    #[serde(flatten)]
    result: TestResult,
    /// Why it failed.
    #[serde(flatten)]
    why: Option<Why>,
}

impl Ran {
    fn why_text(&self) -> String {
        self.why.as_ref().map_or_else(String::new, |why| {
            let mut text = why.explanation.text(&NoPaint);
            for line in &why.printed {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "print: {line}");
            }
            text
        })
    }
}

fn threshold(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok();
    percent
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
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
        if results.is_empty() {
            return Err(CommandError::Failed(
                match &self.run {
                    Some(_) => {
                        "no test was found whose name `--run` finds: leave it out to see all"
                    }
                    None => "no test was found: tests are rules whose names begin with `test_`",
                }
                .to_owned(),
            ));
        }
        match self.format {
            Format::Json => print_json(&json!({"tests": results, "coverage": coverage}))?,
            Format::Text if self.json => {
                print_json(&json!({"tests": results, "coverage": coverage}))?;
            }
            Format::Text => print(&self.summary(&results, &coverage))?,
            Format::Junit => print(&junit::xml(&results))?,
        }
        if let Some(threshold) = self.threshold {
            let covered = covered(&coverage);
            if covered < threshold {
                return Err(CommandError::Failed(format!(
                    "the tests evaluate {covered:.1}% of the lines, and --threshold asks for {threshold}%"
                )));
            }
        }
        let all_passed = results
            .iter()
            .all(|ran| matches!(ran.result.outcome, TestOutcome::Pass | TestOutcome::Skip));
        Ok(if all_passed {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    }

    /// Runs the tests of a policy, or of each policy in a folder with several. Those may define the same rule, so they
    /// cannot be loaded together.
    fn run_all(&self, path: &Path) -> Result<(Vec<Ran>, Coverage), CommandError> {
        let as_one = self.run_one(path);
        let inner = folders_with_policies(path);
        if as_one.is_ok() || inner.len() < 2 {
            return as_one;
        }
        let mut results = Vec::new();
        let mut coverage = Coverage::new();
        for folder in inner {
            let (some, lines) = self.run_one(&folder)?;
            results.extend(some.into_iter().map(|mut ran| {
                ran.result.name = format!("{}: {}", folder.display(), ran.result.name);
                ran
            }));
            coverage.extend(lines);
        }
        Ok((results, coverage))
    }

    fn run_one(&self, path: &Path) -> Result<(Vec<Ran>, Coverage), CommandError> {
        let version = if self.v0_compatible {
            Version::V0
        } else {
            Version::V1
        };
        let config =
            |e: String| CommandError::Config(Problems::file(path.display().to_string(), None, e));
        let sources = source::load(path).map_err(|e| config(e.to_string()))?;
        let errors = self.builtin_errors.into();
        let with_coverage = self.coverage || self.threshold.is_some();
        let (results, coverage) = test::run(sources.clone(), version, errors, with_coverage)
            .map_err(|e| config(e.to_string()))?;
        let mut all = Vec::new();
        for result in results {
            if self
                .run
                .as_ref()
                .is_some_and(|run| !run.is_match(&result.name))
            {
                continue;
            }
            let why = match result.outcome {
                TestOutcome::Fail | TestOutcome::Error(_) => {
                    // Without an explanation the failure is told all the same.
                    test::why(sources.clone(), version, errors, &result).ok()
                }
                TestOutcome::Pass | TestOutcome::Skip => None,
            };
            all.push(Ran { result, why });
        }
        Ok((all, coverage))
    }

    fn summary(&self, results: &[Ran], coverage: &Coverage) -> String {
        let mut text = String::new();
        let (mut passed, mut failed, mut skipped, mut errors) = (0, 0, 0, 0);
        for Ran { result, why } in results {
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
            if let Some(why) = why {
                for line in why.explanation.text(&Colours).lines() {
                    let _ = writeln!(text, "  {line}");
                }
                for line in &why.printed {
                    let _ = writeln!(text, "  print: {}", paint::plain(line));
                }
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

/// How many of the lines with something to evaluate were evaluated, in percent.
#[allow(clippy::cast_precision_loss, reason = "no policy has so many lines")]
fn covered(coverage: &Coverage) -> f64 {
    let lines = |of: fn(&FileCoverage) -> usize| coverage.iter().map(of).sum::<usize>();
    let covered = lines(|file| file.covered.len());
    match covered + lines(|file| file.not_covered.len()) {
        0 => 100.0,
        all => covered as f64 * 100.0 / all as f64,
    }
}
