use std::fs;

use serde_json::json;

use super::*;

#[test]
fn a_folder_is_loaded_as_opa_loads_it() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    fs::create_dir(dir.path().join("..2026")).unwrap();
    fs::write(dir.path().join("..2026/x.rego"), "broken").unwrap();
    fs::write(dir.path().join("x.rego"), "package x").unwrap();
    fs::write(dir.path().join("x_test.rego"), "package x_test").unwrap();
    fs::write(dir.path().join("data.yaml"), "k: 1").unwrap();
    fs::write(dir.path().join("a/data.json"), r#"{"b": 2}"#).unwrap();
    let sources = load(&[dir.path()]).unwrap();
    assert_eq!(
        Value::Object(sources.data.clone()),
        json!({"k": 1, "a": {"b": 2}})
    );
    assert_eq!(sources.modules.len(), 2);
    assert_eq!(sources.clone().without_tests().modules.len(), 1);
    let before = sources.revision();
    let moved = dir.path().with_extension("moved");
    fs::rename(dir.path(), &moved).unwrap();
    let elsewhere = load(&[&moved]).unwrap().revision();
    fs::rename(&moved, dir.path()).unwrap();
    assert_eq!(elsewhere, before);
    fs::rename(dir.path().join("x.rego"), dir.path().join("y.rego")).unwrap();
    assert_ne!(load(&[dir.path()]).unwrap().revision(), before);
    fs::rename(dir.path().join("y.rego"), dir.path().join("x.rego")).unwrap();
    fs::write(dir.path().join("data.yaml"), "k: 2").unwrap();
    assert_ne!(load(&[dir.path()]).unwrap().revision(), before);
    fs::write(dir.path().join("data.json"), r#"{"k": 3}"#).unwrap();
    let told = load(&[dir.path()]).unwrap_err().to_string();
    assert!(
        told.contains("data.k is set by another data file too"),
        "{told}"
    );
}

#[test]
fn data_that_names_what_no_request_can_ask_for_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.rego"), "package x").unwrap();
    fs::write(dir.path().join("data.yaml"), "collections:\n- a/items\n").unwrap();
    let told = load(&[dir.path()]).unwrap_err().to_string();
    assert!(
        told.contains("data.yaml:2: collections[0]: no request"),
        "{told}"
    );
}

#[test]
fn the_data_of_the_default_policy_is_checked_where_that_policy_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("data.yaml"),
        "roles:\n  reader:\n    read:\n",
    )
    .unwrap();
    fs::write(dir.path().join("z.rego"), "package x").unwrap();
    assert!(load(&[dir.path()]).is_ok(), "roles of another policy");
    fs::write(dir.path().join("z.rego"), default_roles::POLICY).unwrap();
    let told = load(&[dir.path()]).unwrap_err().to_string();
    assert!(
        told.contains("data.yaml:3: roles.reader.read: expected a list"),
        "{told}"
    );
}

#[test]
fn a_folder_without_policies_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = load(&[dir.path()]).unwrap_err().to_string();
    assert!(
        error.contains("expected at least one .rego file, found none"),
        "{error}"
    );
}

#[test]
fn a_file_of_json_holds_json() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.rego"), "package x").unwrap();
    for (text, told) in [
        (
            "{\"k\": [1,\n  2,]\n}",
            "data.json:2: expected JSON, found another text (trailing comma)",
        ),
        (
            "{\n\"k\": 1,\n}",
            "data.json:3: expected JSON, found another text (trailing comma)",
        ),
        (
            "k: secret",
            "data.json:1: expected JSON, found another text (expected value)",
        ),
    ] {
        fs::write(dir.path().join("data.json"), text).unwrap();
        let error = load(&[dir.path()]).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    for text in ["", "{\"k\": 1}\n", "\u{feff}{\"k\": 1}"] {
        fs::write(dir.path().join("data.json"), text).unwrap();
        assert!(load(&[dir.path()]).is_ok(), "{text}");
    }
}
