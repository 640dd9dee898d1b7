//! Writes the output folder, completely or not at all. Existing files are never replaced.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::super::CommandError;

/// Who may read a file: the owner, and the group that the service is in. The key file holds digests, Envoy's files secrets.
const FILE_MODE: u32 = 0o640;
const FOLDER_MODE: u32 = 0o750;

/// Files to be written.
pub(super) struct Folder {
    path: PathBuf,
    files: BTreeMap<String, String>,
}

impl Folder {
    /// A folder that may be there or not.
    pub(super) fn new(path: &Path) -> Result<Self, CommandError> {
        let path = std::path::absolute(path)
            .map_err(|error| CommandError::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path,
            files: BTreeMap::new(),
        })
    }

    /// Where it is, from the root on.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub(super) fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    pub(super) fn add(&mut self, name: &str, text: String) {
        self.files.insert(name.to_owned(), text);
    }

    /// The outermost files and folders that writing makes. The folder itself counts as made if nothing is in it yet.
    pub(super) fn made(&self) -> BTreeSet<PathBuf> {
        let is_empty = fs::read_dir(&self.path).is_ok_and(|mut all| all.next().is_none());
        if is_empty {
            return [self.path.clone()].into();
        }
        let outermost = |name: &String| {
            let file = self.path.join(name);
            let mut above: Vec<&Path> = file.ancestors().collect();
            above.reverse();
            let is_missing = |path: &&Path| path.symlink_metadata().is_err();
            let inside = above
                .into_iter()
                .filter(|path| path.starts_with(&self.path));
            inside.into_iter().find(is_missing).map(Path::to_owned)
        };
        self.files.keys().filter_map(outermost).collect()
    }

    /// The text of a file.
    #[cfg(test)]
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    /// The names of its files.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.keys().cloned().collect()
    }

    /// Writes all files. If one of them is there, none is written.
    pub(super) fn write(&self) -> Result<(), CommandError> {
        let taken: Vec<String> = self
            .files
            .keys()
            .filter(|name| self.path.join(name).symlink_metadata().is_ok())
            .map(|name| self.file(name))
            .collect();
        if !taken.is_empty() {
            return Err(CommandError::Usage(format!(
                "expected a folder without the files to write, found {}: name another folder, or move them away",
                taken.join(", ")
            )));
        }
        let mut written = Vec::new();
        let outcome = self.files.iter().try_for_each(|(name, text)| {
            let path = self.path.join(name);
            create(&path, text, &mut written)
                .map_err(|error| CommandError::Failed(format!("{}: {error}", path.display())))
        });
        if outcome.is_err() {
            for path in written {
                // What cannot be removed either is named by the first error.
                let _ = fs::remove_file(path);
            }
        }
        outcome
    }
}

fn create(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(folder)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    written.push(path.to_owned());
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_what_is_made_is_named_as_made() {
        let place = tempfile::tempdir().unwrap();
        let made = |path: &Path| {
            let mut folder = Folder::new(path).unwrap();
            folder.add("policies/authz.rego", "package a".to_owned());
            folder.add("geowarden.yaml", "server: {}".to_owned());
            folder.made().into_iter().collect::<Vec<_>>()
        };
        let path = place.path().join("maps");
        assert_eq!(made(&path), std::slice::from_ref(&path));
        fs::create_dir(&path).unwrap();
        assert_eq!(made(&path), std::slice::from_ref(&path));
        fs::write(path.join("site"), "").unwrap();
        assert_eq!(
            made(&path),
            [path.join("geowarden.yaml"), path.join("policies")]
        );
        fs::create_dir(path.join("policies")).unwrap();
        let all = [
            path.join("geowarden.yaml"),
            path.join("policies/authz.rego"),
        ];
        assert_eq!(made(&path), all);
    }

    #[test]
    fn nothing_is_written_where_one_file_is_there() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("maps");
        let mut folder = Folder::new(&path).unwrap();
        folder.add("policies/authz.rego", "package a".to_owned());
        folder.add("geowarden.yaml", "server: {}".to_owned());
        folder.write().unwrap();
        let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("geowarden.yaml") & !FILE_MODE, 0);
        assert_eq!(mode("policies") & !FOLDER_MODE, 0);

        fs::remove_file(path.join("policies/authz.rego")).unwrap();
        let error = folder.write().unwrap_err().to_string();
        assert!(error.contains("maps/geowarden.yaml"), "{error}");
        assert!(!path.join("policies/authz.rego").exists());
    }
}
