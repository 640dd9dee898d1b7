//! The headers of one request, in the order they came, repeats kept apart.

use serde_json::{Map, Value};
use thiserror::Error;

/// Header names in lower case with their raw values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// A header that must be there once was sent more often.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("header `{name}` is repeated")]
pub struct Repeated {
    /// The header's name.
    pub name: String,
}

impl Headers {
    /// Adds one header; its name is folded to lower case, as HTTP/2 sends it (RFC 9113, section 8.2.1).
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) {
        let mut name = name.into();
        name.make_ascii_lowercase();
        self.0.push((name, value.into()));
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Every value of the header `name` (lower case).
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name)
            .map(|(_, value)| value)
    }

    /// The only value of the header `name` (lower case); two of it are an error, since two parsers could pick differently.
    pub fn one(&self, name: &str) -> Result<Option<&[u8]>, Repeated> {
        let mut values = self.0.iter().filter(|(n, _)| n == name);
        let first = values.next().map(|(_, value)| value.as_slice());
        if values.next().is_some() {
            return Err(Repeated {
                name: name.to_owned(),
            });
        }
        Ok(first)
    }
}

impl Headers {
    /// As one JSON object, repeats joined by a comma (RFC 9110, section 5.3): how policies see them.
    pub fn joined(&self) -> Map<String, Value> {
        let mut all: Map<String, Value> = Map::new();
        for (name, value) in self.iter() {
            let value = String::from_utf8_lossy(value);
            match all.get_mut(name) {
                Some(Value::String(earlier)) => {
                    earlier.push(',');
                    earlier.push_str(&value);
                }
                _ => {
                    all.insert(name.to_owned(), Value::String(value.into_owned()));
                }
            }
        }
        all
    }
}

impl<N: AsRef<str>, V: Into<Vec<u8>>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(headers: T) -> Self {
        let mut all = Self::default();
        for (name, value) in headers {
            all.push(name.as_ref(), value);
        }
        all
    }
}
