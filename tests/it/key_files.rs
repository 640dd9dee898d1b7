//! `geowarden key`: changes of key files, as an operator makes them.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

const DIGEST: &str = "3d6a6a4202fed99dc5030b400619c14c04c1a84b272f8ee6d272a898b7788474";

/// A folder with a configuration and its keys.
fn place(api_keys: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let config = format!("authn: {{api_keys: {{{api_keys}}}}}\n");
    fs::write(folder.path().join("geowarden.yaml"), config).unwrap();
    folder
}

fn key(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .arg("key")
        .args(arguments)
        .args(["--config", "geowarden.yaml"])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn passes(folder: &Path, arguments: &[&str]) -> String {
    let output = key(folder, arguments);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap()
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = key(folder, arguments);
    assert_eq!(output.status.code(), Some(64), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// The ids and ends that `key list` shows.
fn listed(folder: &Path) -> Vec<(String, bool)> {
    let told: Value = serde_json::from_str(&passes(folder, &["list", "--json"])).unwrap();
    let keys = told["keys"].as_array().unwrap().iter();
    keys.map(|key| {
        (
            key["id"].as_str().unwrap().to_owned(),
            !key["expires"].is_null(),
        )
    })
    .collect()
}

/// Whether `eval` allows a request with this key.
fn opens(folder: &Path, key: &str) -> bool {
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args([
            "eval",
            "--config",
            "geowarden.yaml",
            "-H",
            &format!("x-api-key: {key}"),
            "/collections",
        ])
        .current_dir(folder)
        .output()
        .unwrap();
    output.status.success()
}

#[test]
fn a_key_is_made_rotated_and_revoked_in_the_file() {
    let folder = place("file: keys.yaml");
    let path = folder.path();
    let file = path.join("keys.yaml");
    let before = format!("# Of the maps team.\n- id: old\n  sha256: {DIGEST}\n");
    fs::write(&file, &before).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();

    let made: Value = serde_json::from_str(&passes(
        path,
        &[
            "new",
            "--id",
            "maps",
            "--attribute",
            "roles=[reader]",
            "--json",
        ],
    ))
    .unwrap();
    let first = made["key"].as_str().unwrap().to_owned();
    assert!(opens(path, &first));
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with(&before) && !text.contains(&first),
        "{text}"
    );

    let rotated: Value =
        serde_json::from_str(&passes(path, &["rotate", "maps", "--json"])).unwrap();
    let second = rotated["key"].as_str().unwrap().to_owned();
    assert_eq!(rotated["entry"]["id"], "maps-2");
    assert_eq!(rotated["entry"]["attributes"], made["entry"]["attributes"]);
    assert!(opens(path, &first) && opens(path, &second));
    let of = |id: &str, ends| (id.to_owned(), ends);
    assert_eq!(
        listed(path),
        [of("old", false), of("maps", true), of("maps-2", false)]
    );

    passes(path, &["revoke", "maps"]);
    assert!(!opens(path, &first) && opens(path, &second));
    let third = passes(path, &["rotate", "maps-2", "--grace", "0s"]);
    assert!(third.contains("as maps-3"), "{third}");
    assert!(!opens(path, &second));
    passes(path, &["revoke", "maps-2"]);
    passes(path, &["revoke", "maps-3"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), before);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o640
    );
    assert_eq!(fs::read_dir(path).unwrap().count(), 2);
}

#[test]
fn the_first_key_goes_into_an_empty_file() {
    let folder = place("file: keys.yaml");
    let path = folder.path();
    let told = refused(path, &["new", "--id", "first"]);
    assert!(
        told.contains("no such file: keys.yaml; make an empty one"),
        "{told}"
    );
    fs::write(path.join("keys.yaml"), "").unwrap();
    let told = passes(
        path,
        &["new", "--id", "first", "--attribute", "roles=[admin]"],
    );
    let made = told.lines().nth(1).unwrap().trim().to_owned();
    assert!(opens(path, &made), "{told}");
}

#[test]
fn what_cannot_be_meant_is_refused_and_changes_nothing() {
    let folder = place("file: keys.yaml");
    let path = folder.path();
    let before = format!("- {{id: one, sha256: {DIGEST}}}\n");
    let file = path.join("keys.yaml");
    fs::write(&file, &before).unwrap();
    for (arguments, says) in [
        (&["new", "--id", "one"][..], "geowarden key rotate"),
        (&["new", "--id", "two", "--expires", "2020-01-01"], "past"),
        (&["revoke", "gw_secret"], "(one)"),
        (&["rotate", "gw_secret"], "(one)"),
        (&["rotate", "one", "--new-id", "one"], "--new-id"),
        (&["rotate", "one", "--grace", "200000years"], "at most 366d"),
    ] {
        let told = refused(path, arguments);
        assert!(told.contains(says) && !told.contains("gw_secret"), "{told}");
    }
    // A file with an error is not changed.
    for text in ["- id: [\n".to_owned(), format!("{before}{before}")] {
        fs::write(&file, &text).unwrap();
        let told = refused(path, &["new", "--id", "two"]);
        assert!(told.contains("keys.yaml:"), "{told}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    fs::write(path.join("geowarden.yaml"), "server: {}\n").unwrap();
    assert!(refused(path, &["list"]).contains("authn.api_keys"));
}

#[test]
fn a_new_key_can_end_at_another_time_than_the_old_one() {
    let folder = place("file: keys.yaml");
    let path = folder.path();
    let text = format!("- {{id: over, sha256: {DIGEST}, expires: 2020-01-01}}\n");
    fs::write(path.join("keys.yaml"), &text).unwrap();
    // It would be a key that nobody can use.
    let told = refused(path, &["rotate", "over"]);
    assert!(told.contains("--expires"), "{told}");
    assert_eq!(fs::read_to_string(path.join("keys.yaml")).unwrap(), text);
    let told = passes(path, &["rotate", "over", "--expires", "2999-01-01"]);
    assert!(
        told.contains("accepted until 2999-01-01T00:00:00Z;"),
        "{told}"
    );
    assert!(
        told.contains("the old one is accepted until 2020-01-01"),
        "{told}"
    );
    let key = told.split_whitespace().find(|word| word.starts_with("gw_"));
    assert!(opens(path, key.unwrap()));
}

#[test]
fn a_key_that_could_not_be_shown_is_named() {
    let folder = place("file: keys.yaml");
    let path = folder.path();
    fs::write(path.join("keys.yaml"), "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_geowarden"))
        .args(["key", "new", "--id", "unseen", "--config", "geowarden.yaml"])
        .current_dir(path)
        .stdout(fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("geowarden key revoke unseen"), "{told}");
}

#[test]
fn a_folder_has_one_entry_a_file() {
    let folder = place("dir: keys");
    let path = folder.path();
    fs::create_dir(path.join("keys")).unwrap();
    passes(path, &["new", "--id", "maps"]);
    passes(path, &["rotate", "maps"]);
    assert_eq!(listed(path).len(), 2);
    assert!(path.join("keys/maps-2.yaml").exists());
    passes(path, &["revoke", "maps"]);
    assert!(!path.join("keys/maps.yaml").exists());
    assert!(refused(path, &["new", "--id", "../maps"]).contains("--id"));
}
