//! Shows the forms that a policy becomes: `cargo run --example translate FILE..`.
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, env, fs, process::ExitCode};

use geowarden_rego::{
    source::Version,
    translate::{Written, translate},
};

fn main() -> ExitCode {
    let mut texts = BTreeMap::new();
    for file in env::args().skip(1) {
        match fs::read_to_string(&file) {
            Ok(text) => texts.insert(file, text),
            Err(error) => {
                println!("{file}: {error}");
                return ExitCode::from(64);
            }
        };
    }
    // Any built-in: as many arguments as most have.
    let builtin = |name: &str| (name.contains('.') || name.starts_with("is_")).then_some(1);
    let data = serde_json::Map::new();
    let written = Written {
        texts: &texts,
        version: Version::V1,
        data: &data,
        entry: &[],
    };
    match translate(written, &builtin) {
        Ok(given) => {
            for (name, text) in given.texts {
                println!("# {name}\n{text}");
            }
            ExitCode::SUCCESS
        }
        Err(faults) => {
            for fault in faults {
                println!("{fault}");
            }
            ExitCode::from(64)
        }
    }
}
