//! Keeps a catalog as its directory is: told of changes by the system, and looking by itself now and then, since not
//! every file system tells.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use std::os::unix::fs::MetadataExt;

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::Catalog;
use super::entry::Entry;
use super::scan::ADAPTERS;

/// Files come in swarms: this long after the first of them is soon enough.
const SWARM: Duration = Duration::from_millis(100);

/// Watches for as long as it is held.
pub struct CatalogWatch {
    is_over: Arc<AtomicBool>,
    wake: SyncSender<()>,
}

impl Drop for CatalogWatch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Release);
        // A full channel wakes as well.
        let _ = self.wake.try_send(());
    }
}

impl Catalog {
    /// Starts a thread that looks at the directory whenever something changes in it.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn watch(self: &Arc<Self>) -> std::io::Result<CatalogWatch> {
        let is_over = Arc::new(AtomicBool::new(false));
        let (wake, woken) = sync_channel(1);
        let watching = Watching {
            catalog: Arc::downgrade(self),
            is_over: Arc::clone(&is_over),
            folders: Folders::new(wake.clone()),
            woken,
            rescan: self.settings.loading.rescan(),
        };
        std::thread::Builder::new().name("catalog-watch".to_owned()).spawn(move || watching.run())?;
        Ok(CatalogWatch { is_over, wake })
    }

    /// The directory, every model's folder and its adapters', each with its place on disk.
    fn folders(&self) -> BTreeMap<PathBuf, Place> {
        let registry = self.lock();
        let adapters = |entry: &Entry| {
            let root = entry.path.join(ADAPTERS);
            let folders: Vec<PathBuf> = entry.adapter_names().map(|name| root.join(name)).collect();
            std::iter::once(root).chain(folders)
        };
        let paths: Vec<PathBuf> = registry
            .entries
            .values()
            .flat_map(|entry| std::iter::once(entry.path.clone()).chain(adapters(entry)))
            .collect();
        drop(registry);
        let all = std::iter::once(self.directory.clone()).chain(paths);
        all.filter_map(|path| place(&path).map(|place| (path, place))).collect()
    }
}

/// Device and inode: a link that leads elsewhere now is another place.
type Place = (u64, u64);

fn place(path: &Path) -> Option<Place> {
    std::fs::metadata(path).ok().filter(std::fs::Metadata::is_dir).map(|metadata| (metadata.dev(), metadata.ino()))
}

struct Watching {
    catalog: Weak<Catalog>,
    is_over: Arc<AtomicBool>,
    folders: Folders,
    woken: Receiver<()>,
    rescan: Duration,
}

impl Watching {
    fn run(mut self) {
        while !self.is_over.load(Ordering::Acquire) {
            let Some(catalog) = self.catalog.upgrade() else { return };
            // Watched before it is looked at: what changes in between is seen twice, not never.
            self.folders.follow(catalog.folders());
            let next = catalog.reconcile();
            let folders = catalog.folders();
            if self.folders.follow(folders) {
                // A folder is new: what was written before it was watched is seen at the next look.
                catalog.reconcile();
            }
            drop(catalog);
            let wait = next.unwrap_or(self.rescan).clamp(SWARM / 10, self.rescan);
            match self.woken.recv_timeout(wait) {
                // Whatever comes meanwhile is seen at the same look.
                Ok(()) if !self.is_over.load(Ordering::Acquire) => std::thread::sleep(SWARM),
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// The folders that the system reports on.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    watched: BTreeMap<PathBuf, Place>,
}

impl Folders {
    fn new(wake: SyncSender<()>) -> Self {
        let told = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| !is_reading(event.kind)) {
                // A full channel wakes as well.
                let _ = wake.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(told)
            .inspect_err(|error| tracing::warn!(%error, "changes of the models directory are found by rescans alone"))
            .ok();
        Self { watcher, watched: BTreeMap::new() }
    }

    /// Watches these folders and no others; true if one of them is new.
    fn follow(&mut self, folders: BTreeMap<PathBuf, Place>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        let gone: Vec<PathBuf> = self
            .watched
            .iter()
            .filter(|(path, place)| folders.get(*path) != Some(place))
            .map(|(path, _)| path.clone())
            .collect();
        for path in gone {
            // One that was deleted is not watched any more.
            let _ = watcher.unwatch(&path);
            self.watched.remove(&path);
        }
        let mut is_any_new = false;
        for (path, place) in folders {
            if self.watched.contains_key(&path) {
                continue;
            }
            match watcher.watch(&path, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_any_new = true;
                    self.watched.insert(path, place);
                }
                Err(error) => {
                    tracing::debug!(%error, folder = %path.display(), "found by rescans alone");
                }
            }
        }
        is_any_new
    }
}

/// Loading a model reads its files, which changes nothing.
fn is_reading(kind: EventKind) -> bool {
    matches!(kind, EventKind::Access(access) if access != AccessKind::Close(AccessMode::Write))
}
