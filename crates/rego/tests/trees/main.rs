//! The trees of the parser, held against those of regorus's own, on every written policy that both take.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod parsed_text;
mod regorus_text;

use std::{collections::BTreeSet, path::Path};

use geowarden_rego::{parse::parse, source::Version};
use serde_json::Value;

/// What regorus reads otherwise than OPA: a line that begins with a parenthesis as the arguments of a call, a body that is a
/// comprehension as statements, and `f() := ..` as a function.
const READ_OTHERWISE: [&str; 3] = ["\n\t(", "if {\n\t{input.a} | {input.b}", "f() :="];

/// The texts of the written policies, with the version of each.
fn texts() -> BTreeSet<(String, bool)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/rego.jsonl");
    let lines = std::fs::read_to_string(path).unwrap();
    let mut all = BTreeSet::new();
    for line in lines.split('\n').filter(|line| !line.is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        for text in case["modules"].as_object().unwrap().values() {
            all.insert((text.as_str().unwrap().to_owned(), case["rego"] == "v0"));
        }
    }
    all
}

#[test]
fn both_parsers_make_the_same_trees() {
    let mut met = 0;
    let mut different: Vec<String> = Vec::new();
    for (text, is_old) in texts() {
        let version = if is_old { Version::V0 } else { Version::V1 };
        let (Ok(parsed), Some(expected)) = (
            parse("a.rego", &text, version),
            regorus_text::rules(&text, is_old),
        ) else {
            continue;
        };
        // regorus has no `not` of `future.keywords`, and reads `not {` as a set.
        if parsed.negates_undefined {
            continue;
        }
        if READ_OTHERWISE.iter().any(|part| text.contains(part)) {
            continue;
        }
        met += 1;
        let found = parsed_text::rules(&parsed);
        if found != expected {
            different.push(format!(
                "{text}\nfound\n{found:#?}\nof regorus\n{expected:#?}"
            ));
        }
    }
    assert!(met > 700, "only {met} texts are taken by both");
    assert!(
        different.is_empty(),
        "{} of {met}:\n{}",
        different.len(),
        different.join("\n\n")
    );
}
