//! Watches files for changes.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::{oneshot, watch},
    time::timeout,
};
use tracing::warn;

/// How long files may go on changing before they are read all the same: a revoked key may be among them.
const BUSY: Duration = Duration::from_secs(1);
/// How long a reload waits until new folders are watched, so that a mount that does not answer delays no other.
const FOLLOW: Duration = Duration::from_secs(1);

/// Watches the folders of all sources, and the folders that mounted ones link to.
pub(super) struct Watcher {
    /// Sends the events. It is kept also without a watcher: a channel without senders would never wait.
    heard: watch::Sender<()>,
    watched: Arc<Mutex<Watched>>,
    /// Whether a reload waits for `watched` already.
    is_queued: Arc<AtomicBool>,
}

/// What is heard of files from when this was made.
pub(super) struct Events(watch::Receiver<()>);

struct Watched {
    notify: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Watcher {
    pub(super) fn new(paths: Vec<PathBuf>) -> Self {
        let heard = watch::Sender::new(());
        let sender = heard.clone();
        let notify = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is an event too, but only changes count.
            if event.is_ok_and(|e| !e.kind.is_access()) {
                sender.send_replace(());
            }
        })
        .map_err(|error| warn!(%error, "files cannot be watched; they are looked at now and then"))
        .ok();
        let mut watched = Watched {
            notify,
            folders: BTreeSet::new(),
            paths,
        };
        watched.follow();
        Self {
            heard,
            watched: Arc::new(Mutex::new(watched)),
            is_queued: Arc::default(),
        }
    }

    pub(super) fn events(&self) -> Events {
        Events(self.heard.subscribe())
    }

    /// Watches folders that are new.
    pub(super) async fn follow(&self) {
        let watched = Arc::clone(&self.watched);
        let (done, ended) = oneshot::channel();
        let is_queued = Arc::clone(&self.is_queued);
        let follow = move || {
            // What one that has begun has passed already it does not see. One that waits behind it does it for all.
            if !is_queued.swap(true, Ordering::AcqRel) {
                let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                is_queued.store(false, Ordering::Release);
                watched.follow();
            }
            let _ = done.send(());
        };
        let thread = thread::Builder::new().name("watch".to_owned());
        if thread.spawn(follow).is_ok() {
            let _ = timeout(FOLLOW, ended).await;
        }
    }
}

impl Events {
    /// Ends when something has changed and settled, or after `look` in any case: beside a file there may be another that
    /// is written to all the time.
    pub(super) async fn changed(&mut self, settle: Duration, look: Duration) {
        let settled = async {
            // The watcher, which sends, lives as long.
            let _ = self.0.changed().await;
            let rest = async { while let Ok(Ok(())) = timeout(settle, self.0.changed()).await {} };
            let _ = timeout(BUSY, rest).await;
        };
        // If the files do not rest in time, they are read as they are.
        let _ = timeout(look, settled).await;
    }
}

impl Watched {
    fn follow(&mut self) {
        let mut folders = BTreeSet::new();
        for path in &self.paths {
            // The folder around it hears of renames, which is how editors and ConfigMaps replace a file.
            if let Some(parent) = path.parent() {
                folders.insert(if parent.as_os_str().is_empty() {
                    PathBuf::from(".")
                } else {
                    parent.to_path_buf()
                });
            }
            collect_folders(path, &mut folders, 0);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// As where the system cannot watch files.
    fn deaf() -> Watcher {
        Watcher {
            heard: watch::Sender::new(()),
            watched: Arc::new(Mutex::new(Watched {
                notify: None,
                folders: BTreeSet::new(),
                paths: Vec::new(),
            })),
            is_queued: Arc::default(),
        }
    }

    #[tokio::test]
    async fn without_a_watcher_it_is_looked_at_now_and_then_only() {
        let watcher = deaf();
        let mut events = watcher.events();
        let at_once = timeout(
            Duration::from_millis(100),
            events.changed(Duration::from_millis(1), Duration::from_mins(1)),
        );
        assert!(at_once.await.is_err(), "it looked without a pause");
    }

    #[tokio::test]
    async fn a_file_beside_that_never_rests_hides_no_change() {
        let watcher = deaf();
        let mut events = watcher.events();
        let sender = watcher.heard.clone();
        let noise = tokio::spawn(async move {
            loop {
                sender.send_replace(());
                tokio::task::yield_now().await;
            }
        });
        let changed = events.changed(Duration::from_secs(1), Duration::from_millis(100));
        timeout(Duration::from_secs(20), changed).await.unwrap();
        noise.abort();
    }
}
