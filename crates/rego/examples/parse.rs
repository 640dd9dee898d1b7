//! Reads files and tells what is wrong with them: `cargo run --example parse [--v0] FILE..`.
#![allow(clippy::print_stdout)]

use std::{env, fs, process::ExitCode};

use geowarden_rego::{parse::parse, source::Version};

fn main() -> ExitCode {
    let mut version = Version::V1;
    let mut faults = 0;
    for argument in env::args().skip(1) {
        if argument == "--v0" {
            version = Version::V0;
            continue;
        }
        match fs::read_to_string(&argument) {
            Ok(text) => match parse(&argument, &text, version) {
                Ok(module) => println!("{argument}: {} rules", module.rules.len()),
                Err(told) => {
                    faults += told.len();
                    for fault in told {
                        println!("{fault}");
                    }
                }
            },
            Err(error) => {
                faults += 1;
                println!("{argument}: {error}");
            }
        }
    }
    if faults == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(64)
    }
}
