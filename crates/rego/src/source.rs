//! Policy texts, and places in them.

use std::fmt;

/// A part of a text, from its first byte to the one behind its last, with the place of the first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first byte, from 0.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// The column of the first byte, from 1, in characters.
    pub column: u32,
}

impl Span {
    /// From the beginning of this part to the end of another.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.end),
            ..self
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The Rego of files that do not say which they are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Version {
    /// Before OPA 1.0: `if`, `contains`, `in` and `every` are keywords where they are imported.
    V0,
    /// OPA 1.0 and later.
    #[default]
    V1,
}
