//! `--watch`: a command once more whenever a file changes, until it is interrupted.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use super::{CommandError, print, running};
use crate::{files::SETTLE_TIME, reload::Watcher};

/// How long nothing may be heard until files are looked at all the same: some file systems send no events.
const LOOK: Duration = Duration::from_hours(1);

/// Runs `once` now, and again after each change of `paths`, or of what is below them.
pub(super) fn repeat(
    paths: impl Fn() -> Vec<PathBuf>,
    once: impl Fn() -> Result<ExitCode, CommandError>,
) -> Result<ExitCode, CommandError> {
    let runtime = running::runtime()?;
    loop {
        // Watched before they are read, so that no change is missed.
        let watcher = Watcher::new(paths());
        let mut events = watcher.events();
        match once() {
            Ok(_) => {}
            // Nobody reads any more.
            Err(CommandError::Output(error)) => return Err(error.into()),
            // The next change may mend it.
            Err(error) => error.print(),
        }
        print("watching for changes\n")?;
        runtime.block_on(events.changed(SETTLE_TIME, LOOK));
    }
}
