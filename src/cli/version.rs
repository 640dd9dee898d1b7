//! `geowarden version`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CommandError, print, print_json};

#[derive(Debug, Args)]
pub(super) struct Version {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Version {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let version = env!("CARGO_PKG_VERSION");
        if self.json {
            print_json(&json!({"name": "geowarden", "version": version, "rego": "v1"}))?;
        } else {
            print(&format!("geowarden {version}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
