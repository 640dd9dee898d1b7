//! Where the parts of a document are in its text, for programs that change a part and leave the rest as it is.

use std::ops::Range;

use saphyr_parser::{Event, Parser};

use super::{MAX_DEPTH, YamlError, syntax};

/// A value, by its place in the text. Places are offsets in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins: a flow mapping at its brace, a block mapping at its first key.
    pub start: usize,
    /// Where it ends. It is exact for flow mappings and flow sequences. A block value may seem to end further down.
    pub end: usize,
    /// What it is.
    pub shape: Shape,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A mapping in braces, as in JSON.
    Flow(Vec<Member>),
    /// A mapping with a line for each key.
    Block(Vec<Member>),
    /// No text: the value of `key:`.
    Empty,
    /// A sequence, a scalar or an alias.
    Other,
}

/// A member of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The key; empty if it is no scalar.
    pub name: String,
    /// Where the key begins, with its quotes.
    pub start: usize,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value of the only document in a text; `None` if there is none.
    pub fn read(text: &str) -> Result<Option<Self>, YamlError> {
        let offsets: Option<Vec<usize>> = (!text.is_ascii()).then(|| {
            let starts = text.char_indices().map(|(at, _)| at);
            starts.chain([text.len()]).collect()
        });
        // The parser counts characters.
        let byte = |index: usize| match &offsets {
            Some(offsets) => offsets.get(index).copied().unwrap_or(text.len()),
            None => index,
        };
        let mut parser = Parser::new_from_iter(text.chars());
        let mut root = None;
        let mut open: Vec<Collection> = Vec::new();
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| {
                syntax::explain(text, error.marker().line(), error.info(), None)
            })?;
            let (start, end) = (byte(span.start.index()), byte(span.end.index()));
            let scalar = |name: &str, shape| {
                let node = Self { start, end, shape };
                Some((name.to_owned(), node))
            };
            let done = match event {
                Event::MappingStart(..) | Event::SequenceStart(..) => {
                    if open.len() == MAX_DEPTH {
                        return Err(YamlError {
                            line: span.start.line(),
                            message: format!("this is nested deeper than {MAX_DEPTH} levels"),
                        });
                    }
                    let bracket = bracket(text, start..end);
                    open.push(Collection {
                        start: bracket.unwrap_or(end),
                        is_flow: bracket.is_some(),
                        is_mapping: matches!(event, Event::MappingStart(..)),
                        key: None,
                        members: Vec::new(),
                    });
                    None
                }
                Event::MappingEnd | Event::SequenceEnd => open.pop().map(|done| {
                    let end = if done.is_flow { start + 1 } else { start };
                    (String::new(), done.node(end))
                }),
                // An anchor has a text of its own.
                Event::Scalar(text, style, anchor, _) => {
                    let is_plain = style == saphyr_parser::ScalarStyle::Plain;
                    let is_empty = text.is_empty() && is_plain && (start == end || anchor > 0);
                    let shape = if is_empty { Shape::Empty } else { Shape::Other };
                    scalar(&text, shape)
                }
                Event::Alias(_) => scalar("", Shape::Other),
                _ => None,
            };
            if let Some((name, node)) = done {
                match open.last_mut() {
                    Some(around) => around.take(name, node),
                    None => root = Some(node),
                }
            }
        }
        Ok(root)
    }

    /// The member of a mapping with this key.
    pub fn member(&self, name: &str) -> Option<&Member> {
        match &self.shape {
            Shape::Flow(members) | Shape::Block(members) => {
                members.iter().find(|member| member.name == name)
            }
            Shape::Empty | Shape::Other => None,
        }
    }
}

/// The bracket that opens a flow collection. An anchor, a tag and comments can be before it.
fn bracket(text: &str, range: Range<usize>) -> Option<usize> {
    let mut rest = text.get(range.clone())?;
    loop {
        rest = rest.trim_start();
        let end = match rest.chars().next()? {
            '{' | '[' => return Some(range.end - rest.len()),
            '&' | '!' => rest.find(char::is_whitespace)?,
            '#' => rest.find('\n')?,
            _ => return None,
        };
        rest = rest.get(end..)?;
    }
}

/// A mapping or sequence that has begun.
struct Collection {
    start: usize,
    is_flow: bool,
    is_mapping: bool,
    /// The last key, if its value is still to come.
    key: Option<(String, usize)>,
    members: Vec<Member>,
}

impl Collection {
    fn take(&mut self, name: String, node: Node) {
        match self.key.take() {
            Some((name, start)) => self.members.push(Member {
                name,
                start,
                value: node,
            }),
            None if self.is_mapping => self.key = Some((name, node.start)),
            None => {}
        }
    }

    fn node(self, end: usize) -> Node {
        let shape = match (self.is_mapping, self.is_flow) {
            (false, _) => Shape::Other,
            (true, true) => Shape::Flow(self.members),
            (true, false) => Shape::Block(self.members),
        };
        Node {
            start: self.start,
            end,
            shape,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn root(text: &str) -> Node {
        Node::read(text).unwrap().unwrap()
    }

    /// The text from the key at this path, and what its value is.
    fn found<'a>(text: &'a str, path: &[&str]) -> (&'a str, Shape, usize) {
        let mut node = root(text);
        let mut start = node.start;
        for name in path {
            let member = node.member(name).unwrap().clone();
            (start, node) = (member.start, member.value);
        }
        (&text[start..node.end], node.shape, node.start)
    }

    #[test]
    fn keys_and_flow_values_have_exact_places() {
        let text = "\u{feff}é: 1\n\"c\": # x\n  &a # {\n  d: &b { e: [1], 'f': {} } # y\n";
        assert!(found(text, &["c", "d"]).0 == "d: &b { e: [1], 'f': {} }");
        assert_eq!(found(text, &["c", "d", "e"]).0, "e: [1]");
        assert_eq!(found(text, &["c", "d", "f"]).0, "'f': {}");
        assert_eq!(found(text, &["c", "d", "f"]).1, Shape::Flow(Vec::new()));
        let (_, _, start) = found(text, &["c", "d"]);
        assert!(text[start..].starts_with("{ e"));
        assert!(text[root(text).start..].starts_with("é: 1"));
        let json = "{\"a\"\n:\n1,\t\"b\":{\"c\"\n: {}}}";
        assert_eq!(found(json, &["b", "c"]).0, "\"c\"\n: {}");
        assert_eq!((root(json).start, root(json).end), (0, json.len()));
    }

    #[test]
    fn a_value_without_text_is_empty() {
        for (text, shape) in [
            ("a:\n", Shape::Empty),
            ("a: # x\nb: 1\n", Shape::Empty),
            ("a: &x\nb: 1\n", Shape::Empty),
            ("{a: , b: 1}", Shape::Empty),
            ("a: ''\n", Shape::Other),
            ("a: ~\n", Shape::Other),
            ("a: []\n", Shape::Other),
            ("b: &b {}\na: *b\n", Shape::Other),
        ] {
            assert_eq!(found(text, &["a"]).1, shape, "{text}");
        }
        assert_eq!(Node::read("# nothing\n"), Ok(None));
    }

    #[test]
    fn what_is_no_document_is_refused_with_its_line() {
        assert_eq!(Node::read("a: 1\nb: [\n").unwrap_err().line, 3);
        let deep = "[\n".repeat(MAX_DEPTH + 1);
        assert_eq!(Node::read(&deep).unwrap_err().line, MAX_DEPTH + 1);
    }
}
