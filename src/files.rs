//! Files as they stood at one moment: everything that is built from them is built from this one reading.
//!
//! Every link is resolved once, so that behind a link such as the `..data` of a mounted ConfigMap one generation is read,
//! whole. What was read counts only if nothing has changed from before the reading until after it; else all is read again.

pub mod descriptors;
mod outline;
mod reading;
mod seen;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use thiserror::Error;

use self::outline::Outline;
pub use self::seen::Seen;

/// More than this, in bytes, is not read of one path and what is below it.
const MAX_BYTES: u64 = 64 << 20;
/// For so long files that change are read again.
const PATIENCE: Duration = Duration::from_secs(3);
/// For so long what must not wait long may wait.
const SOON: Duration = Duration::from_millis(300);
/// What has changed within this time may be half of a change. It is also longer than the clock tick of any file system.
pub const SETTLE: Duration = Duration::from_millis(100);

/// A path that is read, and what of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Root {
    /// A file or a folder.
    pub path: PathBuf,
    /// What is read there.
    pub take: Take,
}

/// What is read at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Take {
    /// The file.
    File,
    /// The files of a folder whose names do not begin with a dot. A link that leads nowhere is ignored.
    Folder,
    /// The same of the folders in it too, but only files of these endings or names; or the file, where it is one. A link that
    /// leads nowhere is an error.
    Tree {
        /// How a name may end.
        endings: &'static [&'static str],
        /// Whole names.
        names: &'static [&'static str],
    },
}

impl Root {
    /// A file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let (path, take) = (path.into(), Take::File);
        Self { path, take }
    }

    /// A folder of files.
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let (path, take) = (path.into(), Take::Folder);
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

/// The files never stood still.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the files changed again and again while they were read, {tries} times in {} s; replace them whole, as `mv` or a ConfigMap does",
    PATIENCE.as_secs()
)]
pub struct Unsettled {
    tries: u32,
}

/// Whether what has only just changed may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fresh {
    /// At once.
    Read,
    /// Only once nothing has changed for [`SETTLE`]: the next file of the same change may be on its way.
    Wait,
}

/// What was read.
#[derive(Debug, Clone, Default)]
pub struct Files {
    roots: Vec<Root>,
    outline: Outline,
    content: BTreeMap<PathBuf, Result<Arc<[u8]>, Unreadable>>,
    read_at: Option<SystemTime>,
}

impl Files {
    /// Reads everything at and below `roots`. A file that cannot be read is no error here: it is one of that file.
    pub fn read(roots: &[Root], fresh: Fresh) -> Result<Self, Unsettled> {
        Self::read_within(roots, fresh, PATIENCE)
    }

    /// The same for what must not wait long: files that do not rest soon are read as they are.
    pub fn read_soon(roots: &[Root]) -> Result<Self, Unsettled> {
        Self::read_within(roots, Fresh::Wait, SOON).or_else(|_| Self::read(roots, Fresh::Read))
    }

    fn read_within(roots: &[Root], fresh: Fresh, patience: Duration) -> Result<Self, Unsettled> {
        Self::settled(patience, fresh, || Self::attempt(roots, fresh))
    }

    /// The first attempt that counts; one that does not says how long to wait before the next.
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
                    match SETTLE.checked_sub(since.elapsed()) {
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

    /// One reading, or how long to wait before the next.
    fn attempt(roots: &[Root], fresh: Fresh) -> Result<Self, Duration> {
        const AGAIN: Duration = Duration::from_millis(1);
        let outline = Outline::of(roots);
        if fresh == Fresh::Wait
            && let Some(rest) = outline.unsettled(SystemTime::now(), SETTLE)
        {
            return Err(rest.max(AGAIN));
        }
        let read_at = SystemTime::now();
        let content = reading::content(&outline);
        // A clock tick may hide a change: what is that new is read a second time.
        let is_same = reading::young(&outline, read_at)
            .all(|(path, file)| content.get(path) == Some(&reading::whole(file)));
        if !is_same || Outline::of(roots) != outline {
            return Err(AGAIN);
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
            None => Err(Unreadable::because("it was not read with the others")),
        }
    }

    /// The text of a file.
    pub fn text(&self, path: &Path) -> Result<&str, Unreadable> {
        std::str::from_utf8(self.bytes(path)?).map_err(|_| Unreadable {
            kind: io::ErrorKind::InvalidData,
            text: "expected UTF-8".to_owned(),
        })
    }

    /// The files below a folder, each by its path, in order; the folder's own error where it could not be listed.
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

    /// Whether one of the paths that were asked for is not there.
    pub fn is_missing_a_root(&self) -> bool {
        let content = |root: &Root| self.content.get(&root.path);
        let mut all = self.roots.iter().filter_map(content);
        all.any(|content| content.as_ref().is_err_and(Unreadable::is_missing))
    }

    /// What it takes to see later that something has changed; the content is let go.
    pub fn seen(&self) -> Seen {
        let content = self.content.iter().filter_map(|(path, content)| {
            let content = content.as_ref().ok()?;
            Some((path.as_path(), &**content))
        });
        Seen::new(&self.roots, &self.outline, content, self.read_at)
    }
}

/// Reads one file that is of no set.
pub fn read_one(path: &Path) -> Result<Arc<[u8]>, Unreadable> {
    let files = Files::read(&[Root::file(path)], Fresh::Read)
        .map_err(|error| Unreadable::because(error.to_string()))?;
    let content = files.content.into_values().next();
    content.unwrap_or_else(|| Err(Unreadable::because("nothing was read")))
}

#[cfg(test)]
mod tests;
