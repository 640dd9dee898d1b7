//! Hears of changed files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{sync::mpsc, time::timeout};
use tracing::warn;

use crate::config::Config;

/// What files looked like: path, change time, length.
pub type Fingerprint = BTreeSet<(PathBuf, Option<SystemTime>, u64)>;

/// Watches the folders of all sources, and the folders that mounted ones link to.
pub(super) struct Watcher {
    events: mpsc::Receiver<()>,
    /// Without a watcher nobody else would hold one, and a channel without senders never waits.
    _sender: mpsc::Sender<()>,
    notify: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    /// What the files looked like at the last reload.
    pub(super) seen: Fingerprint,
}

impl Watcher {
    pub(super) fn new(config: &Config, seen: Fingerprint) -> Self {
        let (sender, events) = mpsc::channel(1);
        let kept = sender.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event too; only changes count.
            if event.is_ok_and(|e| !e.kind.is_access()) {
                // A full channel already tells of a change.
                let _ = sender.try_send(());
            }
        })
        .map_err(|error| warn!(%error, "files cannot be watched; they are looked at now and then"))
        .ok();
        let mut all = Self {
            events,
            _sender: kept,
            notify: watcher,
            folders: BTreeSet::new(),
            seen,
        };
        all.follow(config);
        all
    }

    /// Watches folders that have come to be since.
    pub(super) fn follow(&mut self, config: &Config) {
        let mut folders = BTreeSet::new();
        for path in config.watched_paths() {
            // The folder around it hears of renames, which is how editors and ConfigMaps replace a file.
            if let Some(parent) = path.parent() {
                folders.insert(if parent.as_os_str().is_empty() {
                    PathBuf::from(".")
                } else {
                    parent.to_path_buf()
                });
            }
            collect_folders(&path, &mut folders, 0);
        }
        let Some(watcher) = &mut self.notify else {
            return;
        };
        for folder in &folders {
            // Watched again even when known: it may have been replaced by another of the same name.
            if let Err(error) = watcher.watch(folder, RecursiveMode::NonRecursive)
                && !self.folders.contains(folder)
            {
                warn!(folder = %folder.display(), %error, "cannot be watched");
            }
        }
        self.folders = folders;
    }

    /// Ends when something has changed and settled, or after `look` in any case: beside a file there may be another that
    /// is written to all the time.
    pub(super) async fn changed(&mut self, settle: Duration, look: Duration) {
        let settled = async {
            self.events.recv().await;
            while timeout(settle, self.events.recv()).await.is_ok() {}
        };
        // Too late is as good as settled.
        let _ = timeout(look, settled).await;
    }
}

fn collect_folders(path: &Path, folders: &mut BTreeSet<PathBuf>, depth: usize) {
    if !path.is_dir() || depth > 16 {
        return;
    }
    folders.insert(path.to_path_buf());
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        let inner = entry.path();
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden {
            collect_folders(&inner, folders, depth + 1);
        }
    }
}

/// What the files below `paths` look like now, links followed.
pub fn fingerprint(paths: &[PathBuf]) -> Fingerprint {
    let mut all = Fingerprint::new();
    for path in paths {
        look_at(path, &mut all, 0);
    }
    all
}

fn look_at(path: &Path, all: &mut Fingerprint, depth: usize) {
    if path.is_dir() && depth <= 16 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            if !entry.file_name().to_string_lossy().starts_with('.') {
                look_at(&entry.path(), all, depth + 1);
            }
        }
        return;
    }
    let meta = fs::metadata(path).ok();
    // The real path tells two generations of a ConfigMap apart, even of the same time and length.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    all.insert((
        real,
        meta.as_ref().and_then(|m| m.modified().ok()),
        meta.map_or(0, |m| m.len()),
    ));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// As where the system cannot watch files.
    fn deaf() -> (Watcher, mpsc::Sender<()>) {
        let (sender, events) = mpsc::channel(1);
        let watcher = Watcher {
            events,
            _sender: sender.clone(),
            notify: None,
            folders: BTreeSet::new(),
            seen: Fingerprint::new(),
        };
        (watcher, sender)
    }

    #[tokio::test]
    async fn without_a_watcher_it_is_looked_at_now_and_then_only() {
        let (mut watcher, sender) = deaf();
        drop(sender);
        let at_once = timeout(
            Duration::from_millis(100),
            watcher.changed(Duration::from_millis(1), Duration::from_mins(1)),
        );
        assert!(at_once.await.is_err(), "it looked without a pause");
    }

    #[tokio::test]
    async fn a_file_beside_that_never_rests_hides_no_change() {
        let (mut watcher, sender) = deaf();
        let noise = tokio::spawn(async move {
            loop {
                let _ = sender.try_send(());
                tokio::task::yield_now().await;
            }
        });
        let changed = watcher.changed(Duration::from_secs(1), Duration::from_millis(100));
        timeout(Duration::from_secs(20), changed).await.unwrap();
        noise.abort();
    }
}
