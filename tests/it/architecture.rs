//! The dependency rules of ARCHITECTURE.md, read off the source.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What each module may name of ours. A module that is not here may name nothing.
const MAY_USE: [(&str, &[&str]); 24] = [
    (
        "admin",
        &["authn", "connections", "supervision", "telemetry"],
    ),
    (
        "app",
        &[
            "admin",
            "authn",
            "config",
            "connections",
            "files",
            "reload",
            "running_pygeoapi",
            "state",
            "supervision",
            "telemetry",
            "transport",
        ],
    ),
    ("authn", &["causes", "identity", "request", "status"]),
    ("causes", &[]),
    (
        "cli",
        &[
            "app",
            "authn",
            "config",
            "files",
            "glyphs",
            "identity",
            "pipeline",
            "policy",
            "record",
            "reload",
            "request",
            "running_pygeoapi",
            "telemetry",
            "transport",
        ],
    ),
    ("config", &["authn", "files", "glyphs"]),
    ("connections", &["telemetry"]),
    ("files", &[]),
    ("glyphs", &[]),
    ("identity", &[]),
    ("lib", &[]),
    ("main", &[]),
    (
        "pipeline",
        &["authn", "identity", "policy", "record", "request", "status"],
    ),
    ("policy", &["files", "identity", "request", "status"]),
    ("record", &["identity", "policy", "request", "status"]),
    (
        "reload",
        &[
            "authn",
            "config",
            "files",
            "pipeline",
            "policy",
            "record",
            "request",
            "state",
            "telemetry",
        ],
    ),
    ("request", &["identity"]),
    ("response", &["pipeline", "record", "request", "status"]),
    ("running_pygeoapi", &["causes", "config"]),
    ("state", &["config", "pipeline", "request"]),
    ("status", &[]),
    ("supervision", &["telemetry"]),
    (
        "telemetry",
        &["authn", "causes", "config", "glyphs", "record", "request"],
    ),
    (
        "transport",
        &[
            "admin",
            "authn",
            "causes",
            "config",
            "connections",
            "files",
            "pipeline",
            "record",
            "request",
            "response",
            "state",
            "status",
            "supervision",
            "telemetry",
        ],
    ),
];

/// Modules that only tests compile.
const FOR_TESTS: [&str; 2] = ["authn/key_server.rs", "authn/jwt/signing.rs"];

/// Words that only these files may hold (paths below src, by prefix).
const ONLY_IN: [(&str, &[&str]); 14] = [
    ("hyper", &["transport/", "admin.rs"]),
    ("envoy_types", &["request/envoy", "response", "transport/"]),
    ("regorus", &[]),
    ("geowarden_ogc", &["request/"]),
    (
        "geowarden_rego",
        &["config/policy", "policy/", "reload", "cli/"],
    ),
    ("jsonwebtoken", &["authn/jwt", "authn/jwks"]),
    // Of OpenTelemetry's crates one module has this name.
    ("tonic", &["transport/", "telemetry/traces/export"]),
    ("opentelemetry_sdk", &["telemetry/traces"]),
    ("opentelemetry_proto", &["telemetry/traces/export"]),
    ("std::env", &["config/environment"]),
    ("env::var", &["config/environment"]),
    ("process::exit", &[]),
    ("tokio::spawn", &["app"]),
    ("Permit::grant", &["pipeline"]),
];

fn sources() -> Vec<(String, String)> {
    sources_of("src")
}

/// The files of a folder of sources by their names, without tests and comments.
fn sources_of(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root.clone()];
    let mut files: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            (name, code(&fs::read_to_string(&file).unwrap()))
        })
        .collect()
}

/// The text without comments and without what comes after the first test module.
fn code(text: &str) -> String {
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    let text: Vec<&str> = lines.collect();
    let text = text.join("\n");
    match text.split_once("#[cfg(test)]\nmod tests {") {
        Some((before, _)) => before.to_owned(),
        None => text,
    }
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("tests/") || FOR_TESTS.contains(&file)
}

/// The modules of ours that a text names by `crate::`.
fn named(text: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for part in text.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            let mut at_start = true;
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        at_start = true;
                        continue;
                    }
                    _ => {}
                }
                if at_start && (c.is_alphanumeric() || c == '_') {
                    word.push(c);
                } else if !word.is_empty() {
                    all.insert(std::mem::take(&mut word));
                    at_start = false;
                }
            }
        } else {
            all.insert(
                part.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    all
}

#[test]
fn modules_use_only_what_they_may() {
    let mut broken = Vec::new();
    let sources = sources();
    assert!(sources.len() > 60, "the source was not found");
    for (file, text) in sources.iter().filter(|(file, _)| !is_test(file)) {
        let module = file.split(['/', '.']).next().unwrap();
        let allowed = MAY_USE
            .iter()
            .find(|(name, _)| *name == module)
            .unwrap_or_else(|| panic!("{file}: the module `{module}` has no rule yet"))
            .1;
        for used in named(text) {
            if used != module && !allowed.contains(&used.as_str()) {
                broken.push(format!("{file} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn each_library_has_its_only_users() {
    let mut broken = Vec::new();
    for (file, text) in sources().iter().filter(|(file, _)| !is_test(file)) {
        for (word, places) in ONLY_IN {
            let is_named = text.match_indices(word).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            });
            if is_named && !places.iter().any(|place| file.starts_with(place)) {
                broken.push(format!("{file} names {word}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn files_stay_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let long: Vec<String> = sources()
        .iter()
        .map(|(file, _)| {
            let lines = fs::read_to_string(root.join(file)).unwrap().lines().count();
            (file.clone(), lines)
        })
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

/// The libraries of their own, with words that they may not hold: each is of use without the rest.
const LIBRARIES: [(&str, &[&str]); 3] = [
    (
        "crates/ogc/src",
        &[
            "envoy",
            "tokio",
            "geowarden",
            "identity",
            "principal",
            "rego",
        ],
    ),
    (
        "crates/rego/src",
        // Nor the keys of the configuration, such as `policy.timeout`.
        &["envoy", "tokio", "ogc", "geowarden::", "`policy."],
    ),
    ("crates/yaml/src", &["geowarden::", "geowarden_rego"]),
];

/// The modules of `crates/rego` that must not name the engine: they make the texts that it is given.
const BEFORE_THE_ENGINE: [&str; 7] = [
    "core",
    "diagnostic",
    "lower",
    "parse",
    "resolve",
    "source",
    "translate",
];

#[test]
fn the_libraries_stand_alone() {
    for (folder, words) in LIBRARIES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for (file, text) in sources_of(folder) {
            for word in words {
                assert!(
                    is_test(&file) || !text.contains(word),
                    "{folder}/{file} names {word}"
                );
            }
            let lines = fs::read_to_string(root.join(&file))
                .unwrap()
                .lines()
                .count();
            assert!(lines <= 400, "split {folder}/{file}: {lines} lines");
        }
    }
}

#[test]
fn the_first_stages_do_not_name_the_engine() {
    for (file, text) in sources_of("crates/rego/src") {
        let stage = file.split(['/', '.']).next().unwrap();
        if BEFORE_THE_ENGINE.contains(&stage) {
            for word in ["regorus::", "crate::plan", "crate::run"] {
                assert!(!text.contains(word), "{file} names {word}");
            }
        }
    }
}
