//! Loads adapters: all of a model's together with it, and those that come later beside it while it serves on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::adapter_folder::AdapterFolder;
use super::adapters::{AdapterJob, AdapterOutcome, AdapterTask, adapted_id};
use super::loader::LoadError;
use super::served::Footprint;
use super::{Catalog, Fingerprint, FolderError, ServedInfo, ServedModel};

impl Catalog {
    /// Loads the adapters of a model that nobody has yet. One that is broken is none of the others' business.
    pub(super) fn load_adapters(
        &self,
        model: &Arc<ServedModel>,
        tasks: Vec<AdapterTask>,
        may_evict: bool,
    ) -> Vec<AdapterOutcome> {
        let load = |task: AdapterTask| {
            let loaded = self.load_adapter(model, &task, may_evict);
            let result = loaded.map(|adapter| {
                model.put_adapter(&task.name, adapter);
            });
            (task, result)
        };
        tasks.into_iter().map(load).collect()
    }

    /// Loads an adapter beside its model and puts it in its place.
    pub(super) fn add_adapter(&self, job: AdapterJob) {
        let result = self.load_adapter(&job.model, &job.task, true);
        let now = (self.clock)();
        let (id, name) = (job.model.info.id.clone(), job.task.name.clone());
        let mut registry = self.lock();
        let is_closed = registry.is_closed;
        let entry = registry.entries.get_mut(&id).filter(|_| !is_closed);
        let unused = match entry {
            Some(entry) => entry.settle_adapter(&job, result, now, &self.settings.loading),
            None => result.ok(),
        };
        drop(registry);
        tracing::debug!(model = id, adapter = name, replaced = unused.is_some(), "an adapter's load is over");
        drop((unused, job));
        self.changed();
    }

    fn load_adapter(
        &self,
        model: &Arc<ServedModel>,
        task: &AdapterTask,
        may_evict: bool,
    ) -> Result<Arc<ServedModel>, LoadError> {
        let load = || self.load_sound_adapter(model, task, may_evict);
        let result = catch_unwind(AssertUnwindSafe(load)).unwrap_or(Err(FolderError::Panicked.into()));
        let (model, adapter) = (&model.info.id, &task.name);
        match &result {
            Ok(served) => {
                let rank = served.adapter.as_ref().map_or(0, |adapter| adapter.rank());
                tracing::info!(model, adapter, rank, bytes = served.info.reserved_bytes, "the adapter is served");
            }
            Err(LoadError::Folder(error)) if error.may_be_incomplete() && !task.as_it_is => {
                tracing::info!(model, adapter, reason = error.with_causes(), "an adapter's folder is not complete yet");
            }
            Err(LoadError::Folder(error)) => {
                tracing::error!(model, adapter, reason = error.with_causes(), "failed to load an adapter");
            }
            Err(LoadError::Room(reason)) => tracing::warn!(model, adapter, %reason, "no room for an adapter"),
        }
        result
    }

    fn load_sound_adapter(
        &self,
        model: &Arc<ServedModel>,
        task: &AdapterTask,
        may_evict: bool,
    ) -> Result<Arc<ServedModel>, LoadError> {
        let max_bytes = self.settings.loading.max_adapter_bytes;
        let folder = AdapterFolder::open(&task.path, &model.config, max_bytes)?;
        let reserved_bytes = folder.plan.memory_bytes();
        let reservation = self.make_room_beside(&model.info.id, reserved_bytes, may_evict)?;
        let alive = reservation.alive();
        let threads = self.loading_threads(&task.name).map_err(FolderError::from)?;
        let number = self.num_adapters.fetch_add(1, Ordering::Relaxed) + 1;
        let lease = Box::new(reservation);
        let adapter = threads.install(|| folder.plan.load(&folder.weights, number, Some(lease)));
        let adapter = adapter.map_err(FolderError::from)?;
        // What changed meanwhile may have been read half old and half new.
        if Fingerprint::of(&task.path).map_err(FolderError::from)? != task.revision {
            return Err(FolderError::Changed.into());
        }
        let weight_bytes = adapter.size_in_bytes() as u64;
        let footprint = Footprint { dtype: folder.dtype(), weight_bytes, cache_bytes: 0, reserved_bytes, alive };
        let info = ServedInfo::new(adapted_id(&model.info.id, &task.name), task.revision.clone(), footprint);
        Ok(Arc::new(ServedModel::adapted(model, info, adapter)))
    }
}
