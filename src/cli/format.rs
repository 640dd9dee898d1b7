//! How a command prints what it found.

use clap::{Args, ValueEnum};

/// How a command prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Chooses how a command prints.
#[derive(Debug, Clone, Args)]
pub(super) struct FormatArguments {
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
    /// Print JSON, as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl FormatArguments {
    /// Whether this format was chosen.
    pub(super) fn is(&self, format: Format) -> bool {
        if self.json {
            format == Format::Json
        } else {
            self.format == format
        }
    }
}
