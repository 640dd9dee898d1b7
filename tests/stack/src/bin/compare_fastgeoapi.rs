//! `make compare-fastgeoapi`: the same requests to a real fastgeoapi and to geowarden, started with the same `.env`.

use std::io::Write;
use std::process::ExitCode;

use geowarden_stack::compare;

#[tokio::main]
async fn main() -> ExitCode {
    match compare::run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nothing is left to be done when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "compare-fastgeoapi: {error}");
            ExitCode::FAILURE
        }
    }
}
