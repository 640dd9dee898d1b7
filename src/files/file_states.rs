//! Compares files with an earlier reading.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aws_lc_rs::digest::{SHA256, digest};

use super::{Root, Unreadable, outline::Outline, reading};

/// The state of files when they were read: their marks and digests.
#[derive(Debug, Clone, Default)]
pub struct FileStates {
    roots: Vec<Root>,
    outline: Outline,
    digests: BTreeMap<PathBuf, Vec<u8>>,
    read_at: Option<SystemTime>,
}

impl FileStates {
    pub(super) fn new<'a>(
        roots: &[Root],
        outline: &Outline,
        content: impl Iterator<Item = (&'a Path, &'a [u8])>,
        read_at: Option<SystemTime>,
    ) -> Self {
        let digests = content.map(|(path, bytes)| (path.to_path_buf(), digest_of(bytes)));
        Self {
            roots: roots.to_vec(),
            outline: outline.clone(),
            digests: digests.collect(),
            read_at,
        }
    }

    /// Whether names or contents are different. Links, owners and times are ignored.
    pub fn differs(&self, other: &Self) -> bool {
        let faults = |seen: &Self| -> Vec<(PathBuf, Unreadable)> {
            let files = seen.outline.files.iter();
            files
                .filter_map(|(path, file)| Some((path.clone(), file.as_ref().err()?.clone())))
                .collect()
        };
        self.digests != other.digests || faults(self) != faults(other)
    }

    /// Whether the files of `part` were read here too, with the same content.
    pub fn holds(&self, part: &Self) -> bool {
        let is_of_part = |path: &Path| part.roots.iter().any(|root| path.starts_with(&root.path));
        let mine = self.digests.iter().filter(|(path, _)| is_of_part(path));
        mine.eq(&part.digests)
    }

    /// Whether nothing has changed since the reading. A replacement of the same size and time has other marks. Files
    /// that were very young then are compared by content.
    pub fn is_current(&mut self) -> bool {
        let Some(read_at) = self.read_at else {
            return false;
        };
        let now = SystemTime::now();
        if Outline::of(&self.roots) != self.outline {
            return false;
        }
        let mut young = reading::young(&self.outline, read_at);
        let is_same = young.all(|(path, file)| {
            let content = reading::whole(file).ok();
            content.map(|bytes| digest_of(&bytes)).as_ref() == self.digests.get(path)
        });
        if is_same {
            self.read_at = Some(now);
        }
        is_same
    }
}

fn digest_of(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}
