//! `check --watch`: again whenever a file that it reads changes, until it is interrupted.

use std::process::ExitCode;

use super::{super::watching, Check, CommandError, build, source};
use crate::files::Root;

pub(super) fn run(check: &Check) -> Result<ExitCode, CommandError> {
    watching::repeat(|| roots(check), || check.once())
}

/// All files and folders that are read.
fn roots(check: &Check) -> Vec<Root> {
    let named = [
        &check.config.config,
        &check.config.env_file,
        &check.pygeoapi_config,
        &check.envoy,
    ];
    let mut roots: Vec<Root> = named.into_iter().flatten().map(Root::file).collect();
    roots.extend(check.policy.as_deref().map(source::root));
    if let Ok(config) = check.load() {
        let parts = config.parts();
        roots.extend(parts.iter().flat_map(|part| build::roots(&part.config)));
    }
    roots
}
