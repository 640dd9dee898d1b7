//! Which keys stay, by what became of their files.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use serde_json::Value;

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
        file: Some(file.to_path_buf()),
        ..ApiKeys::default()
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

/// What is left of three keys without attributes when their file becomes each of the texts.
fn become_of_three<'a>(cases: impl IntoIterator<Item = (String, &'a [&'a str])>) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.yaml");
    let keys = of_file(&file);
    fs::write(&file, entry(1, "") + &entry(2, "") + &entry(3, "")).unwrap();
    let files = Files::read(&[Root::file(&file)], Fresh::Read).unwrap();
    let in_force = super::super::load(&keys, &files).unwrap();
    for (text, expected) in cases {
        fs::write(&file, &text).unwrap();
        assert_eq!(left(&keys, &in_force), expected, "{text}");
    }
}

#[test]
fn a_key_stays_only_while_an_entry_of_it_stands_in_its_file() {
    let one = digest(1);
    let upper = format!("- {{id: k1, sha256: {}}}\n", one.to_uppercase());
    become_of_three([
        (entry(1, "") + &entry(3, ""), &["k1", "k3"][..]),
        (entry(1, ", attributes: {colour: red}"), &["k1red"]),
        (upper, &["k1"]),
        (String::new(), &[]),
        ("[]".to_owned(), &[]),
        // Not where its digest only happens to stand.
        (
            format!("{}# {one}\n- {{id: b, hue: red}}", entry(2, "")),
            &["k2"],
        ),
        (format!("# {}- 5\n", entry(1, "")), &[]),
        (
            format!(
                "- 5\n{}",
                entry(4, &format!(", attributes: {{was: {one}}}"))
            ),
            &[],
        ),
        (format!("- 5\n- {{id: {one}, sha256: {}}}", digest(4)), &[]),
        (format!("- 5\n- {one}\n"), &[]),
    ]);
}

#[test]
fn an_entry_with_a_fault_keeps_its_key_only_where_it_is_the_one_in_force() {
    become_of_three([
        (entry(4, "") + &entry(1, ", hue: red"), &["k1"][..]),
        (
            entry(1, ", hue: red, expires: null") + "- 5\n- {id: k2, sha256: abc}\n",
            &["k1"],
        ),
        // What was to become less must not stay what it was.
        (
            entry(1, ", hue: red, expires: 2020-01-01") + &entry(2, ""),
            &["k2"],
        ),
        (
            entry(1, ", hue: red, attributes: {colour: red}") + &entry(2, ""),
            &["k2"],
        ),
        (
            entry(1, ", hue: red").replace("k1", "other") + &entry(2, ""),
            &["k2"],
        ),
        (
            entry(1, ", hue: red").replace("id: k1, ", "") + &entry(2, ""),
            &["k2"],
        ),
        // A key whose expiry cannot be read is refused.
        (entry(1, ", expires: soon") + &entry(2, ""), &["k2"]),
        (entry(1, ", expires: 2020") + &entry(2, ""), &["k2"]),
        (entry(1, ", attributes: none") + &entry(2, ""), &["k2"]),
        // Twice: which of them counts nobody knows.
        (entry(1, "") + &entry(1, "") + &entry(2, ""), &["k1", "k2"]),
        (
            entry(1, "") + &entry(1, ", attributes: {colour: red}") + &entry(2, ""),
            &["k2"],
        ),
        (
            entry(1, "") + &entry(1, ", hue: red, expires: 2020-01-01") + &entry(2, ""),
            &["k2"],
        ),
        // No list: the entries in it are like those with a fault.
        (
            format!(
                "keys:\n{}",
                entry(1, "") + &entry(2, ", expires: 2020-01-01")
            ),
            &["k1"],
        ),
        ("keys: []".to_owned(), &[]),
        ("\"text\"".to_owned(), &[]),
    ]);
}

#[test]
fn in_what_is_no_yaml_an_entry_is_looked_for_all_the_same() {
    let one = digest(1);
    let json = |members: &str| format!("[{{\"id\": \"k1\", \"sha256\": \"{one}\"{members}}},");
    become_of_three([
        ("a: [".to_owned(), &[][..]),
        (json(""), &["k1"]),
        (format!("- id: k1\n  sha256:\n    '{one}'\n- ["), &["k1"]),
        (format!("- id: {one}\n- ["), &[]),
        (format!("- [\n# {}", entry(1, "")), &[]),
        (format!("- [ # sha256: {one}\n"), &[]),
        (format!("- {{id: k1 #, sha256: {one}}}\n- ["), &[]),
        // What can be read of it counts as in an entry with a fault.
        (
            entry(1, "")
                + &entry(2, ", expires: 2020-01-01")
                + "- [\n"
                + &entry(3, ", expires: [}"),
            &["k1", "k3"],
        ),
        (
            entry(1, ", hue: red, hue: red") + &entry(2, ", attributes: {a: 1}"),
            &["k1"],
        ),
        (format!("{}{}a", entry(1, ""), "- ".repeat(1000)), &["k1"]),
    ]);
}

#[test]
fn of_a_file_that_cannot_be_read_the_last_good_keys_stay() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("keys.yaml");
    let keys = of_file(&file);
    fs::write(&file, entry(1, "") + &entry(2, "")).unwrap();
    let files = Files::read(&[Root::file(&file)], Fresh::Read).unwrap();
    let in_force = super::super::load(&keys, &files).unwrap();
    // A file that is not UTF-8 is searched too.
    fs::write(
        &file,
        [entry(1, "").as_bytes(), &[b'#', 0xff, 0xfe]].concat(),
    )
    .unwrap();
    assert_eq!(left(&keys, &in_force), ["k1"]);
    fs::remove_file(&file).unwrap();
    assert!(left(&keys, &in_force).is_empty());
    fs::create_dir(&file).unwrap();
    assert_eq!(left(&keys, &in_force), ["k1", "k2"]);
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
        dir: Some(folder.clone()),
        ..ApiKeys::default()
    };
    let files = Files::read(&[Root::folder(&folder)], Fresh::Read).unwrap();
    let in_force = super::super::load(&keys, &files).unwrap();
    fs::write(path("k1.yaml"), format!("sha256: {}\na: [", digest(1))).unwrap();
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
