//! Reads the content of files.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use rustix::fs::OFlags;

use super::{
    MAX_BYTES, Unreadable, descriptors,
    outline::{File, Outline, Stamp},
};

/// The marks of a file that is younger than this cannot be trusted: a later change may leave the same marks.
const TICK: Duration = Duration::from_secs(2);

/// The content of every file. Each root has a limit of [`MAX_BYTES`].
pub(super) fn content(outline: &Outline) -> BTreeMap<PathBuf, Result<Arc<[u8]>, Unreadable>> {
    let mut sums = BTreeMap::<usize, u64>::new();
    let read = |(path, file): (&PathBuf, &Result<File, Unreadable>)| {
        let content = file.as_ref().map_err(Clone::clone).and_then(|file| {
            let sum = sums.entry(file.root).or_default();
            *sum = sum.saturating_add(file.stamp.size());
            if *sum > MAX_BYTES {
                return Err(Unreadable::because(format!(
                    "it and the files beside it are larger than {MAX_BYTES} bytes"
                )));
            }
            whole(file)
        });
        (path.clone(), content)
    };
    outline.files.iter().map(read).collect()
}

/// The files that are so young that their marks may hide a change.
pub(super) fn young(
    outline: &Outline,
    read_at: SystemTime,
) -> impl Iterator<Item = (&Path, &File)> {
    let files = outline.files.iter();
    files.filter_map(move |(path, file)| {
        let file = file.as_ref().ok()?;
        let is_old = read_at
            .duration_since(file.stamp.changed())
            .is_ok_and(|age| age > TICK);
        (!is_old).then_some((path.as_path(), file))
    })
}

/// The content of one file; an error if it is no longer the same file.
pub(super) fn whole(file: &File) -> Result<Arc<[u8]>, Unreadable> {
    descriptors::with_one(|| read(file)).map_err(Into::into)
}

fn read(file: &File) -> io::Result<Arc<[u8]>> {
    // Non-blocking, since a pipe may have replaced the file.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(&file.real)?;
    let changed = || io::Error::other("it changed while it was read");
    if Stamp::of(&opened.metadata()?) != file.stamp {
        return Err(changed());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(file.stamp.size()).unwrap_or_default());
    (&opened).take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if Stamp::of(&opened.metadata()?) != file.stamp {
        return Err(changed());
    }
    Ok(bytes.into())
}
