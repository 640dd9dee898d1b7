//! Results of tests as JUnit's XML, which CI systems show.

use std::fmt::Write as _;

use geowarden_rego::test::TestOutcome;

use super::results::{Ran, Reason, failed_cases};

/// One suite with all tests.
pub(super) fn xml(all: &[Ran]) -> String {
    let count = |wanted: fn(&TestOutcome) -> bool| {
        let outcomes = all.iter().map(|ran| &ran.result.outcome);
        outcomes.filter(|outcome| wanted(outcome)).count()
    };
    let failures = count(|outcome| *outcome == TestOutcome::Fail);
    let errors = count(|outcome| matches!(outcome, TestOutcome::Error(_)));
    let skipped = count(|outcome| *outcome == TestOutcome::Skip);
    let time: f64 = all
        .iter()
        .map(|ran| ran.result.duration.as_secs_f64())
        .sum();
    let totals = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\" time=\"{time:.6}\"",
        all.len()
    );
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {totals}>\n  <testsuite name=\"geowarden test\" {totals}>\n"
    );
    for ran in all {
        let (class, name) = ran.names();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6}\"",
            escaped(class),
            escaped(name),
            ran.result.duration.as_secs_f64()
        );
        let (element, message) = match &ran.result.outcome {
            TestOutcome::Pass => {
                text.push_str("/>\n");
                continue;
            }
            TestOutcome::Skip => {
                text.push_str("><skipped/></testcase>\n");
                continue;
            }
            TestOutcome::Fail => (
                "failure",
                match &ran.reason {
                    Some(Reason::OfRow(failure)) => failure.summary(),
                    _ => untrue(&failed_cases(&ran.result.cases)),
                },
            ),
            TestOutcome::Error(error) => ("error", error.clone()),
        };
        let _ = writeln!(
            text,
            "><{element} message=\"{}\">{}</{element}></testcase>",
            escaped(&message),
            escaped(&ran.why_text())
        );
    }
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

fn untrue(cases: &[String]) -> String {
    match cases {
        [] => "the test is not true".to_owned(),
        [case] => format!("the case {case} is not true"),
        cases => format!("the cases {} are not true", cases.join(", ")),
    }
}

/// A text in XML 1.0, which has no characters for most controls.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                safe.extend(c.escape_default());
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_a_policy_breaks_no_xml() {
        assert_eq!(
            escaped("a<b> & \"c\"\n\u{1b}[2J"),
            "a&lt;b&gt; &amp; &quot;c&quot;&#10;\\u{1b}[2J"
        );
    }
}
