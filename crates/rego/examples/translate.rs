//! Shows the forms that a policy becomes: `cargo run --example translate FILE..`.
#![allow(clippy::print_stdout)]

use std::{collections::BTreeMap, env, fs, process::ExitCode};

use geowarden_rego::{source::Version, translate::translate};

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
    match translate(&texts, Version::V1, &builtin) {
        Ok(all) => {
            for (name, text) in all {
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
