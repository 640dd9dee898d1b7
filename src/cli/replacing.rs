//! Files that are replaced whole: who reads meanwhile reads the old text or the new one.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    path::Path,
};

/// Puts a text in the place of that of a file, which keeps its owner, its group and its mode.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let file = fs::canonicalize(path)?;
    let folder = file.parent().unwrap_or(&file);
    let before = fs::metadata(&file)?;
    let mut aside = tempfile::Builder::new()
        .prefix(".geowarden-")
        .tempfile_in(folder)?;
    aside.write_all(text.as_bytes())?;
    let made = aside.as_file().metadata()?;
    if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
        fchown(aside.as_file(), Some(before.uid()), Some(before.gid()))?;
    }
    aside.as_file().set_permissions(before.permissions())?;
    aside.as_file().sync_all()?;
    aside.persist(&file)?;
    // The new name is on the disk too.
    File::open(folder)?.sync_all()
}

/// Makes a new file with a text, and with what the umask leaves of a mode. A file that is there already is an error, and stays.
pub(super) fn create(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut aside = tempfile::Builder::new()
        .prefix(".geowarden-")
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    aside.write_all(text.as_bytes())?;
    aside.as_file().sync_all()?;
    aside.persist_noclobber(path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_keeps_its_mode_and_a_link_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.yaml");
        let link = folder.path().join("link.yaml");
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("keys.yaml", &link).unwrap();
        replace(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(replace(&folder.path().join("none"), "").is_err());
        assert!(create(&file, "newer", 0o666).is_err());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        create(&folder.path().join("none"), "made", 0o640).unwrap();
        let mode = fs::metadata(folder.path().join("none")).unwrap();
        assert_eq!(mode.permissions().mode() & 0o137, 0);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
