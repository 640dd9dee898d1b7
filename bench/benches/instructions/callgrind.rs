//! Counts the instructions of a case: it runs this program again, under callgrind.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{COUNTED, Failure};

/// callgrind only counts inside of this function.
const FUNCTION: &str = "*count_requests*";

/// The path of a case's profile.
pub(super) fn profile(case: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("callgrind.{case}"))
}

/// The number of instructions for each request.
pub(super) fn count(case: &str) -> Result<u64, Failure> {
    let profile = profile(case);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--toggle-collect={FUNCTION}"))
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(std::env::current_exe()?)
        .args(["run", case])
        .output()
        .map_err(|e| {
            format!("valgrind cannot be run ({e}): `tests/tools/install.sh valgrind` installs it")
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{case} under valgrind: {}\n{said}", output.status).into());
    }
    let text = fs::read_to_string(&profile)?;
    let total = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = total
        .ok_or("callgrind has written no total")?
        .trim()
        .parse()?;
    match total / u64::from(COUNTED) {
        0 => Err(format!("callgrind has met no function {FUNCTION}").into()),
        each => Ok(each),
    }
}
