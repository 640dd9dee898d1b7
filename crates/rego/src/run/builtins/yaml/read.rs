//! Reads the first document of a text and converts it to JSON as Go's library does.

use std::collections::{BTreeMap, HashMap};

use regorus::Value;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{
    super::{budget, errors, format, string},
    scalar::{Plain, resolve},
};

/// The largest depth of nested collections. OPA reads deeper ones.
const MAX_DEPTH: usize = 128;

/// Why a text has no value.
enum YamlError {
    /// It is not YAML, or it uses YAML that is not supported here.
    Syntax,
    /// It holds a value that JSON does not have: a key that is a collection, or infinity.
    NoJson,
    Limit(String),
}

impl From<String> for YamlError {
    fn from(limit: String) -> Self {
        Self::Limit(limit)
    }
}

enum Open {
    Sequence(usize, Vec<Value>),
    Mapping {
        anchor: usize,
        members: BTreeMap<Value, Value>,
        key: Option<Key>,
    },
}

enum Key {
    Name(String),
    /// The merge key `<<`: the members of its value are added to this mapping.
    Merge,
}

pub(super) fn document(text: &str) -> Result<Value, String> {
    read(text).map_err(|fault| match fault {
        // Go's library accepts some texts that this reader rejects, so refuse.
        YamlError::Syntax => errors::refuse("expected the text of a YAML document"),
        YamlError::NoJson => "the document holds what JSON cannot".to_owned(),
        YamlError::Limit(limit) => errors::refuse(limit),
    })
}

pub(super) fn is_valid(text: &str) -> Result<bool, String> {
    match read(text) {
        Ok(_) => Ok(true),
        Err(YamlError::Syntax | YamlError::NoJson) => Ok(false),
        Err(YamlError::Limit(limit)) => Err(errors::refuse(limit)),
    }
}

fn read(text: &str) -> Result<Value, YamlError> {
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, Value> = HashMap::new();
    budget::text(text.len())?;
    // Go's library accepts no directive but `%YAML 1.1`, and no tab before the first value.
    if text.trim_start_matches('\n').starts_with(['%', '\t']) {
        return Err(YamlError::Syntax);
    }
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|_| YamlError::Syntax)?;
        if open.len() > MAX_DEPTH {
            return Err(YamlError::Limit(
                "the document is nested too deep".to_owned(),
            ));
        }
        let done = match event {
            Event::SequenceStart(anchor, tag) => {
                known(tag.as_deref())?;
                open.push(Open::Sequence(anchor, Vec::new()));
                continue;
            }
            Event::MappingStart(anchor, tag) => {
                known(tag.as_deref())?;
                open.push(Open::Mapping {
                    anchor,
                    members: BTreeMap::new(),
                    key: None,
                });
                continue;
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if let Some(Open::Mapping { key, .. }) = open.last_mut()
                    && key.is_none()
                    && is_plain
                    && text == "<<"
                {
                    *key = Some(Key::Merge);
                    continue;
                }
                let value = scalar(&text, is_plain, tag.as_deref())?;
                if anchor > 0 {
                    anchors.insert(anchor, value.clone());
                }
                value
            }
            Event::Alias(anchor) => anchors.get(&anchor).cloned().ok_or(YamlError::Syntax)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, value) = match open.pop().ok_or(YamlError::Syntax)? {
                    Open::Sequence(anchor, items) => (anchor, Value::from(items)),
                    Open::Mapping {
                        anchor, members, ..
                    } => (anchor, Value::from(members)),
                };
                if anchor > 0 {
                    anchors.insert(anchor, value.clone());
                }
                value
            }
            _ => continue,
        };
        budget::elements(1)?;
        match open.last_mut() {
            // Only the first document counts.
            None => return Ok(done),
            Some(Open::Sequence(_, items)) => items.push(done),
            Some(Open::Mapping { members, key, .. }) => match key.take() {
                None => *key = Some(Key::Name(name(&done)?)),
                Some(Key::Name(name)) => {
                    members.insert(string(&name), done);
                }
                Some(Key::Merge) => merge(members, &done)?,
            },
        }
    }
    Ok(Value::Null)
}

/// Adds the members of a mapping. For a sequence of mappings, an earlier one takes precedence.
fn merge(members: &mut BTreeMap<Value, Value>, from: &Value) -> Result<(), YamlError> {
    match from {
        Value::Object(more) => {
            budget::elements(more.len())?;
            members.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
            Ok(())
        }
        Value::Array(all) if all.iter().all(|one| matches!(one, Value::Object(_))) => {
            all.iter().rev().try_for_each(|one| merge(members, one))
        }
        _ => Err(YamlError::NoJson),
    }
}

/// A key as a JSON key.
fn name(key: &Value) -> Result<String, YamlError> {
    match key {
        Value::String(text) => Ok(text.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(_) => Ok(format::number_text(key)?),
        _ => Err(YamlError::NoJson),
    }
}

/// Accepts tags of collections that change nothing.
fn known(tag: Option<&Tag>) -> Result<(), YamlError> {
    match tag {
        None => Ok(()),
        Some(tag)
            if tag.is_yaml_core_schema()
                && matches!(tag.suffix.as_str(), "map" | "seq" | "set") =>
        {
            Ok(())
        }
        Some(_) => Err(YamlError::Limit(
            "a tag of the document is not known".to_owned(),
        )),
    }
}

fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Value, YamlError> {
    let as_text = || Ok(string(text));
    match tag {
        None if !is_plain => as_text(),
        None => match resolve(text) {
            Plain::Value(value) => Ok(value),
            Plain::Text => as_text(),
            Plain::NoJson => Err(YamlError::NoJson),
        },
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => as_text(),
        Some(tag) if tag.is_yaml_core_schema() => match (tag.suffix.as_str(), resolve(text)) {
            ("int" | "float", Plain::Value(value @ Value::Number(_)))
            | ("bool", Plain::Value(value @ Value::Bool(_)))
            | ("null", Plain::Value(value @ Value::Null)) => Ok(value),
            _ => Err(YamlError::Limit(
                "a tag of the document is not known".to_owned(),
            )),
        },
        Some(_) => Err(YamlError::Limit(
            "a tag of the document is not known".to_owned(),
        )),
    }
}
