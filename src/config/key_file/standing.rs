//! Which of the keys in force may stay, whatever else is wrong with the files.
//!
//! A key stays only while its digest stands in its file: one that is removed is gone at once, and one whose attributes or
//! expiry have changed has the new ones at once. Only where a file cannot be read, or is no list of entries, do its last good
//! keys stay. A file that is not there has no keys.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{ApiKeys, Origin, StoredKey};
use crate::{files::Files, yaml::Document};

/// What is left of `in_force` now that the files are as `files` says. No key is added.
pub fn standing(keys: &ApiKeys, files: &Files, in_force: &[StoredKey]) -> Vec<StoredKey> {
    let mut read = Vec::new();
    super::read(keys, files, &mut read, &mut super::Problems::default());
    let mut entries: HashMap<&str, Vec<&StoredKey>> = HashMap::new();
    for key in &read {
        entries.entry(&key.entry.sha256).or_default().push(key);
    }
    let mut held: HashMap<String, Held> = HashMap::new();
    let mut stays = |key: &StoredKey| {
        let digest = key.entry.sha256.as_str();
        if let Some([one]) = entries.get(digest).map(Vec::as_slice) {
            return Some((*one).clone());
        }
        let Origin::File { file, .. } = &key.origin else {
            return Some(key.clone());
        };
        // Of a digest that stands in two entries, or in one with a fault, nothing new is known.
        let held = held
            .entry(file.clone())
            .or_insert_with(|| Held::by(keys, files, file));
        held.has(digest).then(|| key.clone())
    };
    in_force.iter().filter_map(&mut stays).collect()
}

/// Which keys a file may still hold.
enum Held {
    /// Nothing is known against those that came from it.
    All,
    /// Those with these digests.
    Only(HashSet<String>),
}

impl Held {
    fn by(keys: &ApiKeys, files: &Files, file: &str) -> Self {
        let is_list = keys.file.as_ref().is_some_and(|list| named(list) == *file);
        let in_folder = keys.dir.as_ref().map(|dir| files.below(dir));
        let path = match (is_list, &keys.file, in_folder) {
            (true, Some(list), _) => Some(list.as_path()),
            // A folder that cannot be listed says nothing of its files, unless it is gone.
            (_, _, Some(Err(error))) if !error.is_missing() => return Self::All,
            (_, _, Some(Ok(mut paths))) => paths.find(|path| named(path) == *file),
            _ => None,
        };
        let Some(path) = path else {
            let inline = keys.inline.iter().map(|entry| entry.sha256.clone());
            return Self::Only(inline.collect());
        };
        let text = match files.text(path) {
            Err(error) if error.is_missing() => return Self::Only(HashSet::new()),
            Err(_) => return Self::All,
            Ok(text) => text,
        };
        match Document::parse(text).map(|document| document.value) {
            Ok(Value::Array(_)) if is_list => Self::Only(digests(text)),
            Ok(Value::Object(_)) if !is_list => Self::Only(digests(text)),
            Ok(Value::Null) => Self::Only(HashSet::new()),
            // No list of entries, or no YAML: the last good ones stay.
            _ => Self::All,
        }
    }

    fn has(&self, digest: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(digests) => digests.contains(digest),
        }
    }
}

/// Everything in a text that looks like a digest, in lower case.
fn digests(text: &str) -> HashSet<String> {
    let words = text.split(|c: char| !c.is_ascii_hexdigit());
    let digests = words.filter(|word| word.len() == 64);
    digests.map(str::to_ascii_lowercase).collect()
}

fn named(path: &std::path::Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fs, path::PathBuf};

    use super::*;
    use crate::files::{Fresh, Root};

    fn digest(number: u8) -> String {
        format!("{number}a").repeat(32)
    }

    fn entry(number: u8, more: &str) -> String {
        format!("- {{id: k{number}, sha256: {}{more}}}\n", digest(number))
    }

    fn of_file(file: &std::path::Path) -> ApiKeys {
        ApiKeys {
            header: "x-api-key".into(),
            file: Some(file.to_path_buf()),
            dir: None,
            inline: Vec::new(),
        }
    }

    /// The ids that are left, each with the colour in its attributes.
    fn left(keys: &ApiKeys, in_force: &[StoredKey]) -> Vec<String> {
        let roots: Vec<Root> = keys.roots().collect();
        let files = Files::read(&roots, Fresh::Read).unwrap();
        let told = |key: &StoredKey| {
            let colour = key.entry.attributes.get("colour").and_then(Value::as_str);
            format!("{}{}", key.entry.id, colour.unwrap_or_default())
        };
        standing(keys, &files, in_force).iter().map(told).collect()
    }

    #[test]
    fn a_key_stays_only_while_its_digest_stands_in_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.yaml");
        let keys = of_file(&file);
        fs::write(&file, entry(1, "") + &entry(2, "") + &entry(3, "")).unwrap();
        let files = Files::read(&[Root::file(&file)], Fresh::Read).unwrap();
        let in_force = super::super::load(&keys, &files).unwrap();
        let all = ["k1", "k2", "k3"];
        for (text, expected) in [
            (entry(1, "") + &entry(3, ""), &["k1", "k3"][..]),
            (entry(1, ", attributes: {colour: red}"), &["k1red"]),
            // An entry with a fault keeps the last good one of its digest, and hides no removal.
            (entry(1, ", expires: soon") + &entry(2, ""), &["k1", "k2"]),
            (entry(4, "") + &entry(1, ", hue: red"), &["k1"]),
            (entry(1, "") + "- 5\n- {id: k2, sha256: abc}\n", &["k1"]),
            // Twice: which of them counts nobody knows.
            (
                entry(1, "") + &entry(1, ", attributes: {colour: red}"),
                &["k1"],
            ),
            // Upper case is the same digest.
            (
                entry(1, "")
                    .to_uppercase()
                    .replace("ID", "id")
                    .replace("SHA256", "sha256")
                    .replace("K1", "k1"),
                &["k1"],
            ),
            (String::new(), &[]),
            ("[]".to_owned(), &[]),
            // No list of entries.
            ("a: [".to_owned(), &all),
            ("keys: []".to_owned(), &all),
            ("\"text\"".to_owned(), &all),
        ] {
            fs::write(&file, &text).unwrap();
            assert_eq!(left(&keys, &in_force), expected, "{text}");
        }
        fs::write(&file, [0xff, 0xfe]).unwrap();
        assert_eq!(left(&keys, &in_force), all);
        fs::remove_file(&file).unwrap();
        assert!(left(&keys, &in_force).is_empty());
        fs::create_dir(&file).unwrap();
        assert_eq!(left(&keys, &in_force), all);
    }

    #[test]
    fn in_a_folder_each_file_counts_for_itself() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("keys");
        let path = |name: &str| -> PathBuf { folder.join(name) };
        fs::create_dir(&folder).unwrap();
        for number in 1..4 {
            let text = format!("sha256: {}\n", digest(number));
            fs::write(path(&format!("k{number}.yaml")), text).unwrap();
        }
        let keys = ApiKeys {
            header: "x-api-key".into(),
            file: None,
            dir: Some(folder.clone()),
            inline: Vec::new(),
        };
        let files = Files::read(&[Root::folder(&folder)], Fresh::Read).unwrap();
        let in_force = super::super::load(&keys, &files).unwrap();
        fs::write(path("k1.yaml"), "a: [").unwrap();
        fs::remove_file(path("k2.yaml")).unwrap();
        assert_eq!(left(&keys, &in_force), ["k1", "k3"]);
        fs::write(path("k1.yaml"), "sha256: none").unwrap();
        // Its entry in another file is the same key.
        fs::rename(path("k3.yaml"), path("k4.yaml")).unwrap();
        assert_eq!(left(&keys, &in_force), ["k4"]);
        fs::remove_dir_all(&folder).unwrap();
        assert!(left(&keys, &in_force).is_empty());
    }

    /// As many keys as anybody may have, all of them removed: no work for each that grows with the file.
    #[test]
    fn many_keys_are_taken_away_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keys.yaml");
        let keys = of_file(&file);
        let list = |first: u32| -> String {
            let entry = |n| format!("- {{id: k{n}, sha256: {}{n:08x}}}\n", "a".repeat(56));
            (first..first + 5_000).map(entry).collect()
        };
        fs::write(&file, list(0)).unwrap();
        let files = Files::read(&[Root::file(&file)], Fresh::Read).unwrap();
        let in_force = super::super::load(&keys, &files).unwrap();
        fs::write(&file, list(5_000) + "- {id: k1, hue: red}\n").unwrap();
        assert!(left(&keys, &in_force).is_empty());
    }
}
