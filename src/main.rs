//! The command line: parse it, run it, map its end to an exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match geowarden::cli::Arguments::try_parse() {
        Ok(arguments) => geowarden::cli::run(arguments),
        Err(error) => geowarden::cli::usage_error(&error),
    }
}
