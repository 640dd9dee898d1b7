//! The command line: parse it, run it, map its end to an exit code.

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

/// A decision makes some hundred small allocations; docs/performance.md has what each allocator takes for them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match geowarden::cli::Arguments::try_parse() {
        Ok(arguments) => geowarden::cli::run(arguments),
        Err(error) => geowarden::cli::usage_error(&error),
    }
}
