//! `geowarden man`: the manual pages, one a command, for packages.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Arguments, CommandError};

#[derive(Debug, Args)]
pub(super) struct Manual {
    /// The folder to write them to, such as man/man1
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Manual {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut root = Arguments::command().disable_help_subcommand(true);
        // Only now do the subcommands have their whole names and the flags of their parents.
        root.build();
        fs::create_dir_all(&self.folder)
            .and_then(|()| self.write(&root))
            .map_err(|error| CommandError::Failed(format!("{}: {error}", self.folder.display())))?;
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the page of a command, and those of its subcommands.
    fn write(&self, command: &Command) -> std::io::Result<()> {
        Man::new(command.clone())
            .source(concat!("geowarden ", env!("CARGO_PKG_VERSION")))
            .manual("geowarden")
            .generate_to(&self.folder)?;
        command
            .get_subcommands()
            .filter(|inner| !inner.is_hide_set())
            .try_for_each(|inner| self.write(inner))
    }
}
