//! The names, links and folders below the roots, with the marks that show whether a file has changed; no content.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::{Root, Selection, Unreadable, descriptors};

/// The largest number of links on the way to a file. The kernel has the same limit.
const MAX_LINKS: usize = 40;
/// The largest depth of nested folders.
const MAX_DEPTH: usize = 16;

/// The marks of a file or link. If its content changes, they change too, except within one tick of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    modified: (i64, i64),
    size: u64,
}

impl Stamp {
    pub(super) fn of(meta: &Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            changed: (meta.ctime(), meta.ctime_nsec()),
            modified: (meta.mtime(), meta.mtime_nsec()),
            size: meta.size(),
        }
    }

    /// The size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The time of the last change, by the clock of the file system.
    pub(super) fn changed(&self) -> SystemTime {
        let seconds = u64::try_from(self.changed.0).unwrap_or_default();
        let nanos = u32::try_from(self.changed.1).unwrap_or_default();
        UNIX_EPOCH + Duration::new(seconds, nanos)
    }
}

/// A regular file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    /// Its path with all links resolved.
    pub(super) real: PathBuf,
    pub(super) stamp: Stamp,
    /// The root whose limit its size counts for.
    pub(super) root: usize,
}

/// Everything at and below some roots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Outline {
    links: BTreeMap<PathBuf, (Stamp, PathBuf)>,
    folders: BTreeMap<PathBuf, Vec<OsString>>,
    /// The files by their requested path, or why there is none.
    pub(super) files: BTreeMap<PathBuf, Result<File, Unreadable>>,
}

impl Outline {
    pub(super) fn of(roots: &[Root]) -> Self {
        let mut outline = Self::default();
        for (index, root) in roots.iter().enumerate() {
            outline.look(&root.path, root.take, index, 0);
        }
        outline
    }

    /// How long until nothing has changed for `settle`; `None` if that is true now.
    pub(super) fn unsettled(&self, now: SystemTime, settle: Duration) -> Option<Duration> {
        let files = self.files.values().flatten().map(|file| file.stamp);
        let links = self.links.values().map(|(stamp, _)| *stamp);
        let latest = files.chain(links).map(|stamp| stamp.changed()).max()?;
        // A file system whose clock is ahead must not make this wait for ever.
        let age = now.duration_since(latest).ok()?;
        settle.checked_sub(age).filter(|rest| !rest.is_zero())
    }

    fn look(&mut self, path: &Path, take: Selection, root: usize, depth: usize) {
        let found = self
            .resolve(path)
            .and_then(|real| Ok((fs::symlink_metadata(&real)?, real)));
        let entry = match found {
            Err(error) => Err(error.into()),
            Ok((meta, real)) if meta.is_dir() && take != Selection::File => {
                match self.list(path, &real, take, root, depth) {
                    Ok(()) => return,
                    Err(error) => Err(error),
                }
            }
            Ok((meta, _)) if meta.is_dir() => {
                Err(Unreadable::because("expected a file, found a folder"))
            }
            Ok((meta, _)) if depth == 0 && take == Selection::Folder && meta.is_file() => {
                Err(Unreadable::because("expected a folder, found a file"))
            }
            Ok((meta, real)) if meta.is_file() => Ok(File {
                real,
                stamp: Stamp::of(&meta),
                root,
            }),
            // Reading a pipe or a device could block for ever.
            Ok(_) => Err(Unreadable::because("expected a regular file")),
        };
        self.files.insert(path.to_path_buf(), entry);
    }

    fn list(
        &mut self,
        path: &Path,
        real: &Path,
        take: Selection,
        root: usize,
        depth: usize,
    ) -> Result<(), Unreadable> {
        if depth > MAX_DEPTH {
            return Err(Unreadable::because("folders are nested too deep"));
        }
        let mut names = descriptors::with_one(|| {
            let entries = fs::read_dir(real)?;
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
        })?;
        names.sort();
        for name in &names {
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            let inner = path.join(name);
            let is_folder = fs::metadata(&inner).is_ok_and(|meta| meta.is_dir());
            match take {
                Selection::Tree { .. } if is_folder => self.look(&inner, take, root, depth + 1),
                Selection::Tree { endings, names } => {
                    let is_wanted =
                        names.contains(&name) || endings.iter().any(|e| name.ends_with(e));
                    if is_wanted {
                        self.look(&inner, take, root, depth + 1);
                    }
                }
                Selection::Folder if is_folder => {}
                Selection::Folder | Selection::File => {
                    self.look(&inner, Selection::File, root, depth + 1);
                    let leads_nowhere = |entry: &Result<File, Unreadable>| matches!(entry, Err(e) if e.is_missing());
                    if self.files.get(&inner).is_some_and(leads_nowhere) {
                        self.files.remove(&inner);
                    }
                }
            }
        }
        self.folders.insert(real.to_path_buf(), names);
        Ok(())
    }

    /// The path with all links resolved. A link that was resolved before keeps its target.
    fn resolve(&mut self, path: &Path) -> io::Result<PathBuf> {
        let mut real = PathBuf::new();
        let mut left = components(&std::path::absolute(path)?);
        let mut links = 0;
        while let Some(component) = left.pop() {
            match component.as_os_str().to_str() {
                Some("..") => {
                    real.pop();
                    continue;
                }
                Some(".") => continue,
                _ => real.push(&component),
            }
            let Some(target) = self.target(&real)? else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return Err(io::Error::other("too many links, or links in a circle"));
            }
            real.pop();
            left.extend(components(&target));
        }
        Ok(real)
    }

    fn target(&mut self, path: &Path) -> io::Result<Option<PathBuf>> {
        if let Some((_, target)) = self.links.get(path) {
            return Ok(Some(target.clone()));
        }
        let meta = fs::symlink_metadata(path)?;
        if !meta.is_symlink() {
            return Ok(None);
        }
        let target = fs::read_link(path)?;
        let link = (Stamp::of(&meta), target.clone());
        self.links.insert(path.to_path_buf(), link);
        Ok(Some(target))
    }
}

/// The components of a path, the last one first.
fn components(path: &Path) -> Vec<PathBuf> {
    let parts = path.components().rev().map(|part| match part {
        Component::RootDir | Component::Prefix(_) => PathBuf::from("/"),
        other => PathBuf::from(other.as_os_str()),
    });
    parts.collect()
}
