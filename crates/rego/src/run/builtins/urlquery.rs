//! Queries of URLs, decoded as strictly as in Go: a malformed escape is an error.

use std::{collections::BTreeMap, fmt::Write as _};

use regorus::Value;

use super::{Builtin, budget, percent, string, text};

pub(super) const ALL: [Builtin; 3] = [
    Builtin {
        name: "urlquery.encode",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len().saturating_mul(3))?;
            Ok(string(&encoded(text)))
        },
    },
    Builtin {
        name: "urlquery.decode",
        arity: 1,
        call: |arguments| {
            let text = text(arguments, 0)?;
            budget::text(text.len())?;
            Ok(string(&decoded(text)?))
        },
    },
    Builtin {
        name: "urlquery.decode_object",
        arity: 1,
        call: |arguments| {
            if text(arguments, 0)?.contains(';') {
                return Err("invalid semicolon separator in query".to_owned());
            }
            decoded_object(text(arguments, 0)?)
        },
    },
];

/// Encodes a text. Letters, digits, `-`, `_`, `.` and `~` stay unchanged.
fn encoded(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => made.push('+'),
            b'-' | b'_' | b'.' | b'~' => made.push(char::from(byte)),
            letter if letter.is_ascii_alphanumeric() => made.push(char::from(letter)),
            other => {
                let _ = write!(made, "%{other:02X}");
            }
        }
    }
    made
}

fn decoded_object(text: &str) -> Result<Value, String> {
    budget::text(text.len())?;
    let mut members: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        budget::elements(2)?;
        let values = members.entry(decoded(name)?).or_default();
        values.push(string(&decoded(value)?));
    }
    let members = members
        .into_iter()
        .map(|(name, values)| (string(&name), Value::from(values)));
    Ok(Value::from(members.collect::<BTreeMap<Value, Value>>()))
}

fn decoded(text: &str) -> Result<String, String> {
    percent::decoded(text, |byte, is_escaped| {
        let is_space = byte == b'+' && !is_escaped;
        Ok(if is_space { b' ' } else { byte })
    })
}
