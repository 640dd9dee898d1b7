//! `check --watch`: again whenever a file changes, until it is interrupted.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use super::{Check, CommandError, build, print, running};
use crate::{files::SETTLE_TIME, reload::Watcher};

/// How long nothing may be heard until files are looked at all the same: some file systems send no events.
const LOOK: Duration = Duration::from_hours(1);

pub(super) fn run(check: &Check) -> Result<ExitCode, CommandError> {
    running::runtime()?.block_on(async {
        loop {
            // Watched before they are read, so that no change is missed.
            let watcher = Watcher::new(paths(check));
            let mut events = watcher.events();
            check.once()?;
            print("watching for changes\n")?;
            events.changed(SETTLE_TIME, LOOK).await;
        }
    })
}

/// All files and folders that are read.
fn paths(check: &Check) -> Vec<PathBuf> {
    let named = [
        &check.config.config,
        &check.config.env_file,
        &check.policy,
        &check.pygeoapi_config,
        &check.envoy,
    ];
    let mut paths: Vec<PathBuf> = named.into_iter().flatten().cloned().collect();
    if let Ok(config) = check.load() {
        for part in config.parts() {
            let roots = build::roots(&part.config);
            paths.extend(roots.into_iter().map(|root| root.path));
        }
    }
    paths
}
