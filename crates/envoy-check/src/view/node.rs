//! A value in the configuration, with its place.

use std::time::Duration;

use geowarden_yaml::{Document, KeyPath, Mark, Step};
use serde_json::Value;

/// A value with its place. Members have the names of Envoy's protobuf messages. Their JSON names are found too
/// (`failure_mode_allow` and `failureModeAllow`). `null` counts as missing.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    document: &'a Document,
    value: &'a Value,
    path: KeyPath,
}

impl<'a> Node<'a> {
    pub(crate) fn root(document: &'a Document) -> Self {
        Self {
            document,
            value: &document.value,
            path: KeyPath::new(),
        }
    }

    pub(crate) fn path(&self) -> &[Step] {
        &self.path
    }

    pub(crate) fn mark(&self) -> Mark {
        let start = Mark { line: 1, column: 1 };
        self.document.mark(&self.path).unwrap_or(start)
    }

    /// The member with this name.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        let members = self.value.as_object()?;
        let found = members
            .get_key_value(name)
            .or_else(|| members.get_key_value(&json_name(name)));
        found
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| self.inside(Step::Key(key.clone()), value))
    }

    /// The value at this path.
    pub(crate) fn at(&self, names: &[&str]) -> Option<Self> {
        let mut node = self.clone();
        for name in names {
            node = node.get(name)?;
        }
        Some(node)
    }

    /// The value at this path, or the last value on the way to it. That is where a missing setting belongs.
    pub(crate) fn nearest(&self, names: &[&str]) -> Self {
        let mut node = self.clone();
        for name in names {
            match node.get(name) {
                Some(inner) => node = inner,
                None => break,
            }
        }
        node
    }

    /// The elements of a list. Empty if the value is not a list.
    pub(crate) fn items(&self) -> Vec<Self> {
        let all = self.value.as_array().into_iter().flatten().enumerate();
        all.map(|(index, value)| self.inside(Step::Index(index), value))
            .collect()
    }

    /// The elements of the list with this name.
    pub(crate) fn list(&self, name: &str) -> Vec<Self> {
        self.list_at(&[name])
    }

    /// The elements of the list at this path.
    pub(crate) fn list_at(&self, names: &[&str]) -> Vec<Self> {
        self.at(names).map_or_else(Vec::new, |list| list.items())
    }

    /// The members of a mapping, with their names.
    pub(crate) fn members(&self) -> Vec<(&'a str, Self)> {
        let all = self.value.as_object().into_iter().flatten();
        all.filter(|(_, value)| !value.is_null())
            .map(|(key, value)| {
                let inner = self.inside(Step::Key(key.clone()), value);
                (key.as_str(), inner)
            })
            .collect()
    }

    /// The elements of a list, or the values of a mapping.
    pub(crate) fn children(&self) -> Vec<Self> {
        let members = self.members().into_iter().map(|(_, inner)| inner);
        self.items().into_iter().chain(members).collect()
    }

    /// All texts in this value, at any depth.
    pub(crate) fn texts(&self) -> Vec<(&'a str, Self)> {
        let mut all = Vec::new();
        let mut open = vec![self.clone()];
        while let Some(node) = open.pop() {
            if let Some(text) = node.value.as_str() {
                all.push((text, node));
                continue;
            }
            open.extend(node.children());
        }
        all
    }

    pub(crate) fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// The text of the member with this name.
    pub(crate) fn text_of(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.value.as_str()
    }

    pub(crate) fn is_true(&self) -> bool {
        self.value.as_bool() == Some(true)
    }

    pub(crate) fn is_false(&self) -> bool {
        self.value.as_bool() == Some(false)
    }

    /// Whether the member with this name is `true`.
    pub(crate) fn has_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|node| node.is_true())
    }

    /// The value as an integer. JSON of protobuf may write it as a string.
    pub(crate) fn number(&self) -> Option<u64> {
        let by_text = || self.value.as_str()?.parse().ok();
        self.value.as_u64().or_else(by_text)
    }

    /// The value as a duration, as JSON of protobuf writes it: `0.25s`.
    pub(crate) fn duration(&self) -> Option<Duration> {
        let seconds = self.value.as_str()?.strip_suffix('s')?;
        Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
    }

    /// The value for a message. Texts are left out unless they are words of an enumeration or durations: a text may be
    /// a misplaced secret.
    pub(crate) fn in_words(&self) -> String {
        match self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(_) | Value::Number(_) => format!("`{}`", self.value),
            Value::String(text) if is_word(text) || self.duration().is_some() => {
                format!("`{text}`")
            }
            Value::String(_) => "another text".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a mapping".to_owned(),
        }
    }

    fn inside(&self, step: Step, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self {
            document: self.document,
            value,
            path,
        }
    }
}

/// Whether a text is a word of an enumeration, such as `REJECT_REQUEST`.
fn is_word(text: &str) -> bool {
    let is_of_word = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
    text.len() <= 40 && text.contains('_') && text.bytes().all(is_of_word)
}

/// The JSON name of a protobuf field: `failureModeAllow` for `failure_mode_allow`.
fn json_name(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut is_start = false;
    for c in name.chars() {
        match c {
            '_' => is_start = true,
            c if is_start => {
                json.push(c.to_ascii_uppercase());
                is_start = false;
            }
            c => json.push(c),
        }
    }
    json
}
