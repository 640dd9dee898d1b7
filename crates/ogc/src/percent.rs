//! Percent-encoding (RFC 3986, section 2.1): decoded once, strictly, and printed back.

use std::{borrow::Cow, fmt};

use super::refusal::{Refusal, Rule};

/// The parts of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
}

impl Place {
    fn refusal(self, rule: Rule, detail: &str, part: &[u8]) -> Refusal {
        match self {
            Self::Path => Refusal::about(rule, detail, part),
            Self::Query => Refusal::about_value(rule, detail, part),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Query => "query",
        })
    }
}

/// Decodes a part of a target. `plain` says what a byte outside of escapes stands for, None for one that must be escaped.
///
/// What stands for itself, which is nearly everything that clients send, is not copied.
pub(super) fn decode(
    raw: &[u8],
    place: Place,
    plain: impl Fn(u8) -> Option<u8>,
) -> Result<Cow<'_, str>, Refusal> {
    let stands_for_itself = |byte: &u8| *byte != b'%' && plain(*byte) == Some(*byte);
    if raw.iter().all(stands_for_itself)
        && let Ok(text) = std::str::from_utf8(raw)
    {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter().copied();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let (Some(high), Some(low)) = (rest.next().and_then(hex), rest.next().and_then(hex))
            else {
                return Err(place.refusal(
                    Rule::BadEscape,
                    "`%` needs two hexadecimal digits: ",
                    raw,
                ));
            };
            bytes.push(high << 4 | low);
        } else if let Some(byte) = plain(byte) {
            bytes.push(byte);
        } else {
            let detail = format!("a byte that must be percent-encoded in a {place}: ");
            return Err(place.refusal(Rule::BadByte, &detail, raw));
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| {
        let detail = format!("the {place} decodes to no UTF-8: ");
        place.refusal(Rule::BadUtf8, &detail, raw)
    })
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Controls, and the code points that some parsers drop or take for a line's end.
pub(super) fn is_treacherous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffd}')
}

/// Appends `text`, encoding what is not `plain`.
pub(super) fn encode(text: &str, out: &mut String, plain: impl Fn(u8) -> bool) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for half in [byte >> 4, byte & 15] {
                out.extend(DIGITS.get(usize::from(half)));
            }
        }
    }
}
