//! Colour for terminals. It is removed if standard output is not a terminal, or if `NO_COLOR` is set.

use std::fmt;

use anstyle::{AnsiColor, Style};

pub(super) use crate::glyphs::{lines, plain, shown, shown_json};

/// A coloured word.
pub(super) struct Painted<'a>(Style, &'a str);

/// A good outcome, in green.
pub(super) fn good(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Green.on_default().bold(), word)
}

/// A bad outcome, in red.
pub(super) fn bad(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Red.on_default().bold(), word)
}

/// A warning, in yellow.
pub(super) fn warning(word: &str) -> Painted<'_> {
    Painted(AnsiColor::Yellow.on_default().bold(), word)
}

/// Where something stands.
pub(super) fn faint(word: &str) -> Painted<'_> {
    Painted(Style::new().dimmed(), word)
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, word) = self;
        write!(f, "{style}{word}{style:#}")
    }
}
