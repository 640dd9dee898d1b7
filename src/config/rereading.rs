//! The configuration file read again beside the one in force, to say what a restart would change.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Map, Value};

use super::{Config, Environment, Problems};

/// Where a configuration was read from.
#[derive(Debug, Clone)]
pub struct Rereading {
    /// What was read.
    pub(super) read: Value,
    pub(super) file: Option<PathBuf>,
    pub(super) env_file: Option<PathBuf>,
    pub(super) environment: Environment,
}

impl Rereading {
    /// Reads it again.
    fn again(&self) -> Result<Config, Problems> {
        Config::load_either(
            self.file.as_deref(),
            self.env_file.as_deref(),
            &self.environment,
        )
    }
}

impl Config {
    /// What a restart would change, in a sentence; `None` if nothing.
    pub fn restart_needed(&self) -> Option<String> {
        let rereading = self.rereading.as_ref()?;
        let Ok(newer) = rereading.again() else {
            return Some(
                "the configuration has changed and cannot be used, so a restart would fail: `geowarden check` says why".to_owned(),
            );
        };
        let mut keys = Vec::new();
        let newer = serde_json::to_value(&newer).unwrap_or_default();
        differ("", &rereading.read, &newer, &mut keys);
        if keys.is_empty() {
            return None;
        }
        let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
        Some(format!(
            "the configuration has changed since the start, and a restart is needed for {}",
            keys.join(", ")
        ))
    }
}

/// Collects the keys whose values differ.
fn differ(path: &str, old: &Value, new: &Value, keys: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let inner = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                let value = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
                differ(&inner, &value(old), &value(new), keys);
            }
        }
        _ if old != new => keys.push(path.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs;

    use super::*;

    #[test]
    fn only_what_has_changed_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("geowarden.yaml");
        let write = |text: &str| fs::write(&file, text).unwrap();
        write("server: {grpc: '127.0.0.1:9191'}\n");
        let config = Config::load_either(Some(&file), None, &Environment::default()).unwrap();
        assert_eq!(config.restart_needed(), None);
        // Another spelling of the same.
        write("# kept\nserver:\n  grpc: 127.0.0.1:9191\n");
        assert_eq!(config.restart_needed(), None);
        write("server: {grpc: '127.0.0.1:9291'}\npolicy: {timeout: 100ms}\n");
        let told = config.restart_needed().unwrap();
        assert!(
            told.ends_with("for `policy.timeout`, `server.grpc`"),
            "{told}"
        );
        write("server: {grpc: nowhere}\n");
        assert!(config.restart_needed().unwrap().contains("cannot be used"));
        let without = Config::load(
            Some(&folder.path().join("other.yaml")),
            &Environment::default(),
        );
        assert!(without.is_err());
    }
}
