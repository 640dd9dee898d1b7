//! The parts of `input` that a policy can read. Other parts are neither built nor remembered.

mod pruned;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::pruned::Pruned;

/// The parts of a value that are read: all of it, or some members of an object.
///
/// A value that is not an object is read whole, even if only members are listed.
///
/// ```
/// use geowarden_rego::Reads;
/// use serde_json::json;
///
/// let mut reads = Reads::default();
/// reads.add(["user", "name"]);
/// let input = json!({"user": {"name": "ada", "age": 36}, "path": "/"});
/// assert_eq!(reads.value(&input).unwrap(), json!({"user": {"name": "ada"}}));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reads {
    /// The whole value.
    Whole,
    /// Only these members. Each can itself be read in part.
    Members(BTreeMap<String, Reads>),
}

impl Default for Reads {
    fn default() -> Self {
        Self::Members(BTreeMap::new())
    }
}

impl Reads {
    /// Adds the whole value at a path. The empty path means everything.
    pub fn add<'a>(&mut self, path: impl IntoIterator<Item = &'a str>) {
        let mut node = self;
        for name in path {
            let Self::Members(members) = node else {
                return;
            };
            node = members.entry(name.to_owned()).or_default();
        }
        *node = Self::Whole;
    }

    /// The reads of paths such as `a.b`. The empty path means everything.
    #[cfg(test)]
    pub(crate) fn of(paths: &[&str]) -> Self {
        let mut reads = Self::default();
        for path in paths {
            reads.add(path.split('.').filter(|name| !name.is_empty()));
        }
        reads
    }

    /// What is read of a member, or `None` if it is not read.
    fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Whole => Some(&Self::Whole),
            Self::Members(members) => members.get(name),
        }
    }

    /// Whether anything at a path, or of what contains it, is read.
    ///
    /// ```
    /// use geowarden_rego::Reads;
    ///
    /// let mut reads = Reads::default();
    /// reads.add(["headers", "host"]);
    /// assert!(reads.covers(["headers", "host"]) && reads.covers(["headers"]));
    /// assert!(!reads.covers(["headers", "cookie"]));
    /// ```
    pub fn covers<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> bool {
        let mut node = self;
        path.into_iter().all(|name| {
            let member = node.member(name);
            node = member.unwrap_or(node);
            member.is_some()
        })
    }

    /// The parts of `value` that are read, as a text. Two values have the same text only if the policy cannot tell them
    /// apart.
    ///
    /// The text is JSON. JSON quotes strings and names all members, so two different values never give the same text. A
    /// missing member differs from an empty one and from null.
    pub fn text(&self, value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
        let mut text = Vec::with_capacity(256);
        Pruned { value, reads: self }.serialize(&mut serde_json::Serializer::new(&mut text))?;
        Ok(text)
    }

    /// The parts of `value` that are read.
    pub fn value(&self, value: &impl Serialize) -> Result<Value, serde_json::Error> {
        Pruned { value, reads: self }.serialize(serde_json::value::Serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_read_is_kept() {
        let value = json!({
            "a": {"b": 1, "c": [1, {"b": 2}], "d": {"e": null}},
            "f": "x",
            "g": [{"h": 1}],
        });
        for (paths, kept) in [
            (&[][..], json!({})),
            (&[""], value.clone()),
            (&["a.b"], json!({"a": {"b": 1}})),
            (&["a.b", "f"], json!({"a": {"b": 1}, "f": "x"})),
            (&["a.c"], json!({"a": {"c": [1, {"b": 2}]}})),
            (&["a.d.e"], json!({"a": {"d": {"e": null}}})),
            (&["a.none"], json!({"a": {}})),
            (&["a.b", "a"], json!({"a": value["a"]})),
            (&["a", "a.b"], json!({"a": value["a"]})),
            // These values are not objects, so the policy reads them whole.
            (&["f.x", "g.h"], json!({"f": "x", "g": [{"h": 1}]})),
        ] {
            let reads = Reads::of(paths);
            assert_eq!(reads.value(&value).unwrap(), kept, "{paths:?}");
            let text: Value = serde_json::from_slice(&reads.text(&value).unwrap()).unwrap();
            assert_eq!(text, kept, "{paths:?}");
        }
    }

    #[test]
    fn what_differs_has_another_text() {
        let reads = Reads::of(&["a", "b.c"]);
        let all = [
            json!({}),
            json!({"a": null}),
            json!({"a": ""}),
            json!({"a": "1"}),
            json!({"a": 1}),
            json!({"a": [1]}),
            json!({"a": "1\",\"b\":{\"c\":\"2"}),
            json!({"a": "1", "b": {"c": "2"}}),
            json!({"a": "1", "b": {}}),
            json!({"a": "1", "b": "c"}),
            json!({"a": "1", "b": ["c"]}),
            json!({"b": {"c": "2"}}),
        ];
        let texts: std::collections::BTreeSet<Vec<u8>> =
            all.iter().map(|value| reads.text(value).unwrap()).collect();
        assert_eq!(texts.len(), all.len());
    }

    #[test]
    fn what_is_not_read_is_not_even_built() {
        struct Costly;
        impl Serialize for Costly {
            fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                panic!("it was built")
            }
        }
        #[derive(Serialize)]
        struct Input {
            a: u8,
            costly: Costly,
        }
        let input = Input {
            a: 1,
            costly: Costly,
        };
        assert_eq!(Reads::of(&["a"]).value(&input).unwrap(), json!({"a": 1}));
        assert_eq!(Reads::of(&["a"]).text(&input).unwrap(), br#"{"a":1}"#);
    }
}
