//! Removes from the text of a document what an earlier run has added. The rest of the text stays the same, byte for byte.

use std::{collections::BTreeMap, ops::Range};

use geowarden_yaml::outline::{Member, Node, Shape};

use super::{
    DocumentError,
    added::{Added, PLACE, REQUIREMENTS},
    document::{Document, inside, line},
};

/// The comments around what is added to a block mapping.
pub(super) const BEGIN: &str = "# geowarden openapi: begin";
pub(super) const END: &str = "# geowarden openapi: end";

pub(super) fn without(document: &Document<'_>, added: &Added) -> Result<String, DocumentError> {
    // The names of the members that go, by the path of the mapping around them.
    let mut going: BTreeMap<&[&str], Vec<&str>> = BTreeMap::new();
    if added.requirements {
        going.entry(&[]).or_default().push(REQUIREMENTS);
    }
    let outermost = added.outermost(&document.value);
    if let Some((last, around)) = outermost.and_then(<[_]>::split_last) {
        going.entry(around).or_default().push(last);
    } else {
        let names = added.schemes.iter().map(String::as_str);
        going.entry(&PLACE).or_default().extend(names);
    }
    let mut ranges = Vec::new();
    for (path, names) in going {
        let Some(node) = inside(&document.root, path) else {
            continue;
        };
        ranges.extend(ranges_in(document.text, node, &names)?);
    }
    ranges.sort_unstable_by_key(|range| range.start);
    // One pair of comments can be around several members.
    ranges.dedup();
    let mut text = document.text.to_owned();
    for range in ranges.into_iter().rev() {
        if text.get(range.clone()).is_none() {
            return Err(DocumentError::Edited);
        }
        text.replace_range(range, "");
    }
    Ok(text)
}

/// The ranges of these members of a mapping.
fn ranges_in(text: &str, node: &Node, names: &[&str]) -> Result<Vec<Range<usize>>, DocumentError> {
    match &node.shape {
        Shape::Flow(members) => Ok(in_braces(text, members, names)),
        Shape::Block(members) => {
            let members = members.iter();
            let added = members.filter(|member| names.contains(&member.name.as_str()));
            added
                .map(|member| {
                    between_comments(text, member.start).ok_or_else(|| DocumentError::Unmarked {
                        name: member.name.clone(),
                        line: line(text, member.start),
                    })
                })
                .collect()
        }
        Shape::Empty | Shape::Other => Ok(Vec::new()),
    }
}

/// The members with the commas that go with them.
fn in_braces(text: &str, members: &[Member], names: &[&str]) -> Vec<Range<usize>> {
    let is_added = |member: &Member| names.contains(&member.name.as_str());
    let mut ranges = Vec::new();
    let mut done = 0;
    for run in members.chunk_by(|one, other| is_added(one) == is_added(other)) {
        done += run.len();
        let (Some(first), Some(last)) = (run.first(), run.last()) else {
            continue;
        };
        if !is_added(first) {
            continue;
        }
        let (mut start, mut end) = (first.start, last.value.end);
        if done < members.len() {
            let after = text.get(end..).unwrap_or_default();
            let space = after.len() - after.trim_start().len();
            end += space + usize::from(after.trim_start().starts_with(','));
        } else if let Some(before) = text.get(..start).map(str::trim_end)
            && before.ends_with(',')
        {
            start = before.len() - 1;
        }
        ranges.push(start..end);
    }
    ranges
}

/// The lines around this place, from one of our comments to the other.
fn between_comments(text: &str, at: usize) -> Option<Range<usize>> {
    let (before, after) = text.split_at_checked(at)?;
    let (mut start, mut begin) = (before.len(), None);
    for line in before.split_inclusive('\n').rev() {
        start -= line.len();
        let shown = line.trim_start_matches('\u{feff}');
        match shown.trim() {
            BEGIN => {
                begin = Some(start + line.len() - shown.len());
                break;
            }
            END => break,
            _ => {}
        }
    }
    let mut begin = begin?;
    let mut end = at;
    for line in after.split_inclusive('\n') {
        end += line.len();
        if line.trim() == END {
            // The last line of the document has no line break: the one before belongs to what was added.
            if !line.ends_with('\n') {
                let before = text.get(..begin)?;
                let before = before.strip_suffix('\n').unwrap_or(before);
                begin = before.strip_suffix('\r').unwrap_or(before).len();
            }
            return Some(begin..end);
        }
    }
    None
}
