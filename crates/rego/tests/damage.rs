//! The written policies of the project, as they are and damaged: nothing panics, and what is translated is Rego again.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use geowarden_rego::{
    parse::parse,
    source::Version,
    translate::{Written, translate},
};

/// The policies of the written cases, with the version of each.
fn policies() -> Vec<(BTreeMap<String, String>, Version)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/corpus/rego.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let cases = lines
        .split('\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let modules = case.get("modules").and_then(|m| m.as_object()).unwrap();
            let texts = modules
                .iter()
                .map(|(name, text)| (name.clone(), text.as_str().unwrap().to_owned()));
            let is_old = case.get("rego").is_some_and(|version| version == "v0");
            let version = if is_old { Version::V0 } else { Version::V1 };
            (texts.collect(), version)
        });
    cases.collect()
}

/// Translates a policy, reads again what was made, and tells whether there was any.
fn is_translated(texts: &BTreeMap<String, String>, version: Version) -> bool {
    // Any built-in that is asked for, with as many arguments as most have.
    let builtin = |name: &str| (!name.starts_with("no")).then_some(1);
    let data = serde_json::Map::new();
    let written = Written {
        texts,
        version,
        data: &data,
        entry: &[],
    };
    match translate(written, &builtin) {
        Ok(given) => {
            for (name, text) in given.texts {
                if let Err(faults) = parse(&name, &text, Version::V1) {
                    panic!("{faults:?}\n{texts:?}\n{text}");
                }
            }
            true
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            false
        }
    }
}

#[test]
fn what_is_translated_can_be_read_again() {
    let policies = policies();
    let read = policies
        .iter()
        .filter(|(texts, version)| is_translated(texts, *version));
    assert!(read.count() > 500);
}

#[test]
fn damaged_policies_are_read_or_told() {
    // xorshift64, so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "|",
        ":=",
        "=",
        "not ",
        "some ",
        "every x in ",
        " in ",
        "\n",
        ";",
        ",",
        ".",
        "_",
        "if ",
        "else ",
        "with input as ",
        "$\"{",
        "`",
        "\"",
        "1",
        "x",
        "data.p",
        "contains ",
    ];
    for (texts, version) in policies() {
        for _ in 0..4 {
            let mut damaged = texts.clone();
            for text in damaged.values_mut() {
                for _ in 0..=random(2) {
                    let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                    let at = places
                        .get(random(places.len()))
                        .copied()
                        .unwrap_or_default();
                    let piece = pieces
                        .get(random(pieces.len()))
                        .copied()
                        .unwrap_or_default();
                    if random(2) == 0 {
                        text.insert_str(at, piece);
                    } else {
                        text.remove(at);
                    }
                }
            }
            is_translated(&damaged, version);
        }
    }
}
