//! Colour for people: taken out again where standard output is no terminal, or `NO_COLOR` is set.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

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

/// Text that others chose, without what a terminal would obey: controls, and what [`shown`] takes out.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c.is_control() || is_hidden(c),
        |c, safe| safe.extend(c.escape_default()),
    )
}

/// Everything that is printed, without characters beyond ASCII that have no glyph: they can turn the direction of a line,
/// break it, or make two names look alike.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |c, safe| safe.extend(c.escape_default()))
}

/// The same for JSON, which stays JSON (RFC 8259, section 7).
pub(super) fn shown_json(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |c, safe| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    })
}

fn escaped(
    text: &str,
    is_unsafe: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            escape(c, &mut safe);
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// Whether a character beyond ASCII is none that can be seen: formatting, separators, controls, private use, unassigned.
fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    // Behind a letter, so that an accent that combines with it is left as it is.
    let mut behind_a_letter = String::from("a");
    behind_a_letter.push(c);
    behind_a_letter.escape_debug().nth(2).is_some()
}

impl fmt::Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(style, word) = self;
        write!(f, "{style}{word}{style:#}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each kind that a terminal shows as nothing, or obeys.
    const HIDDEN: [char; 14] = [
        '\u{202e}',
        '\u{202a}',
        '\u{2066}',
        '\u{200b}',
        '\u{200f}',
        '\u{2028}',
        '\u{2029}',
        '\u{feff}',
        '\u{ad}',
        '\u{85}',
        '\u{9b}',
        '\u{e000}',
        '\u{e0041}',
        '\u{10ffff}',
    ];

    #[test]
    fn nothing_hidden_reaches_a_terminal() {
        for c in HIDDEN {
            let text = format!("a{c}b");
            for safe in [plain(&text), shown(&text), shown_json(&text)] {
                assert!(safe.is_ascii() && safe.starts_with("a\\u"), "{safe}");
            }
            let json = serde_json::Value::from(text.clone()).to_string();
            let again: String = serde_json::from_str(&shown_json(&json)).unwrap();
            assert_eq!(again, text);
        }
        for c in '\0'..' ' {
            assert!(!plain(&format!("a{c}")).contains(c), "{c:?}");
        }
        for text in [
            "\u{e9}t\u{e9}",
            "e\u{301}te",
            "\u{65e5}\u{672c}",
            "\u{1f44d}",
            "\"it's\" \\ <ok>",
        ] {
            assert_eq!(plain(text), text);
            assert_eq!(shown_json(text), text);
        }
    }

    /// The function that everything is printed by takes out all that Unicode calls a format or a separator.
    #[test]
    fn no_format_character_is_forgotten() {
        let formats = [
            '\u{600}'..='\u{605}',
            '\u{61c}'..='\u{61c}',
            '\u{200b}'..='\u{200f}',
            '\u{202a}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{fff9}'..='\u{fffb}',
            '\u{e0001}'..='\u{e007f}',
        ];
        for c in formats.into_iter().flatten() {
            assert!(shown(&c.to_string()).is_ascii(), "{:x}", u32::from(c));
        }
    }
}
