//! Findings that the author chose to ignore: `# geowarden ignore: data, open` on the same line, or alone on the line
//! above.

use crate::diagnostic::Diagnostic;

/// The start of a comment that lists codes to ignore.
const MARK: &str = "geowarden ignore:";

/// Whether a comment says to ignore this finding.
pub(super) fn is_ignored(text: Option<&String>, found: &Diagnostic) -> bool {
    let Some(text) = text else { return false };
    let line = (found.span.line as usize).saturating_sub(1);
    let mut lines = text.lines().skip(line.saturating_sub(1));
    let above = (line > 0).then(|| lines.next()).flatten();
    let own = lines.next();
    let above = above.filter(|above| above.trim_start().starts_with('#'));
    [own, above]
        .into_iter()
        .flatten()
        .any(|line| names(line).any(|code| code == found.code.as_str()))
}

/// The codes that a line's comment names.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let behind = line
        .split_once('#')
        .and_then(|(_, comment)| comment.split_once(MARK));
    let names = behind.map_or("", |(_, names)| names);
    names.split([',', ' ']).filter(|name| !name.is_empty())
}
