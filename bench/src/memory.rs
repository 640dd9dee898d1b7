//! The memory of a process.

use std::fs;

use crate::{Error, Result};

/// The resident memory in KiB: `VmRSS` of `/proc/PID/status`.
pub(crate) fn resident_kib(pid: u32) -> Result<u32> {
    let file = format!("/proc/{pid}/status");
    let text = fs::read_to_string(&file).map_err(Error::io(format!("reading {file}")))?;
    text.lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
        .and_then(|figure| figure.trim().parse().ok())
        .ok_or_else(|| Error::unexpected(file, "expected VmRSS in kB"))
}
