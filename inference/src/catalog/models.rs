//! The models of a directory and what has become of each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Semaphore, watch};

use crate::engine::{EngineMonitor, SettingsError, thread_pool};

use super::adapters::{adapted_id, split_id};
use super::entry::{Entry, Phase};
use super::memory::default_total_bytes;
use super::{CatalogSettings, MemoryBudget, ModelState, ModelStatus};

/// Time since some fixed moment.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Why a models directory cannot be opened at all.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("failed to read the models directory {}", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("failed to start the compute threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("failed to accept the engine settings")]
    Settings(#[from] SettingsError),
}

/// All models of one directory. A broken one is known with its reason and does not hinder others.
///
/// One lock guards what is known of all of them; it is never held while anything is read, loaded or dropped.
pub struct Catalog {
    pub(super) directory: PathBuf,
    pub(super) settings: CatalogSettings,
    pub(super) compute: Arc<rayon::ThreadPool>,
    pub(super) budget: MemoryBudget,
    pub(super) clock: Clock,
    registry: Mutex<Registry>,
    /// Notified with every change.
    pub(super) moved: Condvar,
    changes: watch::Sender<u64>,
    /// Places for requests that wait for a model.
    pub(super) waiting: Semaphore,
    /// How many adapters were loaded, each of which has its number.
    pub(super) num_adapters: AtomicU64,
    /// One look at the directory at a time.
    pub(super) looking: Mutex<()>,
    myself: Weak<Self>,
}

#[derive(Default)]
pub(super) struct Registry {
    pub entries: BTreeMap<String, Entry>,
    pub num_loaders: usize,
    pub next_order: u64,
    pub is_closed: bool,
    /// Size and time of the manifest when it was last looked at.
    pub manifest: Option<(u64, SystemTime)>,
}

impl Catalog {
    /// Lists the directory's models without loading any.
    ///
    /// # Errors
    /// If the directory is unreadable or a setting is out of range.
    pub fn open(directory: &Path, settings: impl Into<CatalogSettings>) -> Result<Arc<Self>, CatalogError> {
        let begun = Instant::now();
        Self::open_at(directory, settings, Arc::new(move || begun.elapsed()))
    }

    /// The same with another clock.
    ///
    /// # Errors
    /// As [`Catalog::open`].
    pub fn open_at(
        directory: &Path,
        settings: impl Into<CatalogSettings>,
        clock: Clock,
    ) -> Result<Arc<Self>, CatalogError> {
        let settings = settings.into();
        settings.engine.check()?;
        settings.loading.check()?;
        let compute = thread_pool(&settings.engine)?;
        let total_bytes = settings.loading.memory_bytes.unwrap_or_else(default_total_bytes);
        let waiting = Semaphore::new(settings.loading.max_waiting.min(Semaphore::MAX_PERMITS));
        let catalog = Arc::new_cyclic(|myself: &Weak<Self>| {
            let told = myself.clone();
            let released = move || {
                if let Some(catalog) = told.upgrade() {
                    catalog.memory_released();
                }
            };
            Self {
                directory: directory.to_owned(),
                settings,
                compute,
                budget: MemoryBudget::new(total_bytes, Box::new(released)),
                clock,
                registry: Mutex::default(),
                moved: Condvar::new(),
                changes: watch::Sender::new(0),
                waiting,
                num_adapters: AtomicU64::new(0),
                looking: Mutex::default(),
                myself: myself.clone(),
            }
        });
        let unreadable = |source| CatalogError::Unreadable { path: directory.to_owned(), source };
        catalog.begin().map_err(unreadable)?;
        if catalog.lock().entries.is_empty() {
            tracing::warn!(directory = %directory.display(), "no models found");
        }
        Ok(catalog)
    }

    /// Opens a directory and loads all its models before it returns.
    ///
    /// # Errors
    /// As [`Catalog::open`]; a broken model is no error but a state.
    pub fn load(directory: &Path, settings: impl Into<CatalogSettings>) -> Result<Arc<Self>, CatalogError> {
        let catalog = Self::open(directory, settings)?;
        catalog.load_all();
        Ok(catalog)
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn budget(&self) -> &MemoryBudget {
        &self.budget
    }

    /// Every model with its state, by id, each followed by its adapters.
    pub fn list(&self) -> Vec<ModelStatus> {
        let registry = self.lock();
        let known = registry.entries.iter().filter(|(_, entry)| is_known(entry));
        let with_adapters = |(id, entry): (&String, &Entry)| {
            let adapters = entry.adapter_names().filter(|name| !registry.entries.contains_key(&adapted_id(id, name)));
            let adapters = adapters.filter_map(|name| self.adapter_status(id, entry, name)).collect::<Vec<_>>();
            std::iter::once(self.status(id, entry)).chain(adapters)
        };
        known.flat_map(with_adapters).collect()
    }

    /// The state of one model; `None` if there is no such folder.
    pub fn model(&self, id: &str) -> Option<ModelState> {
        self.model_status(id).map(|status| status.state)
    }

    /// All that is known of one model.
    pub fn model_status(&self, id: &str) -> Option<ModelStatus> {
        let registry = self.lock();
        let (id, entry, adapter) = registry.find(id)?;
        match adapter {
            None => Some(self.status(id, entry)),
            Some(name) => self.adapter_status(id, entry, name),
        }
    }

    /// Whether every folder that was there at the start was tried, and at least one model takes requests. Folders that
    /// come later make no difference.
    pub fn is_ready(&self) -> bool {
        if self.lock().is_closed {
            return false;
        }
        let models = self.list();
        models.iter().any(ModelStatus::is_served) && !models.iter().any(|model| model.is_starting)
    }

    /// Changes whenever a state may have.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until the states are as `condition` wants them.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool) {
        let mut changes = self.changes();
        while !condition(self) {
            // The sender is ours, so that it cannot be gone.
            let _ = changes.changed().await;
        }
    }

    /// Takes no more requests, lets running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        let (serving, draining) = self.close();
        let stopping = serving.iter().map(|model| model.shutdown(grace));
        let leaving = draining.iter().map(|monitor| async move {
            let over = async {
                tokio::select! {
                    () = monitor.ended() => {}
                    () = monitor.idle() => {}
                }
            };
            if tokio::time::timeout(grace, over).await.is_err() {
                monitor.stop();
                monitor.ended().await;
            }
        });
        tokio::join!(futures_util::future::join_all(stopping), futures_util::future::join_all(leaving));
    }

    /// Nothing is loaded from here on. What is served stays in its place, so that requests are told the right reason.
    fn close(&self) -> (Vec<super::Served>, Vec<EngineMonitor>) {
        let mut registry = self.lock();
        registry.is_closed = true;
        let serving = registry.entries.values().filter_map(|entry| entry.serving.clone()).collect();
        let draining = registry.entries.values().flat_map(|entry| &entry.draining);
        let draining = draining.map(|draining| draining.monitor.clone()).collect();
        drop(registry);
        self.changed();
        (serving, draining)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells everybody who waits that something may be otherwise.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
        self.moved.notify_all();
    }

    pub(super) fn myself(&self) -> Option<Arc<Self>> {
        self.myself.upgrade()
    }

    fn status(&self, id: &str, entry: &Entry) -> ModelStatus {
        let state = entry.state();
        let is_ready = matches!(state, ModelState::Ready(_));
        let draining = entry.draining.iter().filter(|draining| !draining.is_over());
        let in_flight = draining.map(|draining| draining.monitor.stats()).map(|stats| stats.running + stats.waiting);
        ModelStatus {
            id: id.to_owned(),
            parent: None,
            state,
            next: entry.next_revision(),
            is_pinned: entry.is_pinned,
            is_on_demand: !is_ready && entry.is_on_demand(self.settings.loading.autoload),
            is_starting: entry.is_starting(),
            num_draining: in_flight.sum(),
        }
    }

    /// An adapter goes with its model; there is none while the model drains.
    fn adapter_status(&self, id: &str, entry: &Entry, name: &str) -> Option<ModelStatus> {
        let state = entry.adapter_state(name).filter(|_| !entry.is_removed)?;
        let is_served = entry.serving.is_some();
        Some(ModelStatus {
            id: adapted_id(id, name),
            parent: Some(id.to_owned()),
            state,
            next: entry.next_adapter_revision(name),
            is_pinned: entry.is_pinned,
            is_on_demand: !is_served && entry.is_on_demand(self.settings.loading.autoload),
            is_starting: entry.is_starting(),
            num_draining: 0,
        })
    }

    /// Memory came back: whoever waited for it may be loaded.
    fn memory_released(&self) {
        let mut registry = self.lock();
        let free_bytes = self.budget.free_bytes();
        for entry in registry.entries.values_mut() {
            entry.try_adapters_again(free_bytes);
            entry.forget_drained();
            if let Phase::Queued(ask) = &mut entry.phase {
                ask.is_blocked = false;
            }
        }
        registry.entries.retain(|_, entry| !entry.is_removed || !entry.draining.is_empty());
        drop(registry);
        self.changed();
        self.kick();
    }
}

impl Registry {
    /// What is known under an id: a model's own, or one with the name of an adapter behind it.
    pub(super) fn find<'a>(&'a self, id: &'a str) -> Option<(&'a str, &'a Entry, Option<&'a str>)> {
        if let Some(entry) = self.entries.get(id).filter(|entry| is_known(entry)) {
            return Some((id, entry, None));
        }
        split_id(id).find_map(|(model, adapter)| {
            let entry = self.entries.get(model).filter(|entry| is_known(entry) && entry.has_adapter(adapter))?;
            Some((model, entry, Some(adapter)))
        })
    }
}

/// A folder that is gone is known as long as it still answers somebody.
fn is_known(entry: &Entry) -> bool {
    !entry.is_removed || entry.is_draining()
}
