//! `check --watch`: again whenever a file changes, until it is interrupted.

use std::{path::PathBuf, process::ExitCode};

use super::{super::watching, Check, CommandError, build};

pub(super) fn run(check: &Check) -> Result<ExitCode, CommandError> {
    watching::repeat(|| paths(check), || check.once())
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
