//! How a command prints what it found: `--format`, and `--json` for JSON.

use clap::{Args, ValueEnum};

/// The formats of a command, of which JSON is one.
pub(super) trait Formats:
    ValueEnum + Copy + Default + PartialEq + Send + Sync + 'static
{
    /// JSON.
    const JSON: Self;
}

/// The formats of most commands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

impl Formats for Format {
    const JSON: Self = Self::Json;
}

/// Chooses how a command prints.
#[derive(Debug, Clone, Args)]
pub(super) struct FormatArguments<F: Formats = Format> {
    /// How to print
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: F,
    /// Print JSON, as `--format json`
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl<F: Formats> FormatArguments<F> {
    /// The format that was chosen.
    pub(super) fn chosen(&self) -> F {
        if self.json { F::JSON } else { self.format }
    }

    /// Whether this format was chosen.
    pub(super) fn is(&self, format: F) -> bool {
        self.chosen() == format
    }
}
