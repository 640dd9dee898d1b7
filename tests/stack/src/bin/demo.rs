//! `make demo`: everything running, and a tour of what geowarden lets through and why.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use geowarden_stack::demo::{self, Options};

#[tokio::main]
async fn main() -> ExitCode {
    match demo::run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to be done when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "geowarden-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
