//! `make demo`: starts all components, and shows which requests geowarden allows and why.

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
            // If standard error is closed, the error cannot be shown.
            let _ = writeln!(std::io::stderr(), "geowarden-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
