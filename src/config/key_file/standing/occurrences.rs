//! Finds every place in the files that may be the entry of a key, valid or not, by its digest.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use geowarden_yaml::Document;
use serde_json::{Map, Value};

use crate::{
    config::{
        ApiKeys,
        key_file::{Entry, parse_expiry},
    },
    files::Files,
};

/// One place with a digest.
#[derive(Debug)]
pub(super) enum Occurrence {
    /// A mapping with the member `sha256`, and the default id if the mapping has none.
    Entry {
        members: Map<String, Value>,
        default_id: Option<String>,
    },
    /// Text that is not YAML, in which `sha256` and the digest were found.
    Text,
}

impl Occurrence {
    /// Whether everything that can be read here equals an entry in force. A value that cannot be read counts as
    /// different.
    pub(super) fn is_same(&self, entry: &Entry) -> bool {
        let Self::Entry {
            members,
            default_id,
        } = self
        else {
            return true;
        };
        let id = match members.get("id") {
            Some(Value::String(id)) if !id.is_empty() => Some(id),
            None | Some(Value::String(_)) => default_id.as_ref(),
            Some(_) => None,
        };
        let has_same_attributes = match members.get("attributes") {
            None => entry.attributes.is_empty(),
            Some(Value::Object(attributes)) => *attributes == entry.attributes,
            Some(_) => false,
        };
        let has_same_expiry = match members.get("expires") {
            None | Some(Value::Null) => entry.expires.is_none(),
            Some(Value::String(text)) => {
                parse_expiry(text).is_ok_and(|at| Some(at) == entry.expires)
            }
            Some(_) => false,
        };
        id == Some(&entry.id) && has_same_attributes && has_same_expiry
    }
}

/// The digests in all key files.
#[derive(Debug, Default)]
pub(super) struct Occurrences {
    by_digest: HashMap<String, Vec<Occurrence>>,
    /// Files that exist but cannot be read.
    unread: HashSet<String>,
    /// Whether the folder cannot be listed. Then nothing is known about its files.
    unread_folder: Option<PathBuf>,
}

impl Occurrences {
    pub(super) fn of(keys: &ApiKeys, files: &Files) -> Self {
        let mut claims = Self::default();
        for entry in &keys.inline {
            if let Ok(Value::Object(members)) = serde_json::to_value(entry) {
                claims.add(members, None);
            }
        }
        if let Some(file) = &keys.file {
            claims.read(file, files, None);
        }
        if let Some(dir) = &keys.dir {
            match files.below(dir) {
                Ok(paths) => {
                    for path in paths {
                        let name = path.file_name().and_then(|name| name.to_str());
                        let id = name.map(|name| name.split('.').next().unwrap_or(name).to_owned());
                        claims.read(path, files, id.as_ref());
                    }
                }
                Err(error) if error.is_missing() => {}
                Err(_) => claims.unread_folder = Some(dir.clone()),
            }
        }
        claims
    }

    /// The places of a digest.
    pub(super) fn of_digest(&self, digest: &str) -> &[Occurrence] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Whether the keys of a file cannot be known.
    pub(super) fn is_unread(&self, file: &str) -> bool {
        let folder = self.unread_folder.as_ref();
        self.unread.contains(file) || folder.is_some_and(|dir| Path::new(file).starts_with(dir))
    }

    fn read(&mut self, path: &Path, files: &Files, default_id: Option<&String>) {
        match files.bytes(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                if self.take(&text, default_id).is_err() {
                    for piece in pieces(&text) {
                        if self.take(piece, default_id).is_err() {
                            self.scan(piece);
                        }
                    }
                }
            }
            Err(error) if error.is_missing() => {}
            Err(_) => {
                self.unread.insert(path.display().to_string());
            }
        }
    }

    /// Reads the digests of a YAML text; returns false if the text is not YAML.
    fn take(&mut self, text: &str, default_id: Option<&String>) -> Result<(), ()> {
        let document = Document::parse(text).map_err(drop)?;
        self.walk(document.value, default_id);
        Ok(())
    }

    /// Looks for entries at any depth, but not inside an entry: an attribute cannot be an entry.
    fn walk(&mut self, value: Value, default_id: Option<&String>) {
        match value {
            Value::Object(members) if members.contains_key("sha256") => {
                self.add(members, default_id.cloned());
            }
            Value::Object(members) => {
                for (_, inner) in members {
                    self.walk(inner, default_id);
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.walk(item, default_id);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, members: Map<String, Value>, default_id: Option<String>) {
        let Some(digest) = members.get("sha256").and_then(Value::as_str) else {
            return;
        };
        let digest = digest.to_ascii_lowercase();
        let claim = Occurrence::Entry {
            members,
            default_id,
        };
        self.by_digest.entry(digest).or_default().push(claim);
    }

    /// Looks for digests in text that is not YAML: only after `sha256`, and not in comments.
    fn scan(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().map(without_comment).collect();
        let text = lines.join("\n");
        for after in text.split("sha256").skip(1) {
            let is_between = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':');
            let word = after.trim_start_matches(is_between);
            let end = word.find(|c: char| !c.is_ascii_hexdigit());
            let word = end.and_then(|end| word.get(..end)).unwrap_or(word);
            if word.len() == 64 {
                let digest = word.to_ascii_lowercase();
                self.by_digest
                    .entry(digest)
                    .or_default()
                    .push(Occurrence::Text);
            }
        }
    }
}

/// Splits text that is not YAML where a list entry begins, so that a fault in one entry does not hide changes in
/// others.
fn pieces(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let (mut begin, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.starts_with("- ") {
            all.extend(text.get(begin..at));
            begin = at;
        }
        at += line.len();
    }
    all.extend(text.get(begin..));
    all
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = c;
    }
    line
}
