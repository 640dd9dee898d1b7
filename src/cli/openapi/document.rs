//! An OpenAPI document: its value, and where its parts are in the text.

use geowarden_yaml::outline::Node;
use serde_json::Value;

use super::DocumentError;

/// A document that has been read.
pub(super) struct Document<'a> {
    pub(super) text: &'a str,
    pub(super) value: Value,
    pub(super) root: Node,
}

impl<'a> Document<'a> {
    /// Reads YAML or JSON.
    pub(super) fn read(text: &'a str) -> Result<Self, DocumentError> {
        let fault = |e: geowarden_yaml::YamlError| DocumentError::NoDocument {
            found: format!("another text: {}", e.message),
            line: Some(e.line),
        };
        // The escapes of JSON for surrogates are none of YAML.
        let (value, root) = if let Ok(value) = serde_json::from_str(text) {
            (value, Node::read(&without_surrogates(text)))
        } else {
            let document = geowarden_yaml::Document::parse(text).map_err(fault)?;
            (document.value, Node::read(text))
        };
        let found = |found: &str| DocumentError::NoDocument {
            found: found.to_owned(),
            line: None,
        };
        let root = root.map_err(fault)?.ok_or_else(|| found("nothing"))?;
        match value.get("openapi") {
            Some(Value::String(_)) => Ok(Self { text, value, root }),
            Some(_) => Err(found("one whose value is no text")),
            None => Err(found("none")),
        }
    }
}

/// The text of the same length with other characters in the place of escaped surrogates.
fn without_surrogates(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for at in 0..bytes.len() {
        if let Some([b'\\', b'u', rest @ ..]) = bytes.get_mut(at..)
            && let Some([b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', _, _]) =
                rest.get(..4)
            && let Some(digits) = rest.get_mut(..4)
        {
            digits.copy_from_slice(b"0041");
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// The value at a path of keys.
pub(super) fn inside<'a>(root: &'a Node, path: &[&str]) -> Option<&'a Node> {
    path.iter().try_fold(root, |node, name| {
        node.member(name).map(|member| &member.value)
    })
}

/// The line of an offset, from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}
