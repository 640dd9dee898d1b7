//! Any text as a policy: what is translated is Rego again.
#![no_main]

use std::collections::BTreeMap;

use geowarden_rego::{parse::parse, source::Version, translate::translate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let texts = BTreeMap::from([("a.rego".to_owned(), text.to_owned())]);
    for version in [Version::V0, Version::V1] {
        if let Ok(made) = translate(&texts, version, &|name| name.starts_with('i').then_some(1)) {
            for (name, text) in made {
                parse(&name, &text, Version::V1).expect("what is printed can be read");
            }
        }
    }
});
