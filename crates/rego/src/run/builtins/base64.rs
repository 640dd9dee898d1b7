//! Base64 as Go decodes it: line breaks are passed over.

use regorus::Value;

use super::{Builtin, by_regorus, string, text};

pub(super) const ALL: [Builtin; 2] = [
    Builtin {
        name: "base64.decode",
        arity: 1,
        call: |arguments| by_regorus("base64.decode", &[without_breaks(arguments)?]),
    },
    Builtin {
        name: "base64.is_valid",
        arity: 1,
        call: |arguments| by_regorus("base64.is_valid", &[without_breaks(arguments)?]),
    },
];

fn without_breaks(arguments: &[Value]) -> Result<Value, String> {
    Ok(string(&text(arguments, 0)?.replace(['\r', '\n'], "")))
}
