//! Copies and lists folders with all files below them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// Copies the content of a folder into another one, which is created if it does not exist.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("copying {}", from.display());
    fs::create_dir_all(to).map_err(Error::io(failed()))?;
    for entry in fs::read_dir(from).map_err(Error::io(failed()))? {
        let entry = entry.map_err(Error::io(failed()))?;
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &place)?;
        } else {
            fs::copy(entry.path(), place).map_err(Error::io(failed()))?;
        }
    }
    Ok(())
}

/// The files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("reading {}", folder.display());
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io(failed()))? {
        let path = entry.map_err(Error::io(failed()))?.path();
        if path.is_dir() {
            all.extend(files(&path)?);
        } else {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}
