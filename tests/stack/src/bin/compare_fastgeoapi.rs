//! `make compare-fastgeoapi`: sends the same requests to a real fastgeoapi and to geowarden, with the same `.env`.

use std::io::Write;
use std::process::ExitCode;

use geowarden_stack::compare;

#[tokio::main]
async fn main() -> ExitCode {
    match compare::run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // If standard error is closed, the error cannot be shown.
            let _ = writeln!(std::io::stderr(), "compare-fastgeoapi: {error}");
            ExitCode::FAILURE
        }
    }
}
