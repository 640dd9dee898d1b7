//! `--watch`: a command once more whenever a file that it reads changes, until it is interrupted.

use std::{process::ExitCode, time::Duration};

use super::{CommandError, print, running};
use crate::{
    files::{FileStates, Files, Fresh, Root, SETTLE_TIME},
    reload::Watcher,
};

/// How long nothing may be heard until files are looked at all the same: some file systems send no events.
const LOOK: Duration = Duration::from_hours(1);

/// Runs `once` now, and again after each change of the files of `roots`.
pub(super) fn repeat(
    roots: impl Fn() -> Vec<Root>,
    once: impl Fn() -> Result<ExitCode, CommandError>,
) -> Result<ExitCode, CommandError> {
    let runtime = running::runtime()?;
    loop {
        // Watched and looked at before they are read, so that no change is missed.
        let roots = roots();
        let watcher = Watcher::new(roots.iter().map(|root| root.path.clone()).collect());
        let mut events = watcher.events();
        let mut seen = states(&roots);
        match once() {
            Ok(_) => {}
            // Nobody reads any more.
            Err(CommandError::Output(error)) => return Err(error.into()),
            // The next change may mend it.
            Err(error) => error.print(),
        }
        print("watching for changes\n")?;
        loop {
            runtime.block_on(events.changed(SETTLE_TIME, LOOK));
            // What is heard may be of another file in the same folder.
            if !seen.is_current() {
                break;
            }
        }
    }
}

/// The files as they are now. Files that keep changing have no state, and are not current.
fn states(roots: &[Root]) -> FileStates {
    Files::read(roots, Fresh::Read)
        .map_or_else(|_| FileStates::default(), |files| files.file_states())
}
