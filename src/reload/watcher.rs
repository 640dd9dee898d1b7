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

/// The longest time to wait for changing files to rest: a key may have been revoked in them.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(1);
/// How long a reload waits until new folders are watched. A mount that does not answer must not delay it longer.
const FOLLOW_LIMIT: Duration = Duration::from_secs(1);

/// Watches the folders of all sources, and the targets of links in mounted folders.
pub struct Watcher {
    /// Sends the events. It is kept even if nothing can be watched, so that the channel stays open.
    events: watch::Sender<()>,
    watched: Arc<Mutex<Watched>>,
    /// Whether a reload already waits for `watched`.
    is_queued: Arc<AtomicBool>,
}

/// The events since this was created.
pub struct Events(watch::Receiver<()>);

struct Watched {
    notify: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Watcher {
    /// Watches these files and folders, and all that is in the folders.
    pub fn new(paths: Vec<PathBuf>) -> Self {
        let events = watch::Sender::new(());
        let sender = events.clone();
        let notify = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file causes an event too, but only changes matter.
            if event.is_ok_and(|e| !e.kind.is_access()) {
                sender.send_replace(());
            }
        })
        .map_err(|error| warn!(%error, "files cannot be watched, so they are checked at intervals"))
        .ok();
        let mut watched = Watched {
            notify,
            folders: BTreeSet::new(),
            paths,
        };
        watched.follow();
        Self {
            events,
            watched: Arc::new(Mutex::new(watched)),
            is_queued: Arc::default(),
        }
    }

    /// The events from now on.
    pub fn events(&self) -> Events {
        Events(self.events.subscribe())
    }

    /// Watches new folders.
    pub(super) async fn follow(&self) {
        let watched = Arc::clone(&self.watched);
        let (done, ended) = oneshot::channel();
        let is_queued = Arc::clone(&self.is_queued);
        let follow = move || {
            // A thread that has begun does not see folders that it has passed. A thread that waits behind it watches
            // them all.
            if !is_queued.swap(true, Ordering::AcqRel) {
                let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
                is_queued.store(false, Ordering::Release);
                watched.follow();
            }
            let _ = done.send(());
        };
        let thread = thread::Builder::new().name("watch".to_owned());
        if thread.spawn(follow).is_ok() {
            let _ = timeout(FOLLOW_LIMIT, ended).await;
        }
    }
}

impl Events {
    /// Completes when something has changed and settled, or after `look` at the latest: another file in the folder may
    /// change all the time.
    pub async fn changed(&mut self, settle: Duration, look: Duration) {
        let settled = async {
            // The sender lives as long as the watcher.
            let _ = self.0.changed().await;
            let rest = async { while let Ok(Ok(())) = timeout(settle, self.0.changed()).await {} };
            let _ = timeout(MAX_SETTLE_TIME, rest).await;
        };
        // If the files do not rest in time, they are read as they are.
        let _ = timeout(look, settled).await;
    }
}

impl Watched {
    fn follow(&mut self) {
        let mut folders = BTreeSet::new();
        for path in &self.paths {
            // The parent folder reports renames, which is how editors and ConfigMaps replace a file.
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
            // Watch it again even if it is known: another folder with the same name may have replaced it.
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

    /// A watcher as on a system that cannot watch files.
    fn deaf() -> Watcher {
        Watcher {
            events: watch::Sender::new(()),
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
        let sender = watcher.events.clone();
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
