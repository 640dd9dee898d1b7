//! Percent-encoding (RFC 3986, section 2.1): strict, decoded once, and encoded again.

use std::{borrow::Cow, fmt};

use super::refusal::{Refusal, Rule};

/// The parts of a request target.
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

/// Decodes a part of a target. `plain` returns the meaning of a byte without an escape, or `None` if it must be
/// escaped.
///
/// Text without escapes is not copied. Nearly all text that clients send is like that.
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
    let mut rest = raw;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte == b'%' {
            match behind {
                [high, low, behind @ ..]
                    if let (Some(high), Some(low)) = (hex(*high), hex(*low)) =>
                {
                    bytes.push(high << 4 | low);
                    rest = behind;
                }
                // Without two digits, it stands for itself in a query, as in Python's `urllib.parse.unquote`.
                _ if place == Place::Query => bytes.push(byte),
                _ => {
                    return Err(place.refusal(
                        Rule::BadEscape,
                        "`%` needs two hexadecimal digits: ",
                        raw,
                    ));
                }
            }
        } else if let Some(byte) = plain(byte) {
            bytes.push(byte);
        } else {
            let detail = format!("a byte that must be percent-encoded in a {place}: ");
            return Err(place.refusal(Rule::BadByte, &detail, raw));
        }
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| {
        let detail = format!("the {place} does not decode to UTF-8: ");
        place.refusal(Rule::BadUtf8, &detail, raw)
    })
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Whether some parsers drop the character or treat it as a line end; also true for control characters.
pub(super) fn is_ambiguous(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffd}')
}

/// Appends `text`, and encodes all bytes that are not `plain`.
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
