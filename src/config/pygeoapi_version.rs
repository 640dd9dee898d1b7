//! The version of pygeoapi. geowarden only guards versions whose reading of requests was measured.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// A version of pygeoapi: major and minor number. Patch releases only fix bugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PygeoapiVersion {
    major: u16,
    minor: u16,
}

/// The text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("expected a version of pygeoapi such as \"0.24\", in quotes")]
pub struct VersionParseError;

impl PygeoapiVersion {
    /// The version that geowarden was measured with.
    pub const MEASURED: Self = Self {
        major: 0,
        minor: 24,
    };
}

impl Default for PygeoapiVersion {
    fn default() -> Self {
        Self::MEASURED
    }
}

impl FromStr for PygeoapiVersion {
    type Err = VersionParseError;

    /// Parses `0.24`, and also `0.24.0` or `0.25.dev0` as pygeoapi reports them.
    fn from_str(text: &str) -> Result<Self, VersionParseError> {
        let mut numbers = text.split('.');
        let mut number = || numbers.next()?.parse::<u16>().ok();
        match (number(), number()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(VersionParseError),
        }
    }
}

impl fmt::Display for PygeoapiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl<'de> Deserialize<'de> for PygeoapiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // YAML would read 0.20 as the number 0.2, so a number is an error.
        let text =
            String::deserialize(deserializer).map_err(|_| de::Error::custom(VersionParseError))?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Serialize for PygeoapiVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for PygeoapiVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PygeoapiVersion".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A version of pygeoapi.",
            "examples": ["0.24"],
        })
    }
}

/// The effect if the running version is another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionMismatch {
    /// A warning.
    #[default]
    Warn,
    /// An error: geowarden does not start, or is not ready.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_pygeoapi_tells_them() {
        let read = |text: &str| text.parse::<PygeoapiVersion>().map(|v| v.to_string());
        for (text, expected) in [
            ("0.24", Ok("0.24")),
            ("0.24.0", Ok("0.24")),
            ("0.25.dev0", Ok("0.25")),
            ("1.0", Ok("1.0")),
            ("0", Err(VersionParseError)),
            ("", Err(VersionParseError)),
            ("x.y", Err(VersionParseError)),
        ] {
            assert_eq!(read(text), expected.map(str::to_owned), "{text}");
        }
        assert_eq!("0.24.1".parse(), Ok(PygeoapiVersion::MEASURED));
        assert_ne!("0.240".parse(), Ok(PygeoapiVersion::MEASURED));
    }
}
