//! Checks that files exist. A path is only quoted if it looks like one, since the text may be a secret in the wrong
//! place.

use std::{path::Path, sync::Arc};

use geowarden_yaml::Step;

use super::Findings;
use crate::{config::file_name, files::read_one};

impl Findings<'_> {
    /// Checks that the file exists.
    pub(super) fn file(&mut self, key: &[Step], file: &Path) -> bool {
        let is_there = file.is_file();
        if !is_there {
            self.missing(key, file, "file", "");
        }
        is_there
    }

    /// Checks that the file exists, and says how to make it if it does not.
    pub(super) fn file_or_cure(&mut self, key: &[Step], file: &Path, cure: &str) {
        if !file.is_file() {
            self.missing(key, file, "file", cure);
        }
    }

    /// Checks that the folder exists.
    pub(super) fn folder(&mut self, key: &[Step], folder: &Path) {
        if !folder.is_dir() {
            self.missing(key, folder, "folder", "");
        }
    }

    pub(super) fn file_or_folder(&mut self, key: &[Step], path: &Path) {
        if !path.exists() {
            self.missing(key, path, "file or folder", "");
        }
    }

    /// The content of a file.
    pub(super) fn content(&mut self, key: &[Step], file: &Path) -> Option<Arc<[u8]>> {
        if !self.file(key, file) {
            return None;
        }
        let read = read_one(file);
        read.map_err(|error| {
            let message = format!("{} {error}", file.display());
            self.unusable(key, message);
        })
        .ok()
    }

    /// Records a file that cannot be used. It may be in the middle of a replacement, so it stops `check` and the start
    /// of `serve`, but no probe.
    pub(super) fn unusable(&mut self, key: &[Step], message: impl Into<String>) {
        self.unusable.push(self.sources.problem(key, message));
    }

    /// `cure` is empty, or begins with a semicolon.
    fn missing(&mut self, key: &[Step], path: &Path, what: &str, cure: &str) {
        let written = self.sources.text(key);
        let is_shown =
            path.exists() || written.is_some_and(|written| file_name::is_like_one(written, path));
        let message = if is_shown {
            format!("no such {what}: {}{cure}", path.display())
        } else {
            format!("no such {what}; {}{cure}", file_name::NOT_SHOWN)
        };
        self.problems.push(self.sources.problem(key, message));
    }
}
