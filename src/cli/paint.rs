//! Colour for people: taken out again where standard output is no terminal, or `NO_COLOR` is set.

use std::{borrow::Cow, fmt};

use anstyle::{AnsiColor, Style};

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

/// Text that others chose, without what a terminal would obey.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, word) = self;
        write!(f, "{style}{word}{style:#}")
    }
}
