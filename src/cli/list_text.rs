//! The text of a list in YAML with an entry more, less or changed. Everything else of it stays as it is.

use geowarden_yaml::{Document, Step};
use serde_json::Value;
use thiserror::Error;

/// Why a text cannot be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "expected a list with an entry at each `- `, or JSON; found another style: change the file by hand"
)]
pub(super) struct Unfit;

/// The text with one more entry at the end. `written` is the entry in YAML; of several lines, the first has no indent.
pub(super) fn with(text: &str, entry: &Value, written: &str) -> Result<String, Unfit> {
    let mut entries = entries(text)?;
    entries.push(entry.clone());
    if is_flow(text) {
        return json(text, &entries);
    }
    let indent = lines_of(text, 0).map_or(0, |(first, _)| indent(text, first));
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let lines = written.replace('\n', &format!("\n{:1$}", "", indent + 2));
    let changed = format!("{text}{end}{:indent$}- {lines}\n", "");
    verified(changed, &entries)
}

/// The text without the entry of a number.
pub(super) fn without(text: &str, number: usize) -> Result<String, Unfit> {
    let mut entries = entries(text)?;
    if number >= entries.len() {
        return Err(Unfit);
    }
    entries.remove(number);
    if is_flow(text) {
        return json(text, &entries);
    }
    verified(spliced(text, number, None)?, &entries)
}

/// The text in which `entry` replaces the entry of this number.
pub(super) fn replaced(text: &str, number: usize, entry: &Value) -> Result<String, Unfit> {
    let mut entries = entries(text)?;
    *entries.get_mut(number).ok_or(Unfit)? = entry.clone();
    if is_flow(text) {
        return json(text, &entries);
    }
    verified(spliced(text, number, Some(entry))?, &entries)
}

fn entries(text: &str) -> Result<Vec<Value>, Unfit> {
    match Document::parse(text).map_err(|_| Unfit)?.value {
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) => Ok(entries),
        _ => Err(Unfit),
    }
}

/// What was changed by lines must mean what was wanted.
fn verified(changed: String, wanted: &[Value]) -> Result<String, Unfit> {
    if entries(&changed)? == wanted {
        Ok(changed)
    } else {
        Err(Unfit)
    }
}

fn is_flow(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

/// A list in JSON has no comments that could get lost.
fn json(text: &str, entries: &[Value]) -> Result<String, Unfit> {
    serde_json::from_str::<Value>(text).map_err(|_| Unfit)?;
    let lines: Vec<String> = entries.iter().map(|entry| format!("  {entry}")).collect();
    Ok(match lines.as_slice() {
        [] => "[]\n".to_owned(),
        lines => format!("[\n{}\n]\n", lines.join(",\n")),
    })
}

fn spliced(text: &str, number: usize, entry: Option<&Value>) -> Result<String, Unfit> {
    let (first, behind) = lines_of(text, number).ok_or(Unfit)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let before = lines.get(..first).ok_or(Unfit)?.concat();
    let after = lines.get(behind..).ok_or(Unfit)?.concat();
    let own = entry.map_or_else(String::new, |entry| {
        format!("{:1$}- {entry}\n", "", indent(text, first))
    });
    Ok(format!("{before}{own}{after}"))
}

/// The lines of an entry, from 0: the first one, and the one behind the last. Comments before the next entry are not its.
fn lines_of(text: &str, number: usize) -> Option<(usize, usize)> {
    let document = Document::parse(text).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let first = |number: usize| {
        let line = document.line(&[Step::Index(number)])?.checked_sub(1)?;
        // The value may begin below its dash.
        (0..=line).rev().find(|at| {
            let line = lines.get(*at).copied().unwrap_or_default().trim_start();
            line == "-" || line.starts_with("- ")
        })
    };
    let count = document.value.as_array()?.len();
    (number < count).then_some(())?;
    let start = first(number)?;
    let mut end = match number + 1 {
        next if next < count => first(next)?,
        _ => lines.len(),
    };
    while end > start + 1 && is_empty(lines.get(end - 1).copied().unwrap_or_default()) {
        end -= 1;
    }
    Some((start, end))
}

fn is_empty(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn indent(text: &str, line: usize) -> usize {
    let line = text.lines().nth(line).unwrap_or_default();
    line.len() - line.trim_start_matches(' ').len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const BLOCK: &str = "# Keys.\n- id: a\n  sha256: aa\n\n# The second one.\n- {id: b, sha256: bb}\n-\n  id: c\n  sha256: cc\n# The end.\n";

    #[test]
    fn comments_and_other_entries_stay() {
        let new = json!({"id": "d", "sha256": "dd"});
        let with = with(BLOCK, &new, &new.to_string()).unwrap();
        assert_eq!(with, format!("{BLOCK}- {new}\n"));
        assert_eq!(
            without(BLOCK, 1).unwrap(),
            BLOCK.replace("- {id: b, sha256: bb}\n", "")
        );
        assert_eq!(
            without(BLOCK, 0).unwrap(),
            BLOCK.replace("- id: a\n  sha256: aa\n", "")
        );
        assert_eq!(
            without(BLOCK, 2).unwrap(),
            BLOCK.replace("-\n  id: c\n  sha256: cc\n", "")
        );
        assert_eq!(
            replaced(BLOCK, 0, &new).unwrap(),
            BLOCK.replace("- id: a\n  sha256: aa\n", &format!("- {new}\n"))
        );
        assert_eq!(without(BLOCK, 3), Err(Unfit));
    }

    #[test]
    fn other_styles_are_changed_or_refused_and_never_damaged() {
        let new = json!({"id": "d"});
        for empty in ["", "# Nothing yet.\n", "# Without an end"] {
            let text = with(empty, &new, &new.to_string()).unwrap();
            assert!(
                text.starts_with(empty) && text.ends_with("- {\"id\":\"d\"}\n"),
                "{text}"
            );
            assert_eq!(entries(&without(&text, 0).unwrap()), Ok(Vec::new()));
        }
        let json = with("[]", &new, &new.to_string()).unwrap();
        assert_eq!(json, "[\n  {\"id\":\"d\"}\n]\n");
        assert_eq!(without(&json, 0).unwrap(), "[]\n");
        assert_eq!(
            with("  - id: a\n", &json!({"id": "d", "n": 1}), "id: d\nn: 1").unwrap(),
            "  - id: a\n  - id: d\n    n: 1\n"
        );
        // A comment would be lost, or the end of the document is not that of the file.
        for text in ["[{id: a}] # mine\n", "a: 1\n", "- id: a\n...\n", "- ["] {
            assert_eq!(with(text, &new, "id: d"), Err(Unfit), "{text}");
        }
    }
}
