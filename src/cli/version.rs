//! `geowarden version`.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{
    CommandError,
    format::{Format, FormatArguments},
    print, print_json,
};

#[derive(Debug, Args)]
pub(super) struct Version {
    #[command(flatten)]
    format: FormatArguments,
}

impl Version {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let version = env!("CARGO_PKG_VERSION");
        if self.format.is(Format::Json) {
            print_json(&json!({"name": "geowarden", "version": version, "rego": "v1"}))?;
        } else {
            print(&format!("geowarden {version}\n"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
