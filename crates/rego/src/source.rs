//! Policy texts with their data, and places in them.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// A part of a text, from its first byte to the one behind its last, with the place of the first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Span {
    /// The first byte, from 0.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
    /// The line of the first byte, from 1.
    pub line: u32,
    /// The column of the first byte, from 1, in characters.
    pub column: u32,
}

impl Span {
    /// From the beginning of this part to the end of another.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self {
            end: other.end.max(self.end),
            ..self
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The Rego of files that do not say which they are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// Before OPA 1.0: `if`, `contains`, `in` and `every` are keywords where they are imported.
    V0,
    /// OPA 1.0 and later.
    #[default]
    V1,
}

/// Policies and data that belong together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// Rego texts by the name they are reported under.
    pub modules: BTreeMap<String, String>,
    /// The `data` document.
    pub data: Map<String, Value>,
}

/// A value of `data` that is there already.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path} is set by another data file too")]
pub struct DataConflict {
    /// Its path, from `data` on.
    pub path: String,
}

/// Whether a file of this name has tests.
pub fn is_test(name: &str) -> bool {
    name.ends_with("_test.rego")
}

impl Sources {
    /// The same without tests, which decide nothing.
    #[must_use]
    pub fn without_tests(mut self) -> Self {
        self.modules.retain(|name, _| !is_test(name));
        self
    }

    /// Adds the members of a data file, below the names of its folders, as OPA does.
    ///
    /// ```
    /// use geowarden_rego::Sources;
    /// use serde_json::json;
    ///
    /// let mut sources = Sources::default();
    /// let members = json!({"admins": ["ada"]});
    /// let members = members.as_object().unwrap();
    /// sources.add_data(&["roles".to_owned()], members.clone()).unwrap();
    /// assert_eq!(sources.data["roles"]["admins"][0], "ada");
    ///
    /// let error = sources.add_data(&["roles".to_owned()], members.clone()).unwrap_err();
    /// assert_eq!(error.to_string(), "data.roles.admins is set by another data file too");
    /// ```
    pub fn add_data(
        &mut self,
        folders: &[String],
        mut members: Map<String, Value>,
    ) -> Result<(), DataConflict> {
        for name in folders.iter().rev() {
            members = Map::from_iter([(name.clone(), Value::Object(members))]);
        }
        merge(&mut self.data, members, "data").map_err(|path| DataConflict { path })
    }

    /// A fingerprint of all texts and data: the first 16 hexadecimal digits of their SHA-256. Names count from the folder
    /// that all texts share, so the same files have the same fingerprint wherever the folder is.
    pub fn revision(&self) -> String {
        let mut digest = Context::new(&SHA256);
        let shared = self.shared_folder().len();
        for (name, text) in &self.modules {
            for part in [name.get(shared..).unwrap_or(name), text] {
                digest.update(&part.len().to_le_bytes());
                digest.update(part.as_bytes());
            }
        }
        digest.update(Value::Object(self.data.clone()).to_string().as_bytes());
        let mut revision = String::new();
        for byte in digest.finish().as_ref().iter().take(8) {
            let _ = write!(revision, "{byte:02x}");
        }
        revision
    }

    /// The beginning that all names share, up to a `/`.
    fn shared_folder(&self) -> &str {
        let mut names = self.modules.keys();
        let folder = |name: &'_ str| name.rfind('/').map_or(0, |at| at + 1);
        let Some(first) = names.next() else {
            return "";
        };
        let mut shared = first.get(..folder(first)).unwrap_or_default();
        for name in names {
            while !name.starts_with(shared) {
                let outer = shared.strip_suffix('/').unwrap_or_default();
                shared = outer.get(..folder(outer)).unwrap_or_default();
            }
        }
        shared
    }
}

fn merge(
    into: &mut Map<String, Value>,
    from: Map<String, Value>,
    path: &str,
) -> Result<(), String> {
    for (name, value) in from {
        let path = format!("{path}.{name}");
        match (into.get_mut(&name), value) {
            (None, value) => {
                into.insert(name, value);
            }
            (Some(Value::Object(there)), Value::Object(more)) => merge(there, more, &path)?,
            (Some(_), _) => return Err(path),
        }
    }
    Ok(())
}
