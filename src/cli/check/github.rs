//! Commands of GitHub Actions: `::warning file=..,line=..::..`.

use std::fmt::Write as _;

use super::finding::{Finding, Level};

/// One command a line.
pub(super) fn commands(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(file) = &finding.file {
            properties.push(format!("file={}", property(file)));
        }
        for (name, value) in [
            ("line", finding.line),
            ("col", finding.column),
            ("endLine", finding.end_line),
            // With an end on another line, columns are not taken.
            (
                "endColumn",
                finding
                    .end_column
                    .filter(|_| finding.end_line == finding.line),
            ),
        ] {
            properties.extend(value.map(|value| format!("{name}={value}")));
        }
        properties.push(format!("title=geowarden {}", property(finding.code)));
        let _ = writeln!(
            text,
            "::{command} {}::{}",
            properties.join(","),
            data(&finding.told())
        );
    }
    text
}

/// A message, in which these characters would end the command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property, which a comma or colon would end.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
