//! Percent-encoding (RFC 3986, section 2.1), decoded as strictly as in Go: a malformed escape is an error.

use super::errors;

/// Decodes a text.
///
/// `byte` is called with each byte, and with `true` if the byte was escaped. It returns the byte for the decoded text.
pub(super) fn decoded(
    text: &str,
    byte: impl Fn(u8, bool) -> Result<u8, String>,
) -> Result<String, String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first == b'%' {
            let digits = rest
                .get(..2)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            let escaped = digits
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            decoded.push(byte(escaped.ok_or("invalid URL escape")?, true)?);
            rest = rest.get(2..).unwrap_or_default();
        } else {
            decoded.push(byte(*first, false)?);
        }
    }
    // OPA accepts this, because a string can hold any bytes there.
    String::from_utf8(decoded).map_err(|_| errors::refuse("the decoded text is not UTF-8"))
}
