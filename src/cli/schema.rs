//! `geowarden schema`.

use std::process::ExitCode;

use clap::Args;

use super::{CommandError, print_json};

#[derive(Debug, Args)]
pub(super) struct Schema {}

impl Schema {
    #[allow(clippy::unused_self)]
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        print_json(&crate::config::schema())?;
        Ok(ExitCode::SUCCESS)
    }
}
