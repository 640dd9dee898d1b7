//! YAML as OPA reads and writes it: the YAML 1.1 of Go's library, converted to and from JSON.

mod read;
mod scalar;
mod write;

use regorus::Value;

use super::{Builtin, string, text};

pub(super) const ALL: [Builtin; 3] = [
    Builtin {
        name: "yaml.unmarshal",
        arity: 1,
        call: |arguments| read::document(text(arguments, 0)?),
    },
    Builtin {
        name: "yaml.is_valid",
        arity: 1,
        call: |arguments| match arguments {
            [Value::String(text)] => read::is_valid(text).map(Value::Bool),
            // A value that is not a string is not YAML.
            _ => Ok(Value::Bool(false)),
        },
    },
    Builtin {
        name: "yaml.marshal",
        arity: 1,
        call: |arguments| match arguments {
            [value] => write::document(value).map(|text| string(&text)),
            _ => Err("expected 1 argument".to_owned()),
        },
    },
];
