//! Colour for people: taken out again where standard output is no terminal, or `NO_COLOR` is set.

use std::fmt;

use anstyle::{AnsiColor, Style};

pub(super) use crate::glyphs::{lines, plain, shown, shown_json};

/// A word in a colour.
pub(super) struct Painted<'a>(Style, &'a str);

/// A good outcome.
pub(super) fn good(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Green.on_default().bold(), word)
}

/// A bad one.
pub(super) fn bad(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Red.on_default().bold(), word)
}

/// One that deserves a look.
pub(super) fn warning(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Yellow.on_default().bold(), word)
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, word) = self;
        write!(f, "{style}{word}{style:#}")
    }
}
