#![allow(clippy::unwrap_used)]
use std::fs;

use super::*;
use crate::files::{Fresh, Root};

fn load(keys: &ApiKeys) -> Result<Vec<StoredKey>, Problems> {
    let roots: Vec<Root> = keys.roots().collect();
    super::load(keys, &Files::read(&roots, Fresh::Read).unwrap())
}

fn load_text(text: &str) -> Result<Vec<StoredKey>, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("api-keys.yaml");
    fs::write(&file, text).unwrap();
    load(&ApiKeys {
        file: Some(file),
        ..ApiKeys::default()
    })
    .map_err(|p| p.to_string())
}

const DIGEST: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

#[test]
fn entries_keep_attributes_and_expiry() {
    let keys = load_text(&format!(
            "- id: a\n  sha256: {DIGEST}\n  attributes: {{company: osgeo, roles: [reader]}}\n  expires: 2027-01-31\n"
        ))
        .unwrap();
    let entry = &keys[0].entry;
    assert_eq!(entry.attributes["company"], "osgeo");
    assert_eq!(
        entry.expires.unwrap().to_rfc3339(),
        "2027-01-31T00:00:00+00:00"
    );
}

#[test]
fn faults_name_file_line_and_key_but_never_a_key() {
    let other = DIGEST.replace('2', "3");
    for (text, expected) in [
        ("a: 1".to_owned(), ":1: expected a list of entries"),
        (
            format!("- sha256: {DIGEST}\n"),
            ":1: [0]: missing field `id`",
        ),
        (
            "- id: a\n  sha256: my-secret-key\n".to_owned(),
            ":2: [0].sha256: expected the SHA-256 digest",
        ),
        (
            format!("- id: a\n  sha256: {DIGEST}\n  expires: soon\n"),
            ":3: [0].expires: expected a date",
        ),
        (
            format!("- id: a\n  sha256: {DIGEST}\n  colour: red\n"),
            ":1: [0]: unknown key",
        ),
        (
            format!("- {{id: a, sha256: {DIGEST}}}\n- {{id: a, sha256: {other}}}\n"),
            ":2: expected a unique `id`, found that of the entry at",
        ),
        (
            format!("- {{id: a, sha256: {DIGEST}}}\n- {{id: b, sha256: {DIGEST}}}\n"),
            ":2: expected a unique key, found that of the entry at",
        ),
    ] {
        let told = load_text(&text).unwrap_err();
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!told.contains("my-secret-key"), "{told}");
    }
}

#[test]
fn a_mounted_secret_is_a_key_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let generation = dir.path().join("..2026_01");
    fs::create_dir(&generation).unwrap();
    fs::write(generation.join("osgeo.yaml"), format!("sha256: {DIGEST}\n")).unwrap();
    std::os::unix::fs::symlink("..2026_01", dir.path().join("..data")).unwrap();
    std::os::unix::fs::symlink("..data/osgeo.yaml", dir.path().join("osgeo.yaml")).unwrap();
    let keys = load(&ApiKeys {
        dir: Some(dir.path().into()),
        ..ApiKeys::default()
    })
    .unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].entry.id, "osgeo");
}
