//! Translates any text as a policy: the translation is valid Rego.
#![no_main]

use std::collections::BTreeMap;

use geowarden_rego::{parse::parse, source::Version, translate::{Written, translate}};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let texts = BTreeMap::from([("a.rego".to_owned(), text.to_owned())]);
    for version in [Version::V0, Version::V1] {
        let written = Written {
            texts: &texts,
            version,
            data: &Default::default(),
            entry: &[],
        };
        if let Ok(given) = translate(written, &|name| name.starts_with('i').then_some(1)) {
            for (name, text) in given.texts {
                parse(&name, &text, Version::V1).expect("what is printed can be read");
            }
        }
    }
});
