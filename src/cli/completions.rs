//! `geowarden completions`: what a shell needs to complete the command line.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments, CommandError};

const EXPLANATION: &str = "\
Write it where the shell looks for it:
  geowarden completions bash \\
    > ~/.local/share/bash-completion/completions/geowarden
  geowarden completions zsh > ~/.zfunc/_geowarden          # a folder of $fpath
  geowarden completions fish > ~/.config/fish/completions/geowarden.fish";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLANATION)]
pub(super) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<ExitCode, CommandError> {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::command(),
            "geowarden",
            &mut script,
        );
        io::stdout().lock().write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
