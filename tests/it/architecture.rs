//! Checks the dependency rules of ARCHITECTURE.md in the source.

use std::{collections::BTreeSet, fs, path::Path};

use crate::source_code::Sources;

/// The modules of geowarden that each module may name. A module that is not listed may name none.
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
            "service_manager",
            "state",
            "supervision",
            "telemetry",
            "transport",
        ],
    ),
    ("authn", &["identity", "request", "status"]),
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
    ("config", &["authn", "files", "glyphs", "request"]),
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
            "identity",
            "pipeline",
            "policy",
            "record",
            "request",
            "service_manager",
            "state",
            "telemetry",
        ],
    ),
    ("request", &[]),
    ("response", &["pipeline", "record", "request", "status"]),
    ("running_pygeoapi", &["authn", "config"]),
    ("service_manager", &[]),
    ("state", &["config", "pipeline", "request"]),
    ("status", &[]),
    ("supervision", &["telemetry"]),
    (
        "telemetry",
        &["authn", "config", "glyphs", "record", "request"],
    ),
    (
        "transport",
        &[
            "admin",
            "authn",
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

/// Words that only these files may contain (paths below src, by prefix).
const ONLY_IN: [(&str, &[&str]); 16] = [
    ("geowarden_envoy_check", &["cli/check"]),
    ("hyper", &["transport/", "admin.rs"]),
    ("envoy_types", &["request/envoy", "response", "transport/"]),
    ("regorus", &[]),
    ("geowarden_ogc", &["request/"]),
    (
        "geowarden_rego",
        &["config/policy", "policy/", "reload", "cli/"],
    ),
    ("jsonwebtoken", &["authn/jwt", "authn/jwks"]),
    // One module of OpenTelemetry's crates has this name.
    ("tonic", &["transport/", "telemetry/traces/export"]),
    ("opentelemetry_sdk", &["telemetry/traces"]),
    ("opentelemetry_proto", &["telemetry/traces/export"]),
    ("std::env", &["config/environment"]),
    ("env::var", &["config/environment"]),
    ("process::exit", &[]),
    ("sd_notify", &["service_manager"]),
    ("tokio::spawn", &["app"]),
    ("Permit::grant", &["pipeline"]),
];

fn sources() -> Sources {
    Sources::of("src", is_test)
}

fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("tests/") || FOR_TESTS.contains(&file)
}

#[test]
fn modules_use_only_what_they_may() {
    let mut broken = Vec::new();
    let named = sources().named();
    assert!(named.len() > 60, "the source was not found");
    for (module, targets) in named {
        let first = module.first().map_or("lib", String::as_str);
        let allowed = MAY_USE
            .iter()
            .find(|(name, _)| *name == first)
            .unwrap_or_else(|| panic!("the module `{first}` has no rule yet"))
            .1;
        for target in targets {
            let used = target.first().map_or("lib", String::as_str);
            if used != first && used != "lib" && !allowed.contains(&used) {
                broken.push(format!("{} uses {}", module.join("::"), target.join("::")));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Each rule of [`MAY_USE`] must be needed. An unneeded one would allow a dependency that nobody notices.
#[test]
fn modules_may_use_nothing_that_they_do_not() {
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    for (module, targets) in sources().named() {
        let firsts = targets.iter().filter_map(|target| target.first());
        let module = module.first().cloned().unwrap_or_default();
        used.extend(firsts.map(|target| (module.clone(), target.clone())));
    }
    let mut unused = Vec::new();
    for (module, targets) in MAY_USE {
        let is_unused =
            |target: &&&str| !used.contains(&(module.to_owned(), (**target).to_owned()));
        let targets = targets.iter().filter(is_unused);
        unused.extend(targets.map(|target| format!("{module} no longer uses {target}")));
    }
    assert!(unused.is_empty(), "remove from the table: {unused:#?}");
}

#[test]
fn no_modules_name_each_other_in_a_circle() {
    for folder in [
        "src",
        "crates/envoy-check/src",
        "crates/ogc/src",
        "crates/rego/src",
        "crates/yaml/src",
        "bench/src",
    ] {
        let circles = Sources::of(folder, is_test).circles();
        assert!(circles.is_empty(), "{folder}: {circles:#?}");
    }
}

#[test]
fn each_library_has_its_only_users() {
    let mut broken = Vec::new();
    for (file, text) in &sources().files {
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
    let long: Vec<String> = Sources::of("src", |_| false)
        .files
        .into_keys()
        .map(|file| {
            let text = fs::read_to_string(root.join(&file)).unwrap();
            (file, text.lines().count())
        })
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these: {long:#?}");
}

/// The separate libraries, with words that they must not contain: each is useful without geowarden.
const LIBRARIES: [(&str, &[&str]); 4] = [
    ("crates/envoy-check/src", &["tokio", "rego", "geowarden::"]),
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
        // The keys of the configuration, such as `policy.timeout`, must not appear either.
        &["envoy", "tokio", "ogc", "geowarden::", "`policy."],
    ),
    ("crates/yaml/src", &["geowarden::", "geowarden_rego"]),
];

/// The modules of `crates/rego` that must not name the engine: they make the texts for it.
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
        for (file, text) in Sources::of(folder, |_| false).files {
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
    for (file, text) in Sources::of("crates/rego/src", |_| false).files {
        let stage = file.split(['/', '.']).next().unwrap();
        if BEFORE_THE_ENGINE.contains(&stage) {
            for word in ["regorus::", "crate::plan", "crate::run"] {
                assert!(!text.contains(word), "{file} names {word}");
            }
        }
    }
}
