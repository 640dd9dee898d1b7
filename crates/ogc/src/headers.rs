//! The headers of one request, in their order. Repeated headers stay separate.

use std::fmt;

use serde::{Serialize, Serializer, ser::SerializeMap};
use thiserror::Error;

/// Header names in lower case with their raw values.
///
/// All names share one buffer and all values another, so adding a header does not allocate.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    names: String,
    values: Vec<u8>,
    /// The ends of the name and the value of each header. The next header begins there.
    ends: Vec<(usize, usize)>,
}

/// Prints names only: values can be credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

/// A header was sent more than once, but only one is allowed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("header `{name}` is repeated")]
pub struct Repeated {
    /// The header's name.
    pub name: String,
}

/// Whether this is a token: the form of a header's name, and of each half of a media type (RFC 9110, section 5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    let is_token_byte = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    !text.is_empty() && text.iter().all(is_token_byte)
}

impl Headers {
    /// Reserves room for this many headers, and this many bytes of names and values.
    pub fn reserve(&mut self, count: usize, bytes: usize) {
        self.names.reserve(bytes / 2);
        self.values.reserve(bytes);
        self.ends.reserve(count);
    }

    /// Adds a header. Its name is changed to lower case, as HTTP/2 sends it (RFC 9113, section 8.2.1).
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

    /// The only value of the header `name` (lower case). Two values are an error, since two parsers could use different
    /// ones.
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

/// The headers as one JSON object, for policies. Repeated headers are joined by a comma (RFC 9110, section 5.3).
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a>(pub &'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<_> = self.0.iter().collect();
        // The sort is stable, so the values of one name stay in order.
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
        // A comma is never part of a longer UTF-8 character, so joining before replacing gives the same result.
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
