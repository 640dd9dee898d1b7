//! Durations in a configuration: `250ms`, `10s`, `5m`.

use std::{borrow::Cow, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use serde_json::Value;

use super::fault::kind;

const WITHOUT_UNIT: &str = "a number without a unit; add one, such as `5s`";

/// A duration with its unit. `0s` is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfigDuration(pub Duration);

impl ConfigDuration {
    /// This many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// This many seconds.
    pub const fn secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }
}

impl<'de> Deserialize<'de> for ConfigDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = match Value::deserialize(deserializer)? {
            Value::String(text) => match humantime::parse_duration(&text) {
                Ok(duration) => return Ok(Self(duration)),
                Err(_) if text.parse::<f64>().is_ok() => WITHOUT_UNIT,
                Err(_) => "another text",
            },
            Value::Number(_) => WITHOUT_UNIT,
            other => kind(&other),
        };
        Err(Error::custom(format!(
            "expected a length of time with its unit, such as `250ms` or `10s`, found {found}"
        )))
    }
}

impl Serialize for ConfigDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(self.0))
    }
}

impl JsonSchema for ConfigDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A length of time with its unit.",
            "examples": ["250ms", "10s", "5m"],
        })
    }
}
