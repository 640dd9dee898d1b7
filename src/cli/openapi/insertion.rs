//! Inserts the schemes and requirements into the text of a document. The rest of the text stays the same, byte for byte.

use geowarden_yaml::outline::{Node, Shape};
use serde_json::{Map, Value, json};

use super::{
    DocumentError, Security,
    added::{self, PLACE, REQUIREMENTS},
    document::{Document, inside, line},
    removal::{BEGIN, END},
};

pub(super) fn with(document: &Document<'_>, security: &Security) -> Result<String, DocumentError> {
    let depth = added::depth(&document.value);
    let (found, missing) = PLACE.split_at_checked(depth).unwrap_or((&PLACE, &[]));
    let schemes = security.marked(depth);
    let mut requirements = vec![format!("{REQUIREMENTS}:")];
    let all = security.requirements();
    let all_requirements = all.as_array().into_iter().flatten();
    requirements.extend(all_requirements.map(|one| format!("- {one}")));
    let requirements = Members {
        flow: vec![(REQUIREMENTS.to_owned(), all.clone())],
        block: requirements,
    };
    let schemes = Members::nested(missing, &schemes);
    // From the end to the beginning, so that the places stay right.
    let mut edits = if found.is_empty() {
        vec![edit(document, &[], &requirements.and(schemes))?]
    } else {
        vec![
            edit(document, found, &schemes)?,
            edit(document, &[], &requirements)?,
        ]
    };
    edits.sort_unstable_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut text = document.text.to_owned();
    for (at, inserted) in edits {
        text.insert_str(at, &inserted);
    }
    Ok(text)
}

/// Members of a mapping, for both styles.
struct Members {
    flow: Vec<(String, Value)>,
    /// Lines without the indentation of the mapping.
    block: Vec<String>,
}

impl Members {
    /// The schemes below the objects that are missing.
    fn nested(missing: &[&str], schemes: &Map<String, Value>) -> Self {
        let mut block = Vec::new();
        for (level, name) in missing.iter().enumerate() {
            block.push(format!("{:1$}{name}:", "", 2 * level));
        }
        let indent = 2 * missing.len();
        let lines = schemes.iter();
        block.extend(lines.map(|(name, scheme)| format!("{:indent$}{name}: {scheme}", "")));
        let mut flow: Vec<(String, Value)> = schemes.clone().into_iter().collect();
        for name in missing.iter().rev() {
            let inner: Map<String, Value> = flow.into_iter().collect();
            flow = vec![((*name).to_owned(), inner.into())];
        }
        Self { flow, block }
    }

    fn and(mut self, other: Self) -> Self {
        self.flow.extend(other.flow);
        self.block.extend(other.block);
        self
    }

    /// The members between geowarden's comments, each line with its line break.
    fn lines(&self, indent: usize, line_break: &str) -> String {
        let mut text = String::new();
        let begin = std::iter::once(BEGIN);
        let lines = begin.chain(self.block.iter().map(String::as_str));
        for line in lines.chain([END]) {
            text.push_str(&" ".repeat(indent));
            text.push_str(line);
            text.push_str(line_break);
        }
        text
    }
}

/// Where and what to insert for new members of the mapping at this path.
fn edit(
    document: &Document<'_>,
    path: &[&str],
    members: &Members,
) -> Result<(usize, String), DocumentError> {
    let text = document.text;
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let place = path.join(".");
    let node = inside(&document.root, path).unwrap_or(&document.root);
    let style = |found: &str| DocumentError::Style {
        place: if place.is_empty() {
            "the document".to_owned()
        } else {
            format!("`{place}`")
        },
        found: found.to_owned(),
        line: line(text, node.start),
    };
    let indentation = |at: usize| {
        let before = text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let prefix = before.get(start..).unwrap_or_default();
        let prefix = prefix.strip_prefix('\u{feff}').unwrap_or(prefix);
        let is_blank = prefix.bytes().all(|b| b == b' ');
        is_blank
            .then_some(prefix.len())
            .ok_or_else(|| style("a key that does not begin its line"))
    };
    match &node.shape {
        Shape::Flow(others) => {
            let shown = members.flow.iter();
            let mut shown: Vec<String> = shown
                .map(|(name, value)| format!("{}: {value}", json!(name)))
                .collect();
            if !others.is_empty() {
                shown.push(String::new());
            }
            Ok((node.start + 1, shown.join(",")))
        }
        Shape::Block(_) => {
            let indent = indentation(node.start)?;
            Ok((node.start - indent, members.lines(indent, line_break)))
        }
        Shape::Empty => {
            let (name, around) = path.split_last().ok_or_else(|| style("nothing"))?;
            let around = inside(&document.root, around).filter(|node| is_block(node));
            let key = around.and_then(|node| node.member(name));
            let key = key.ok_or_else(|| style("nothing, in braces"))?;
            let inserted = members.lines(indentation(key.start)? + 2, line_break);
            let rest = text.get(node.start..).unwrap_or_default();
            if let Some(end) = rest.find('\n') {
                return Ok((node.start + end + 1, inserted));
            }
            let inserted = inserted.strip_suffix(line_break).unwrap_or_default();
            Ok((text.len(), format!("{line_break}{inserted}")))
        }
        Shape::Other => Err(style(match added::at(&document.value, path) {
            Some(Value::Object(_)) => "an alias of another mapping",
            Some(Value::Array(_)) => "a sequence",
            Some(Value::Null) => "`null`",
            _ => "a scalar",
        })),
    }
}

fn is_block(node: &Node) -> bool {
    matches!(node.shape, Shape::Block(_))
}
