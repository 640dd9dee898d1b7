//! Base64 and hexadecimal texts, decoded as in Go: line breaks and surplus bits are ignored.

use data_encoding::{BASE64, BASE64URL, HEXLOWER_PERMISSIVE, Specification};
use regorus::Value;

use super::{Builtin, budget, errors, string, text};

pub(super) const ALL: [Builtin; 4] = [
    Builtin {
        name: "base64.decode",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            standard(text).ok_or("expected base64")?.map(made)?
        },
    },
    Builtin {
        name: "base64.is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => {
                let outcome = standard(text).transpose()?;
                Ok(Value::Bool(outcome.is_some()))
            }
            // A value that is not a string is not base64.
            _ => Ok(Value::Bool(false)),
        },
    },
    Builtin {
        name: "base64url.decode",
        arity: 1,
        call: |arguments| made(url_safe(text(arguments, 0)?)?),
    },
    Builtin {
        name: "hex.decode",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len())?;
            let decoded = HEXLOWER_PERMISSIVE.decode(text.as_bytes());
            made(decoded.map_err(|_| "expected hexadecimal digits".to_owned())?)
        },
    },
];

/// The bytes as a string. In OPA a string can hold any bytes, so other bytes than UTF-8 are refused.
fn made(bytes: Vec<u8>) -> Result<Value, String> {
    let text = String::from_utf8(bytes);
    text.map(|text| string(&text))
        .map_err(|_| errors::refuse("the decoded bytes are not UTF-8"))
}

/// Decodes base64 with padding. `None` if the text is not base64.
fn standard(text: &str) -> Option<Result<Vec<u8>, String>> {
    if let Err(limit) = budget::text(text.len()) {
        return Some(Err(limit));
    }
    padded(BASE64.specification(), text).map(Ok)
}

/// Decodes base64url with or without padding. As in OPA, the length of the text decides about missing padding, and line
/// breaks count there.
pub(super) fn url_safe(text: &str) -> Result<Vec<u8>, String> {
    let fault = || "expected base64url".to_owned();
    budget::text(text.len())?;
    let missing = match text.len() % 4 {
        _ if text.ends_with('=') => "",
        0 => "",
        2 => "==",
        3 => "=",
        _ => return Err(fault()),
    };
    padded(BASE64URL.specification(), &format!("{text}{missing}")).ok_or_else(fault)
}

/// Decodes a text with padding, and ignores line breaks and surplus bits.
fn padded(mut specification: Specification, text: &str) -> Option<Vec<u8>> {
    // Padding ends the text in Go.
    if text.trim_end_matches(['=', '\r', '\n']).contains('=') {
        return None;
    }
    specification.check_trailing_bits = false;
    specification.ignore.push_str("\r\n");
    specification.encoding().ok()?.decode(text.as_bytes()).ok()
}
