//! The mode of a Unix socket in octal digits: it says who may connect.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

const EXPECTED: &str =
    "expected octal digits for owner, group and others such as `0660`, with 6 or 7 for the owner";

/// The mode of a socket's file. A client must be allowed to write to it to connect (`connect(2)`, `unix(7)`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(u32);

impl SocketMode {
    /// The mode as a number for `chmod(2)`.
    pub fn bits(self) -> u32 {
        self.0
    }
}

/// Access for owner and group.
impl Default for SocketMode {
    fn default() -> Self {
        Self(0o660)
    }
}

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl<'de> Deserialize<'de> for SocketMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = match Value::deserialize(deserializer)? {
            Value::String(text) => text,
            // YAML reads 0660 as the number 660, and 0o660 as 432. They cannot be confused: with mode 432 the owner
            // could do nothing.
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let digits = digits.strip_prefix('0').unwrap_or(&digits);
        let mode = u32::from_str_radix(digits, 8).ok();
        let is_mode = digits.len() == 3 && digits.starts_with(['6', '7']);
        mode.filter(|_| is_mode)
            .map(Self)
            .ok_or_else(|| Error::custom(format!("{EXPECTED}, found another value")))
    }
}

impl Serialize for SocketMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for SocketMode {
    fn schema_name() -> Cow<'static, str> {
        "SocketMode".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "integer"], "pattern": "^0?[67][0-7]{2}$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_digits() {
        let read = |text: &str| geowarden_yaml::Document::parse(text).map(|d| d.value);
        let mode = |text: &str| serde_json::from_value::<SocketMode>(read(text).unwrap()).ok();
        for (text, bits) in [
            ("0660", Some(0o660)),
            ("'0660'", Some(0o660)),
            ("\"600\"", Some(0o600)),
            ("0777", Some(0o777)),
            ("0o660", None),
            ("432", None),
            ("0060", None),
            ("0668", None),
            ("'00660'", None),
            ("rw-rw----", None),
            ("true", None),
        ] {
            assert_eq!(mode(text).map(SocketMode::bits), bits, "{text}");
        }
        assert_eq!(SocketMode::default().to_string(), "0660");
    }
}
