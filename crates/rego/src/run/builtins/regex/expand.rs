//! References to groups in the new text of `regex.replace`, as Go reads them.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::pattern::group_name;

/// The characters of a name in Go.
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\A[\p{L}\p{Decimal_Number}_]+").ok());

/// Adds a text with the groups that it names: `$1`, `$name`, `${1}`, `${name}`, and `$$` for a dollar.
pub(super) fn expand(template: &str, regex: &Regex, groups: &Captures<'_>, made: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        made.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            made.push('$');
            rest = after;
        } else if let Some((name, after)) = reference(after) {
            made.push_str(group(name, regex, groups));
            rest = after;
        } else {
            made.push('$');
            rest = after;
        }
    }
    made.push_str(rest);
}

/// The name at the beginning of a text, and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('{');
    let text = inside.unwrap_or(text);
    let end = NAME.as_ref()?.find(text)?.end();
    let (name, rest) = text.split_at_checked(end)?;
    match inside {
        Some(_) => Some((name, rest.strip_prefix('}')?)),
        None => Some((name, rest)),
    }
}

/// The text of a group, by its number or its name. A number with a zero before it is a name.
fn group<'a>(name: &str, regex: &Regex, groups: &Captures<'a>) -> &'a str {
    let is_number =
        name.bytes().all(|b| b.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    let found = if is_number {
        name.parse()
            .ok()
            .and_then(|number: usize| groups.get(number))
    } else {
        let mut names = regex.capture_names().enumerate();
        names.find_map(|(number, made)| {
            let is_same = group_name(made?) == name;
            groups.get(number).filter(|_| is_same)
        })
    };
    found.map_or("", |found| found.as_str())
}
