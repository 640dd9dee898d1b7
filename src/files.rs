//! Reads files as they were at one moment. Everything that is built from them is built from this one reading.
//!
//! Every link is resolved once. So behind a link such as the `..data` of a mounted ConfigMap, all files are of one
//! generation. A reading is valid only if nothing changed while it was made. Otherwise all files are read again.

pub mod descriptors;
mod file_states;
mod outline;
mod reading;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use thiserror::Error;

pub use self::file_states::FileStates;
use self::outline::Outline;

/// The most bytes that are read from one root and the files below it.
const MAX_BYTES: u64 = 64 << 20;
/// How long changing files are read again.
const RETRY_LIMIT: Duration = Duration::from_secs(3);
/// The same limit for readings that must be quick.
const QUICK_LIMIT: Duration = Duration::from_millis(300);
/// A change within this time may be incomplete. It is longer than the clock tick of any file system.
pub const SETTLE_TIME: Duration = Duration::from_millis(100);

/// A path to read, and which files of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// A file or a folder.
    pub path: PathBuf,
    /// Which files are read there.
    pub take: Selection,
}

/// Which files are read at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selection {
    /// The file.
    File,
    /// The files of a folder whose names do not begin with a dot. A broken link is ignored.
    Folder,
    /// The files of a folder and its subfolders, but only with these extensions or names. If the path is a file, that
    /// file. A broken link is an error.
    Tree {
        /// The extensions of the files.
        endings: &'static [&'static str],
        /// The complete names of further files.
        names: &'static [&'static str],
    },
}

impl Root {
    /// A root that is a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let (path, take) = (path.into(), Selection::File);
        Self { path, take }
    }

    /// A root that is a folder.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let (path, take) = (path.into(), Selection::Folder);
        Self { path, take }
    }
}

/// Why a file has no content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot be read: {text}")]
pub struct Unreadable {
    /// The kind of the system's error.
    pub kind: io::ErrorKind,
    text: String,
}

impl Unreadable {
    fn because(text: impl Into<String>) -> Self {
        Self {
            kind: io::ErrorKind::Other,
            text: text.into(),
        }
    }

    /// Whether there is no such file.
    pub fn is_missing(&self) -> bool {
        self.kind == io::ErrorKind::NotFound
    }
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self {
            kind: error.kind(),
            text: error.to_string(),
        }
    }
}

/// The files changed during every reading.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the files changed while they were read, {tries} times in {} s: replace them as a whole, as `mv` or a ConfigMap does",
    RETRY_LIMIT.as_secs()
)]
pub struct Unsettled {
    tries: u32,
}

/// Whether files that have just changed may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// They may be read at once.
    Read,
    /// Only once nothing has changed for [`SETTLE_TIME`]: another file of the same change may follow.
    Wait,
}

/// The files that were read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    roots: Vec<Root>,
    outline: Outline,
    content: BTreeMap<PathBuf, Result<Arc<[u8]>, Unreadable>>,
    read_at: Option<SystemTime>,
}

impl Files {
    /// Reads everything at and below `roots`. A file that cannot be read is not an error here: its error is stored with
    /// it.
    pub fn read(roots: &[Root], fresh: Fresh) -> Result<Self, Unsettled> {
        Self::read_within(roots, fresh, RETRY_LIMIT)
    }

    /// Like `read`, but quick: files that keep changing are read as they are.
    pub fn read_soon(roots: &[Root]) -> Result<Self, Unsettled> {
        Self::read_within(roots, Fresh::Wait, QUICK_LIMIT)
            .or_else(|_| Self::read(roots, Fresh::Read))
    }

    fn read_within(roots: &[Root], fresh: Fresh, patience: Duration) -> Result<Self, Unsettled> {
        Self::settled(patience, fresh, || Self::attempt(roots, fresh))
    }

    /// Returns the first valid reading. A reading that is not valid says how long to wait before the next.
    fn settled(
        patience: Duration,
        fresh: Fresh,
        mut attempt: impl FnMut() -> Result<Self, Duration>,
    ) -> Result<Self, Unsettled> {
        let begun = Instant::now();
        let mut missed = None;
        let mut tries = 0;
        loop {
            tries += 1;
            let pause = match attempt() {
                Ok(files) if fresh == Fresh::Wait && files.is_missing_a_root() => {
                    // Between two renames a file is missing for a moment.
                    let since: Instant = *missed.get_or_insert_with(Instant::now);
                    match SETTLE_TIME.checked_sub(since.elapsed()) {
                        Some(rest) => rest,
                        None => return Ok(files),
                    }
                }
                Ok(files) => return Ok(files),
                Err(pause) => {
                    missed = None;
                    pause
                }
            };
            if begun.elapsed() + pause > patience {
                return Err(Unsettled { tries });
            }
            thread::sleep(pause);
        }
    }

    /// Reads once, or returns how long to wait before the next reading.
    fn attempt(roots: &[Root], fresh: Fresh) -> Result<Self, Duration> {
        const RETRY_PAUSE: Duration = Duration::from_millis(1);
        let outline = Outline::of(roots);
        if fresh == Fresh::Wait
            && let Some(rest) = outline.unsettled(SystemTime::now(), SETTLE_TIME)
        {
            return Err(rest.max(RETRY_PAUSE));
        }
        let read_at = SystemTime::now();
        let content = reading::content(&outline);
        // Two changes within one clock tick look the same, so recent files are read a second time.
        let is_same = reading::young(&outline, read_at)
            .all(|(path, file)| content.get(path) == Some(&reading::whole(file)));
        if !is_same || Outline::of(roots) != outline {
            return Err(RETRY_PAUSE);
        }
        Ok(Self {
            roots: roots.to_vec(),
            outline,
            content,
            read_at: Some(read_at),
        })
    }

    /// The bytes of a file.
    pub fn bytes(&self, path: &Path) -> Result<&[u8], Unreadable> {
        match self.content.get(path) {
            Some(Ok(bytes)) => Ok(bytes),
            Some(Err(error)) => Err(error.clone()),
            None => Err(Unreadable::because(
                "it is not among the files that were read",
            )),
        }
    }

    /// The text of a file.
    pub fn text(&self, path: &Path) -> Result<&str, Unreadable> {
        std::str::from_utf8(self.bytes(path)?).map_err(|_| Unreadable {
            kind: io::ErrorKind::InvalidData,
            text: "expected UTF-8".to_owned(),
        })
    }

    /// The files below a folder, each with its path, sorted; or the error of the folder if it could not be listed.
    pub fn below<'a>(
        &'a self,
        folder: &'a Path,
    ) -> Result<impl Iterator<Item = &'a Path>, Unreadable> {
        if let Some(Err(error)) = self.content.get(folder) {
            return Err(error.clone());
        }
        let paths = self.content.keys().map(PathBuf::as_path);
        Ok(paths.filter(move |path| path.starts_with(folder)))
    }

    /// Whether one of the roots does not exist.
    pub fn is_missing_a_root(&self) -> bool {
        let content = |root: &Root| self.content.get(&root.path);
        let mut all = self.roots.iter().filter_map(content);
        all.any(|content| content.as_ref().is_err_and(Unreadable::is_missing))
    }

    /// What is needed to detect later changes. The content is dropped.
    pub fn file_states(&self) -> FileStates {
        let content = self.content.iter().filter_map(|(path, content)| {
            let content = content.as_ref().ok()?;
            Some((path.as_path(), &**content))
        });
        FileStates::new(&self.roots, &self.outline, content, self.read_at)
    }
}

/// Reads one file on its own.
pub fn read_one(path: &Path) -> Result<Arc<[u8]>, Unreadable> {
    let files = Files::read(&[Root::file(path)], Fresh::Read)
        .map_err(|error| Unreadable::because(error.to_string()))?;
    let content = files.content.into_values().next();
    content.unwrap_or_else(|| Err(Unreadable::because("nothing was read")))
}

#[cfg(test)]
mod tests;
