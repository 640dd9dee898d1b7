//! Reads API keys from files: a list in one file, or a folder with one entry in each file.

mod standing;

use std::{collections::BTreeMap, path::Path};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use geowarden_yaml::{Document, Step, display_path};
use serde_json::{Map, Value};

pub use self::standing::standing;
pub use super::key_entry::Entry;
use super::{ApiKeys, Origin, Problem, Problems, fault::kind};
use crate::files::Files;

/// An entry with the place where it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The entry.
    pub entry: Entry,
    /// The file and line of the entry.
    pub origin: Origin,
}

/// Reads every entry of the configured file and folder, or returns every problem in them.
pub fn load(keys: &ApiKeys, files: &Files) -> Result<Vec<StoredKey>, Problems> {
    let mut all = Vec::new();
    let mut problems = Problems::default();
    read(keys, files, &mut all, &mut problems);
    find_repeats(&all, &mut problems);
    problems.into_result(all)
}

fn read(keys: &ApiKeys, files: &Files, all: &mut Vec<StoredKey>, problems: &mut Problems) {
    for entry in &keys.inline {
        all.push(StoredKey {
            entry: entry.clone(),
            origin: Origin::File {
                file: "(in memory)".to_owned(),
                line: None,
            },
        });
    }
    if let Some(file) = &keys.file {
        read_list(file, files, all, problems);
    }
    if let Some(dir) = &keys.dir {
        read_folder(dir, files, all, problems);
    }
}

/// Parses the expiry of an entry.
pub fn parse_expiry(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.to_utc())
        .map_err(|_| {
            "expected a date such as `2027-01-31` or an RFC 3339 time such as `2027-01-31T12:00:00Z`, found another text".to_owned()
        })
}

fn read_list(file: &Path, files: &Files, all: &mut Vec<StoredKey>, problems: &mut Problems) {
    let Some(document) = read_document(file, files, problems) else {
        return;
    };
    match &document.value {
        Value::Null => {}
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                read_entry(file, &document, &[Step::Index(index)], item, None, all, problems);
            }
        }
        _ => problems.0.push(problem(
            file,
            Some(1),
            String::new(),
            "expected a list of entries, each with `id` and `sha256`; `geowarden key new` makes one",
        )),
    }
}

fn read_folder(dir: &Path, files: &Files, all: &mut Vec<StoredKey>, problems: &mut Problems) {
    let paths = match files.below(dir) {
        Ok(paths) => paths,
        Err(error) => {
            let message = error.to_string();
            problems.0.push(problem(dir, None, String::new(), message));
            return;
        }
    };
    for file in paths {
        let Some(name) = file.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        if let Some(document) = read_document(file, files, problems) {
            let id = name.split('.').next().unwrap_or(name).to_owned();
            let value = document.value.clone();
            read_entry(file, &document, &[], &value, Some(id), all, problems);
        }
    }
}

fn read_document(file: &Path, files: &Files, problems: &mut Problems) -> Option<Document> {
    let text = match files.text(file) {
        Ok(text) => text,
        Err(error) => {
            let message = error.to_string();
            problems.0.push(problem(file, None, String::new(), message));
            return None;
        }
    };
    Document::parse(text)
        .map_err(|e| {
            // The message quotes nothing of the text, which may be a key.
            let found = problem(file, Some(e.line), String::new(), e.message);
            problems.0.push(found);
        })
        .ok()
}

/// Why a member of an entry is wrong; the name is empty for the whole entry.
type Fault = (&'static str, String);

/// Reads an entry, or says of each wrong member what was expected. Neither values nor unknown names are quoted: a key may have
/// been put in the wrong place.
fn entry_of(value: &Value, default_id: Option<String>) -> Result<Entry, Vec<Fault>> {
    let Value::Object(members) = value else {
        let message = format!(
            "expected an entry with `id` and `sha256`, found {}; `geowarden key new` makes one",
            kind(value)
        );
        return Err(vec![("", message)]);
    };
    let mut entry = Entry {
        id: String::new(),
        sha256: String::new(),
        attributes: Map::new(),
        expires: None,
    };
    let mut faults = Vec::new();
    for (name, value) in members {
        if let Err(fault) = read_member(name, value, &mut entry) {
            faults.push(fault);
        }
    }
    let is_told = |name: &str, faults: &[Fault]| faults.iter().any(|(told, _)| *told == name);
    if entry.id.is_empty() && !is_told("id", &faults) {
        match default_id {
            Some(id) => entry.id = id,
            None => faults.push(("", "missing field `id`".to_owned())),
        }
    }
    if entry.sha256.is_empty() && !is_told("sha256", &faults) {
        faults.push(("", "missing field `sha256`".to_owned()));
    }
    if faults.is_empty() {
        Ok(entry)
    } else {
        Err(faults)
    }
}

fn read_member(name: &str, value: &Value, entry: &mut Entry) -> Result<(), Fault> {
    match name {
        "id" => text_of("id", value)?.clone_into(&mut entry.id),
        "sha256" => entry.sha256 = digest_of(text_of("sha256", value)?)?,
        "attributes" => match value {
            Value::Object(attributes) => entry.attributes.clone_from(attributes),
            other => return Err(("attributes", expected("a mapping", other))),
        },
        "expires" if value.is_null() => {}
        "expires" => {
            let expires = parse_expiry(text_of("expires", value)?);
            entry.expires = Some(expires.map_err(|_| {
                (
                    "expires",
                    "expected a date such as `2027-01-31` or an RFC 3339 time".to_owned(),
                )
            })?);
        }
        _ => {
            let message = "unknown key: expected `id`, `sha256`, `attributes` or `expires`";
            return Err(("", message.to_owned()));
        }
    }
    Ok(())
}

/// A digest in lower case. Its text is never quoted: it may be a key that was put in the wrong place.
fn digest_of(text: &str) -> Result<String, Fault> {
    let is_digest = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    // An empty text is told as a missing field.
    if is_digest || text.is_empty() {
        return Ok(text.to_ascii_lowercase());
    }
    let message = "expected the SHA-256 digest of the key, 64 hexadecimal digits: `geowarden key new` makes a key and its entry";
    Err(("sha256", message.to_owned()))
}

fn text_of<'a>(name: &'static str, value: &'a Value) -> Result<&'a str, Fault> {
    value
        .as_str()
        .ok_or_else(|| (name, expected("a string", value)))
}

fn expected(what: &str, found: &Value) -> String {
    format!("expected {what}, found {}", kind(found))
}

fn read_entry(
    file: &Path,
    document: &Document,
    path: &[Step],
    value: &Value,
    default_id: Option<String>,
    all: &mut Vec<StoredKey>,
    problems: &mut Problems,
) {
    match entry_of(value, default_id) {
        Ok(entry) => all.push(StoredKey {
            entry,
            origin: Origin::File {
                file: file.display().to_string(),
                line: document.line(path),
            },
        }),
        Err(faults) => {
            for (key, message) in faults {
                let mut path = path.to_vec();
                if !key.is_empty() {
                    path.push(Step::Key(key.to_owned()));
                }
                let line = document.line(&path);
                let found = problem(file, line, display_path(&path), message);
                problems.0.push(found);
            }
        }
    }
}

/// Finds repeated ids and digests. They are not quoted: in the place of an id there may be a key.
fn find_repeats(all: &[StoredKey], problems: &mut Problems) {
    let mut ids: BTreeMap<&str, &Origin> = BTreeMap::new();
    let mut digests: BTreeMap<&str, &Origin> = BTreeMap::new();
    for key in all {
        let id = key.entry.id.as_str();
        if let Some(first) = ids.insert(id, &key.origin) {
            problems.0.push(Problem {
                origin: key.origin.clone(),
                path: String::new(),
                message: format!("expected a unique `id`, found that of the entry at {first}"),
            });
        }
        if let Some(first) = digests.insert(&key.entry.sha256, &key.origin) {
            problems.0.push(Problem {
                origin: key.origin.clone(),
                path: String::new(),
                message: format!("expected a unique key, found that of the entry at {first}"),
            });
        }
    }
}

fn problem(file: &Path, line: Option<usize>, path: String, message: impl Into<String>) -> Problem {
    Problem {
        origin: Origin::File {
            file: file.display().to_string(),
            line,
        },
        path,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests;
