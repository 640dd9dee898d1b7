//! Base64 and hexadecimal texts, decoded as in Go: line breaks and surplus bits are ignored.

use data_encoding::{BASE64, Encoding, HEXLOWER_PERMISSIVE, Specification};
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
    let encoding = lenient(BASE64.specification())?;
    encoding.decode(text.as_bytes()).ok().map(Ok)
}

/// Decodes base64url with or without padding.
pub(super) fn url_safe(text: &str) -> Result<Vec<u8>, String> {
    let fault = || "expected base64url".to_owned();
    budget::text(text.len())?;
    let encoding = lenient(data_encoding::BASE64URL_NOPAD.specification()).ok_or_else(fault)?;
    let short = text
        .strip_suffix("==")
        .or_else(|| text.strip_suffix('='))
        .unwrap_or(text);
    let unpadded = if text.len().is_multiple_of(4) {
        short
    } else {
        text
    };
    encoding.decode(unpadded.as_bytes()).map_err(|_| fault())
}

fn lenient(mut specification: Specification) -> Option<Encoding> {
    specification.check_trailing_bits = false;
    specification.ignore.push_str("\r\n");
    specification.encoding().ok()
}
