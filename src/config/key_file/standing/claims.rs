//! Every place of the files that may be the entry of a key, good or not, by the digest that stands there.

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

/// One place where a digest stands.
#[derive(Debug)]
pub(super) enum Claim {
    /// A mapping with the member `sha256`, and the id that it has where it names none.
    Entry {
        members: Map<String, Value>,
        default_id: Option<String>,
    },
    /// Text that is no YAML, in which `sha256` and the digest stand.
    Text,
}

impl Claim {
    /// Whether nothing that can be read here differs from an entry in force. What is there and cannot be read differs.
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

/// What stands in all files of keys.
#[derive(Debug, Default)]
pub(super) struct Claims {
    by_digest: HashMap<String, Vec<Claim>>,
    /// Files that are there and cannot be read.
    unread: HashSet<String>,
    /// A folder that cannot be listed: nothing is known of its files.
    unread_folder: Option<PathBuf>,
}

impl Claims {
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

    /// Where a digest stands.
    pub(super) fn of_digest(&self, digest: &str) -> &[Claim] {
        self.by_digest.get(digest).map_or(&[], Vec::as_slice)
    }

    /// Whether nothing can be known of the keys that came from a file.
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

    /// Takes what stands in YAML, or says that it is none.
    fn take(&mut self, text: &str, default_id: Option<&String>) -> Result<(), ()> {
        let document = Document::parse(text).map_err(drop)?;
        self.walk(document.value, default_id);
        Ok(())
    }

    /// Entries are looked for at any place, but not within an entry: what an attribute says is none.
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
        let claim = Claim::Entry {
            members,
            default_id,
        };
        self.by_digest.entry(digest).or_default().push(claim);
    }

    /// Looks for digests in what is no YAML: only behind `sha256`, and not in comments.
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
                self.by_digest.entry(digest).or_default().push(Claim::Text);
            }
        }
    }
}

/// A text that is no YAML, cut where an entry of a list begins: a fault in one entry hides nothing that changed in others.
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
