//! What became of tests, for people.

use std::fmt::Write as _;

use geowarden_rego::{
    explain::text::{NoPaint, Paint},
    test::{CaseResult, Coverage, FileCoverage, TestOutcome, TestResult, Why},
};
use serde::Serialize;

use super::{
    super::{
        explanation::{Colours, SHORT},
        paint,
    },
    failure::RowFailure,
};

/// One test that ran.
#[derive(Debug, Serialize)]
pub(super) struct Ran {
    #[serde(flatten)]
    pub(super) result: TestResult,
    /// The table of a row.
    #[serde(skip)]
    pub(super) suite: Option<String>,
    /// Why it failed.
    #[serde(flatten)]
    pub(super) reason: Option<Reason>,
}

/// Why a test failed.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Reason {
    OfRule(Box<Why>),
    OfRow(Box<RowFailure>),
}

impl Reason {
    fn text(&self, paint: &dyn Paint) -> String {
        match self {
            Self::OfRule(why) => {
                let mut text = why.explanation.text(paint, SHORT);
                for line in &why.printed {
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "print: {}", paint.plain(line));
                }
                text
            }
            Self::OfRow(failure) => failure.text(paint),
        }
    }
}

impl Ran {
    pub(super) fn why_text(&self) -> String {
        let reason = self.reason.as_ref();
        reason.map_or_else(String::new, |reason| reason.text(&NoPaint))
    }

    /// The suite and the name in it.
    pub(super) fn names(&self) -> (&str, &str) {
        let name = self.result.name.as_str();
        let of_row = self.suite.as_deref().and_then(|suite| {
            let name = name.strip_prefix(suite)?.strip_prefix(": ")?;
            Some((suite, name))
        });
        of_row.unwrap_or_else(|| name.rsplit_once('.').unwrap_or(("", name)))
    }
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

/// The cases that are not true, the inner ones behind the names of the outer ones.
pub(super) fn failed_cases(cases: &[CaseResult]) -> Vec<String> {
    let mut names = Vec::new();
    for case in cases.iter().filter(|case| !case.passed) {
        let inner = failed_cases(&case.cases);
        if inner.is_empty() {
            names.push(case.name.clone());
        }
        names.extend(inner.iter().map(|inner| format!("{}: {inner}", case.name)));
    }
    names
}

/// All results for people.
pub(super) fn text(results: &[Ran], coverage: &Coverage, is_verbose: bool) -> String {
    let mut text = String::new();
    let (mut passed, mut failed, mut skipped, mut errors) = (0, 0, 0, 0);
    for Ran { result, reason, .. } in results {
        let (count, word) = match &result.outcome {
            TestOutcome::Pass => (&mut passed, paint::good("PASS")),
            TestOutcome::Fail => (&mut failed, paint::bad("FAIL")),
            TestOutcome::Skip => (&mut skipped, paint::warning("SKIPPED")),
            TestOutcome::Error(_) => (&mut errors, paint::bad("ERROR")),
        };
        *count += 1;
        if is_verbose || !matches!(result.outcome, TestOutcome::Pass) {
            let _ = writeln!(text, "{}: {word} ({:?})", result.name, result.duration);
            write_cases(&mut text, &result.cases, 1);
        }
        if let TestOutcome::Error(error) = &result.outcome {
            let _ = writeln!(text, "  {}", error.replace('\n', "\n  "));
        }
        if let Some(reason) = reason {
            for line in reason.text(&Colours).lines() {
                let _ = writeln!(text, "  {line}");
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

/// How many of the lines with something to evaluate were evaluated, in percent.
#[allow(clippy::cast_precision_loss, reason = "no policy has so many lines")]
pub(super) fn covered(coverage: &Coverage) -> f64 {
    let lines = |of: fn(&FileCoverage) -> usize| coverage.iter().map(of).sum::<usize>();
    let covered = lines(|file| file.covered.len());
    match covered + lines(|file| file.not_covered.len()) {
        0 => 100.0,
        all => covered as f64 * 100.0 / all as f64,
    }
}
