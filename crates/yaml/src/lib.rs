#![doc = include_str!("../README.md")]

pub mod outline;
mod syntax;

use std::collections::HashMap;

use saphyr::{MarkedYaml, Scalar, ScanError, YamlData, YamlLoader};
use saphyr_parser::{Event, Parser, Span, SpannedEventReceiver};
use serde_json::{Map, Number, Value};
use thiserror::Error;

/// The most levels of nested sequences and mappings. Each level uses a part of the stack.
pub const MAX_DEPTH: usize = 128;

/// The most nested anchors on sequences and mappings. Everything below an anchor is copied.
const MAX_ANCHORS: usize = 8;

/// Why a text is not a YAML document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct YamlError {
    /// Line of the fault, from 1.
    pub line: usize,
    /// The problem.
    pub message: String,
}

/// One step from a value to a value inside it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// A member of a mapping.
    Key(String),
    /// An element of a sequence, from 0.
    Index(usize),
}

/// A path from the root of a document to a value.
pub type KeyPath = Vec<Step>;

/// A path in the usual notation: `authn.jwt[0].issuer`.
pub fn display_path(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Index(index) => {
                text.push('[');
                text.push_str(&index.to_string());
                text.push(']');
            }
        }
    }
    text
}

/// A document and the lines of its values.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// The value of the document; an empty text is `null`.
    pub value: Value,
    places: Option<Place>,
}

/// The place of a value, and of the values inside it. It is a tree like the value itself. A table of whole paths would
/// need a megabyte for a few hundred deeply nested values.
#[derive(Debug, Clone)]
struct Place {
    mark: Mark,
    inner: Inner,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl Mark {
    fn of(node: &MarkedYaml<'_>) -> Self {
        let start = node.span.start;
        Self {
            line: start.line(),
            column: start.col() + 1,
        }
    }
}

#[derive(Debug, Clone)]
enum Inner {
    Nothing,
    Items(Vec<Place>),
    Members(HashMap<String, Place>),
}

impl Place {
    fn inside(&self, step: &Step) -> Option<&Self> {
        match (&self.inner, step) {
            (Inner::Items(items), Step::Index(index)) => items.get(*index),
            (Inner::Members(members), Step::Key(key)) => members.get(key),
            _ => None,
        }
    }
}

impl Document {
    /// Reads a text that holds at most one document.
    pub fn parse(text: &str) -> Result<Self, YamlError> {
        let documents = load(text)?;
        let mut documents = documents.iter();
        let Some(root) = documents.next() else {
            return Ok(Self::default());
        };
        if let Some(second) = documents.next() {
            return Err(YamlError {
                line: second.span.start.line(),
                message: "expected one document, found a second: remove the line `---`".to_owned(),
            });
        }
        let (value, place) = convert(root)?;
        Ok(Self {
            value,
            places: Some(place),
        })
    }

    /// The line of the value at `path`, or of the closest value around it.
    pub fn line(&self, path: &[Step]) -> Option<usize> {
        self.mark(path).map(|mark| mark.line)
    }

    /// Where the value at `path` stands, or the closest value around it: a member of a mapping where its key does.
    pub fn mark(&self, path: &[Step]) -> Option<Mark> {
        let mut place = self.places.as_ref()?;
        for step in path {
            let Some(inner) = place.inside(step) else {
                break;
            };
            place = inner;
        }
        Some(place.mark)
    }
}

/// Reads every document of a text, event by event, so that deep nesting is refused early. The parser's own loader is
/// recursive, and would overflow the stack.
fn load(text: &str) -> Result<Vec<MarkedYaml<'_>>, YamlError> {
    let too_deep = || format!("this is nested deeper than {MAX_DEPTH} levels");
    let fault = |error: &ScanError, open: &[Open]| {
        let line = error.marker().line();
        match error.info() {
            // The scanner's own limit for brackets.
            "recursion limit exceeded" => YamlError {
                line,
                message: too_deep(),
            },
            said => syntax::explain(
                text,
                line,
                said,
                open.last().and_then(|one| one.bracket(text)),
            ),
        }
    };
    let mut parser = Parser::new_from_iter(text.chars());
    let mut loader = YamlLoader::default();
    let mut open: Vec<Open> = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| fault(&error, &open))?;
        match &event {
            Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                open.push(Open {
                    has_anchor: *anchor > 0,
                    span,
                });
                let anchors = open.iter().filter(|one| one.has_anchor).count();
                let message = if open.len() > MAX_DEPTH {
                    too_deep()
                } else if anchors > MAX_ANCHORS {
                    format!("more than {MAX_ANCHORS} anchors within each other")
                } else {
                    String::new()
                };
                if !message.is_empty() {
                    let line = span.start.line();
                    return Err(YamlError { line, message });
                }
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
            }
            _ => {}
        }
        loader.on_event(event, span);
        if let Some(error) = loader.error() {
            return Err(fault(error, &open));
        }
    }
    Ok(loader.into_documents())
}

/// A sequence or mapping that has begun.
struct Open {
    has_anchor: bool,
    /// Where it begins: at its bracket, where it has one.
    span: Span,
}

impl Open {
    /// The bracket that it begins with.
    fn bracket(&self, text: &str) -> Option<syntax::Bracket> {
        let (start, end) = (self.span.start, self.span.end);
        let begin: String = text.chars().take(end.index()).skip(start.index()).collect();
        let symbol = begin.chars().last().filter(|c| ['[', '{'].contains(c))?;
        Some(syntax::Bracket {
            line: end.line(),
            symbol,
        })
    }
}

fn convert(node: &MarkedYaml<'_>) -> Result<(Value, Place), YamlError> {
    let mark = Mark::of(node);
    let fault = |message: &str| YamlError {
        line: mark.line,
        message: message.to_owned(),
    };
    let (value, inner) = match &node.data {
        YamlData::Value(scalar) => {
            let value = scalar_value(scalar).map_err(|message| fault(&message))?;
            (value, Inner::Nothing)
        }
        YamlData::Sequence(items) => {
            let all: Result<Vec<_>, _> = items.iter().map(convert).collect();
            let (values, places) = all?.into_iter().unzip();
            (Value::Array(values), Inner::Items(places))
        }
        YamlData::Mapping(members) => {
            let (mut all, mut places) = (Map::new(), HashMap::new());
            for (key, value) in members {
                let mark = Mark::of(key);
                let fault = |message: &str| YamlError {
                    line: mark.line,
                    message: message.to_owned(),
                };
                let name = match &key.data {
                    YamlData::Value(Scalar::String(name)) => name.to_string(),
                    YamlData::Value(Scalar::Integer(number)) => number.to_string(),
                    YamlData::Value(Scalar::Boolean(truth)) => truth.to_string(),
                    _ => return Err(fault("expected a string as key, found another value")),
                };
                let (value, mut place) = convert(value)?;
                // Errors about a member show the place of its key, even if its value starts a line below.
                place.mark = mark;
                places.insert(name.clone(), place);
                if all.insert(name, value).is_some() {
                    return Err(fault(syntax::REPEATED_KEY));
                }
            }
            (Value::Object(all), Inner::Members(places))
        }
        YamlData::Tagged(..) => return Err(fault("expected a value without a tag")),
        YamlData::Representation(..) | YamlData::Alias(_) | YamlData::BadValue => {
            return Err(fault("expected a value"));
        }
    };
    Ok((value, Place { mark, inner }))
}

fn scalar_value(scalar: &Scalar<'_>) -> Result<Value, String> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(truth) => Value::Bool(*truth),
        Scalar::Integer(number) => Value::Number((*number).into()),
        Scalar::FloatingPoint(number) => {
            Number::from_f64(number.into_inner())
                .map(Value::Number)
                .ok_or_else(|| format!("expected a number that JSON can express, found {number}"))?
        }
        Scalar::String(text) => Value::String(text.to_string()),
    })
}

#[cfg(test)]
mod tests;
