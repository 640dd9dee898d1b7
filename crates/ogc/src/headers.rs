//! The headers of one request, in the order they came, repeats kept apart.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use thiserror::Error;

/// Header names in lower case with their raw values.
///
/// Names lie in one text and values in another, so that a header costs no allocation of its own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    names: String,
    values: Vec<u8>,
    /// Where the name and the value of each header end, which is where those of the next begin.
    ends: Vec<(usize, usize)>,
}

/// Names only: values can be credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A header that must be there once was sent more often.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("header `{name}` is repeated")]
pub struct Repeated {
    /// The header's name.
    pub name: String,
}

impl Headers {
    /// Makes room for so many headers, whose names and values take so many bytes together.
    pub fn reserve(&mut self, count: usize, bytes: usize) {
        self.names.reserve(bytes / 2);
        self.values.reserve(bytes);
        self.ends.reserve(count);
    }

    /// Adds one header; its name is folded to lower case, as HTTP/2 sends it (RFC 9113, section 8.2.1).
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let start = self.names.len();
        self.names.push_str(name);
        if let Some(name) = self.names.get_mut(start..) {
            name.make_ascii_lowercase();
        }
        self.values.extend_from_slice(value);
        self.ends.push((self.names.len(), self.values.len()));
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let mut start = (0, 0);
        self.ends.iter().map(move |end| {
            let name = self.names.get(start.0..end.0).unwrap_or_default();
            let value = self.values.get(start.1..end.1).unwrap_or_default();
            start = *end;
            (name, value)
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Every value of the header `name` (lower case).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// The only value of the header `name` (lower case); two of it are an error, since two parsers could pick differently.
    pub fn one(&self, name: &str) -> Result<Option<&[u8]>, Repeated> {
        let mut values = self.iter().filter(|(n, _)| *n == name);
        let first = values.next().map(|(_, value)| value);
        if values.next().is_some() {
            return Err(Repeated {
                name: name.to_owned(),
            });
        }
        Ok(first)
    }
}

/// Headers as one JSON object, repeats joined by a comma (RFC 9110, section 5.3): how policies see them.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a>(pub &'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        // Stable, so that the values of one name stay in order.
        sorted.sort_by_key(|(name, _)| *name);
        let mut all = serializer.serialize_map(None)?;
        for repeats in sorted.chunk_by(|(one, _), (other, _)| one == other) {
            if let Some((name, _)) = repeats.first() {
                all.serialize_entry(name, &Values(repeats))?;
            }
        }
        all.end()
    }
}

/// The values of one name.
struct Values<'a>(&'a [(&'a str, &'a [u8])]);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [(_, value)] = self.0 {
            return serializer.serialize_str(&String::from_utf8_lossy(value));
        }
        let values: Vec<_> = self.0.iter().map(|(_, value)| *value).collect();
        // A comma is no part of a character of several bytes, so that joining first replaces the same bytes.
        serializer.serialize_str(&String::from_utf8_lossy(&values.join(&b','.to_owned())))
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
        let mut all = Self::default();
        for (name, value) in headers {
            all.push(name.as_ref(), value.as_ref());
        }
        all
    }
}
