//! `geowarden schema`.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{CommandError, print_json};
use crate::policy::input;

#[derive(Debug, Args)]
pub(super) struct Schema {
    /// Print that of the `input` of policies instead, for OPA, Regal and editors
    #[arg(long)]
    input: bool,
    /// The shape of `input`, as `policy.input`
    #[arg(long, value_enum, requires = "input", default_value_t)]
    shape: Shape,
}

/// A shape of `input`.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Shape {
    /// geowarden's own
    #[default]
    Native,
    /// fastgeoapi's
    Fastgeoapi,
}

impl Schema {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let shape = match self.shape {
            Shape::Native => input::Shape::Native,
            Shape::Fastgeoapi => input::Shape::Fastgeoapi { skip: 0 },
        };
        if self.input {
            print_json(&shape.schema())?;
        } else {
            print_json(&crate::config::schema())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
