//! Queries of URLs, decoded as strictly as Go does: a bad escape is an error.

use regorus::Value;

use super::{Builtin, by_regorus, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "urlquery.decode",
        arity: 1,
        call: |arguments| strict("urlquery.decode", arguments),
    },
    Builtin {
        name: "urlquery.decode_object",
        arity: 1,
        call: |arguments| {
            if text(arguments, 0)?.contains(';') {
                return Err("invalid semicolon separator in query".to_owned());
            }
            strict("urlquery.decode_object", arguments)
        },
    },
];

fn strict(name: &'static str, arguments: &[Value]) -> Result<Value, String> {
    let text = text(arguments, 0)?;
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let digits = rest
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(byte.ok_or("invalid URL escape")?);
        rest = rest.get(2..).unwrap_or_default();
    }
    if std::str::from_utf8(&decoded).is_err() {
        return Err("the decoded text is not UTF-8".to_owned());
    }
    by_regorus(name, arguments)
}
