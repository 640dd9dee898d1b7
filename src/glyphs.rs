//! Escapes characters that are invisible or that control a terminal. Everything that is printed or logged passes
//! through here.

use std::{borrow::Cow, fmt::Write as _};

/// Unicode's `Default_Ignorable_Code_Point` without formats and controls: these characters are invisible too.
const IGNORABLE: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Escapes control characters and all that [`shown`] escapes, in text that others chose.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, is_unprintable, |c, safe| {
        safe.extend(c.escape_default());
    })
}

/// Like [`plain`], but keeps line breaks.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| c != '\n' && is_unprintable(c),
        |c, safe| safe.extend(c.escape_default()),
    )
}

/// Escapes invisible characters beyond ASCII. They can reverse the direction of a line, break it, or make two names
/// look alike.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |c, safe| safe.extend(c.escape_default()))
}

/// Like [`shown`], for JSON: the result is JSON too (RFC 8259, section 7).
pub(crate) fn shown_json(text: &str) -> Cow<'_, str> {
    escaped(text, is_hidden, |c, safe| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "\\u{unit:04x}");
        }
    })
}

/// Whether a character is invisible or controls a terminal.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control() || is_hidden(c)
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

/// Whether a character beyond ASCII is invisible: formatting, separators, controls, private use, unassigned, ignorable.
fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    if IGNORABLE
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&c))
    {
        return true;
    }
    // Put it behind a letter, so that an accent combines with the letter and is not escaped.
    let mut behind_a_letter = String::from("a");
    behind_a_letter.push(c);
    behind_a_letter.escape_debug().nth(2).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character of each kind that is invisible or controls a terminal.
    const HIDDEN: [char; 29] = [
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
        '\u{34f}',
        '\u{115f}',
        '\u{1160}',
        '\u{17b4}',
        '\u{180b}',
        '\u{180f}',
        '\u{3164}',
        '\u{fe00}',
        '\u{fe0f}',
        '\u{ffa0}',
        '\u{fff0}',
        '\u{1bca0}',
        '\u{1d173}',
        '\u{e0100}',
        '\u{e01ef}',
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

    #[test]
    fn lines_keep_their_ends_alone() {
        let text = "a\n\tb\u{1b}[2J\r\u{202e}\n";
        assert_eq!(lines(text), "a\n\\tb\\u{1b}[2J\\r\\u{202e}\n");
    }

    /// [`shown`] escapes every character that Unicode calls a format or a separator.
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
