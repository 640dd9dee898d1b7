//! Parses the command line, runs the command and returns its exit code.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A decision makes about a hundred small allocations. docs/performance.md compares the allocators.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match geowarden::cli::Arguments::try_parse() {
        Ok(arguments) => geowarden::cli::run(arguments),
        Err(error) => geowarden::cli::usage_error(&error),
    }
}
