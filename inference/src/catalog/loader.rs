//! Loads what is queued, beside what is served, and exchanges the two.
//!
//! A load that became useless meanwhile, because the folder changed again, went away or was unloaded, is thrown away.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::{EnginePlan, EngineSettings, Launch, Lease};
use crate::models::DecoderConfig;
use crate::weights::{ActivationDtype, PreciseWeights, Quantization, QuantizedCache, QuantizedWeights, WeightSource};

use super::adapters::{AdapterJob, AdapterOutcome, AdapterTask};
use super::entry::{Ask, Cause, Entry, Phase, Unloader};
use super::manifest::MANIFEST;
use super::reconcile::fail;
use super::room::NoRoom;
use super::served::Footprint;
use super::{
    Catalog, Fingerprint, FolderError, Manifest, ManifestModel, ModelFolder, ReaderFolder, Reservation, Served,
    ServedInfo, ServedModel, ServedReader, ServedTranscriber, TranscriberFolder,
};

/// How far behind loading stands while models answer: by the scheduler's weights, an eighth of a fair share.
const LOADING_NICENESS: i32 = 10;

/// A cache of less than this part of the usual one is not worth serving with.
const SMALLEST_SHARE: u64 = 16;

/// One model that is being loaded.
pub(super) struct Job {
    pub id: String,
    pub ask: Ask,
    path: PathBuf,
    attempt: u64,
    revision: Fingerprint,
    percent: Arc<AtomicU32>,
    /// Loaded together with it.
    adapters: Vec<AdapterTask>,
}

enum Work {
    Model(Job),
    Adapter(AdapterJob),
}

/// A model and what came of its adapters.
struct Loaded {
    model: Served,
    adapters: Vec<AdapterOutcome>,
}

/// Why a load came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("there is no room for it yet")]
    Room(#[from] NoRoom),
}

impl Catalog {
    /// Loads every model that waits for it before it returns.
    pub fn load_all(&self) {
        self.lock().num_loaders += 1;
        self.work();
        let is_loading = |phase: &Phase| match phase {
            Phase::Loading { .. } => true,
            Phase::Queued(ask) => !ask.is_blocked,
            _ => false,
        };
        let mut registry = self.lock();
        let is_busy =
            |entry: &Entry| is_loading(&entry.phase) || entry.has_queued_adapter() || entry.is_loading_adapter();
        while registry.num_loaders > 0 && registry.entries.values().any(is_busy) {
            registry = self.moved.wait(registry).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    /// Starts a thread for what is queued, if it may have one.
    pub(super) fn kick(&self) {
        let Some(catalog) = self.myself() else { return };
        let mut registry = self.lock();
        let queued = |phase: &Phase| matches!(phase, Phase::Queued(ask) if !ask.is_blocked);
        let is_work = registry.entries.values().any(|entry| queued(&entry.phase) || entry.has_queued_adapter());
        if !is_work || registry.is_closed || registry.num_loaders >= self.settings.loading.max_concurrent {
            return;
        }
        registry.num_loaders += 1;
        drop(registry);
        let work = move || catalog.work();
        if let Err(error) = std::thread::Builder::new().name("catalog-load".to_owned()).spawn(work) {
            tracing::error!(%error, "the system gave no thread for loading models; it is tried again");
            self.lock().num_loaders -= 1;
        }
    }

    fn work(&self) {
        while let Some(work) = self.next_work() {
            match work {
                Work::Model(job) => {
                    let load = || self.load_one(&job);
                    let result = catch_unwind(AssertUnwindSafe(load)).unwrap_or(Err(FolderError::Panicked.into()));
                    self.settle(&job, result);
                }
                Work::Adapter(job) => self.add_adapter(job),
            }
        }
        self.changed();
        // Something may have been queued by whoever found all places taken.
        self.kick();
    }

    /// Models first: who waits for one waits longer.
    fn next_work(&self) -> Option<Work> {
        let mut registry = self.lock();
        let is_closed = registry.is_closed;
        let queued = registry.entries.iter().filter_map(|(id, entry)| match (&entry.phase, &entry.seen) {
            (Phase::Queued(ask), Ok(revision)) if !ask.is_blocked && !is_closed => Some((*ask, id, revision)),
            _ => None,
        });
        let first = queued.min_by_key(|(ask, ..)| *ask).map(|(ask, id, revision)| (ask, id.clone(), revision.clone()));
        let unusable = registry.entries.iter_mut().find_map(|(id, entry)| match (&entry.phase, &entry.seen) {
            (Phase::Queued(_), Err(error)) if first.is_none() => Some((id, FolderError::from(error.clone()), entry)),
            _ => None,
        });
        if let Some((id, error, entry)) = unusable {
            fail(id, entry, &error.with_causes());
            drop(registry);
            self.changed();
            return self.next_work();
        }
        let job = first.and_then(|(ask, id, revision)| {
            let entry = registry.entries.get_mut(&id)?;
            let percent = Arc::new(AtomicU32::new(0));
            entry.phase = Phase::Loading { percent: Arc::clone(&percent), cause: ask.cause };
            let (path, attempt, adapters) = (entry.path.clone(), entry.attempt, entry.adapter_tasks());
            Some(Work::Model(Job { id, ask, path, attempt, revision, percent, adapters }))
        });
        let work = job.or_else(|| {
            let mut entries = registry.entries.values_mut().filter(|_| !is_closed);
            entries.find_map(Entry::next_adapter).map(Work::Adapter)
        });
        if work.is_none() {
            registry.num_loaders -= 1;
        }
        drop(registry);
        self.changed();
        work
    }

    fn load_one(&self, job: &Job) -> Result<Loaded, LoadError> {
        let result = self.load_revision(job);
        // What changed meanwhile may have been read half old and half new.
        match Fingerprint::of(&job.path) {
            Ok(revision) if revision == job.revision => result,
            Ok(_) => Err(FolderError::Changed.into()),
            Err(error) => Err(FolderError::from(error).into()),
        }
    }

    fn load_revision(&self, job: &Job) -> Result<Loaded, LoadError> {
        let manifest = Manifest::read(&self.directory).unwrap_or_else(|reason| {
            tracing::error!(reason, "{MANIFEST} cannot be read: no model is checked against it");
            Manifest::default()
        });
        let written = manifest.model(&job.id);
        if let Some(written) = written {
            written.check_sizes(&job.revision)?;
        }
        // Before anything is opened: what it refuses could hold up a reader forever.
        Fingerprint::of(&job.path).map_err(FolderError::from)?;
        if let Some(folder) = TranscriberFolder::open(&job.path)? {
            return Ok(Loaded { model: self.load_transcriber(job, written, folder)?, adapters: Vec::new() });
        }
        match ReaderFolder::open(&job.path, &job.id, &self.settings.engine)? {
            Some(folder) => Ok(Loaded { model: self.load_reader(job, written, folder)?, adapters: Vec::new() }),
            None => self.load_generator(job, written),
        }
    }

    fn load_generator(&self, job: &Job, written: Option<&ManifestModel>) -> Result<Loaded, LoadError> {
        let engine = &self.settings.engine;
        let settings = self.settings.models.get(&job.id).copied().unwrap_or_default();
        let ModelFolder { config, weights, frontend } =
            ModelFolder::open(&job.path, engine.default_max_tokens, settings.formats())?;
        let quantized = settings.quantize.map(|quantization| self.quantized(job, weights.as_ref(), quantization));
        let source = quantized.as_ref().map_or(weights.as_ref() as &dyn WeightSource, |quantized| quantized);
        let precise = PreciseWeights(source);
        let source = match engine.activation_dtype {
            ActivationDtype::Int8 => source,
            ActivationDtype::Int16 => &precise,
        };
        let (dtype, weight_bytes) = size_of(source);
        let plan = self.plan(&config, weight_bytes);
        let (reserved_bytes, cache_bytes) =
            (plan.memory_bytes().saturating_add(weight_bytes), plan.cache.total_bytes());
        let (reservation, unchecked) = self.make_room_for_sound(job, written, reserved_bytes)?;
        let footprint = Footprint { dtype, weight_bytes, cache_bytes, reserved_bytes, alive: reservation.alive() };
        let lease: Lease = Box::new(reservation);
        let loading = self.loading_threads(&job.id).map_err(FolderError::from)?;
        let progress = |share: f32| {
            // The last per cent is the self-test.
            job.percent.fetch_max((share * 99.0) as u32, Ordering::Relaxed);
        };
        let launch = Launch {
            name: &job.id,
            source,
            loading: &loading,
            compute: Arc::clone(&self.compute),
            progress: &progress,
            lease: Some(lease),
        };
        let run = || Ok(launch.run(&plan, engine)?);
        let engine = checked(job, unchecked, run)?;
        // All is read: if the files are still those of this revision, so is what was rounded.
        let is_unchanged = Fingerprint::of(&job.path).is_ok_and(|now| now == job.revision);
        if let Some(quantized) = quantized.filter(|_| is_unchanged) {
            quantized.finish();
        }
        let info = ServedInfo::new(job.id.clone(), job.revision.clone(), footprint);
        let model = Arc::new(ServedModel::new(info, frontend, engine, plan.config));
        // At the start nobody takes another's place.
        let adapters = self.load_adapters(&model, job.adapters.clone(), job.ask.cause != Cause::Start);
        Ok(Loaded { model: Served::Generator(model), adapters })
    }

    fn load_reader(
        &self,
        job: &Job,
        written: Option<&ManifestModel>,
        folder: ReaderFolder,
    ) -> Result<Served, LoadError> {
        let engine = &self.settings.engine;
        let (dtype, weight_bytes) = size_of(folder.weights());
        let reserved_bytes = folder.workspace_bytes(engine.max_num_batched_tokens).saturating_add(weight_bytes);
        let (reservation, unchecked) = self.make_room_for_sound(job, written, reserved_bytes)?;
        let footprint = Footprint { dtype, weight_bytes, cache_bytes: 0, reserved_bytes, alive: reservation.alive() };
        let lease: Lease = Box::new(reservation);
        let loading = self.loading_threads(&job.id).map_err(FolderError::from)?;
        let threads = (&loading, Arc::clone(&self.compute));
        let (frontend, reader) = checked(job, unchecked, || folder.serve(&job.id, engine, threads, lease))?;
        let info = ServedInfo::new(job.id.clone(), job.revision.clone(), footprint);
        Ok(Served::Reader(Arc::new(ServedReader { info, frontend, reader })))
    }

    fn load_transcriber(
        &self,
        job: &Job,
        written: Option<&ManifestModel>,
        folder: TranscriberFolder,
    ) -> Result<Served, LoadError> {
        let engine = &self.settings.engine;
        let (dtype, weight_bytes) = size_of(folder.weights());
        let cache_bytes = folder.cache_bytes(engine);
        let reserved_bytes = folder.workspace_bytes().saturating_add(cache_bytes).saturating_add(weight_bytes);
        let (reservation, unchecked) = self.make_room_for_sound(job, written, reserved_bytes)?;
        let footprint = Footprint { dtype, weight_bytes, cache_bytes, reserved_bytes, alive: reservation.alive() };
        let lease: Lease = Box::new(reservation);
        let loading = self.loading_threads(&job.id).map_err(FolderError::from)?;
        let threads = (&loading, Arc::clone(&self.compute));
        let (frontend, transcriber) = checked(job, unchecked, || folder.serve(&job.id, engine, threads, lease))?;
        let info = ServedInfo::new(job.id.clone(), job.revision.clone(), footprint);
        Ok(Served::Transcriber(Arc::new(ServedTranscriber { info, frontend, transcriber })))
    }

    /// Reserves what a load needs. Where others may have to give way, its files' sums are compared first, since what is
    /// spoilt must not drive anybody out; else that is left to do, and the manifest's entry is given back.
    fn make_room_for_sound<'m>(
        &self,
        job: &Job,
        written: Option<&'m ManifestModel>,
        bytes: u64,
    ) -> Result<(Reservation, Option<&'m ManifestModel>), LoadError> {
        let Some(manifest) = written.filter(|_| bytes > self.budget.free_bytes()) else {
            return Ok((self.make_room(job, bytes)?, written));
        };
        manifest.check_sums(&job.path, &job.revision)?;
        Ok((self.make_room(job, bytes)?, None))
    }

    /// The weights, rounded or as they were rounded before: kept in a hidden folder beside the models.
    fn quantized<'a>(
        &self,
        job: &Job,
        weights: &'a dyn WeightSource,
        quantization: Quantization,
    ) -> QuantizedWeights<'a> {
        let directory = self.directory.join(".cache/quantized");
        let cache = QuantizedCache::open(&directory, (&job.id, &job.revision.name()), quantization);
        QuantizedWeights::new(weights, quantization, cache)
    }

    /// Where no size of the cache is set and the usual one can never fit beside the weights, it takes what is left.
    fn plan(&self, config: &DecoderConfig, weight_bytes: u64) -> EnginePlan {
        let settings = &self.settings.engine;
        let plan = EnginePlan::new(config.clone(), weight_bytes, settings);
        let beside = weight_bytes.saturating_add(plan.workspace_bytes);
        let left = self.budget.total_bytes().saturating_sub(beside);
        let (wanted, is_set) = (plan.cache.total_bytes(), settings.kv_cache_bytes.is_some());
        if is_set || wanted <= left || left < wanted / SMALLEST_SHARE {
            return plan;
        }
        EnginePlan::new(
            config.clone(),
            weight_bytes,
            &EngineSettings { kv_cache_bytes: Some(left), ..settings.clone() },
        )
    }

    /// All cores while nobody is answered; else half of them, and behind whoever computes answers.
    pub(super) fn loading_threads(&self, id: &str) -> Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
        let registry = self.lock();
        let is_serving = registry.entries.values().any(|entry| entry.serving.is_some() || entry.is_draining());
        drop(registry);
        let all = self.compute.current_num_threads();
        let builder = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("load-{index}"));
        if !is_serving {
            return builder.num_threads(all).build();
        }
        tracing::debug!(model = id, "loads behind what is served");
        let start = |_| {
            // Without it loading is only less polite.
            let _ = rustix::process::nice(LOADING_NICENESS);
        };
        builder.num_threads((all / 2).max(1)).start_handler(start).build()
    }

    /// Puts a loaded model in its place, or notes why there is none.
    fn settle(&self, job: &Job, result: Result<Loaded, LoadError>) {
        let now = (self.clock)();
        let mut dropped: Vec<Served> = Vec::new();
        let mut dropped_adapters = Vec::new();
        let mut registry = self.lock();
        let is_closed = registry.is_closed;
        let entry = registry.entries.get_mut(&job.id).filter(|entry| entry.attempt == job.attempt);
        match (entry, result) {
            (Some(_), Ok(loaded)) if is_closed => dropped.push(loaded.model),
            (Some(entry), Ok(Loaded { model, adapters })) => {
                let revision = model.info().revision.name();
                dropped.extend(entry.replace(model));
                dropped_adapters = entry.settle_adapters(adapters, now, &self.settings.loading);
                let replaced = !dropped.is_empty();
                tracing::info!(model = job.id, revision, replaced, "the model is served");
            }
            (None, Ok(loaded)) => dropped.push(loaded.model),
            (None, Err(error)) => {
                tracing::debug!(model = job.id, %error, "a load that nobody waits for any more came to nothing");
            }
            (Some(entry), Err(LoadError::Room(NoRoom::Yet))) => {
                let ask = Ask {
                    is_blocked: entry.needed_bytes.is_some_and(|bytes| bytes > self.budget.free_bytes()),
                    ..job.ask
                };
                entry.phase = Phase::Queued(ask);
            }
            (Some(entry), Err(LoadError::Room(NoRoom::Now(shortage)))) => {
                let fits_alone = shortage.needed_bytes <= shortage.total_bytes;
                let is_patient = fits_alone && self.settings.loading.autoload && entry.serving.is_none();
                if is_patient && job.ask.cause != Cause::Change {
                    tracing::info!(model = job.id, reason = %shortage, "the model is loaded when it is asked for");
                    entry.phase = Phase::Unloaded { by: Unloader::Budget };
                } else {
                    let reason = FolderError::NoRoom(shortage).with_causes();
                    fail(&job.id, entry, &reason);
                    entry.phase = Phase::Failed { reason, for_memory: fits_alone };
                }
            }
            (Some(entry), Err(LoadError::Folder(error))) => {
                let reason = error.with_causes();
                let is_young = now.saturating_sub(entry.changed_at) < self.settings.loading.incomplete();
                if error.may_be_incomplete() && is_young && !job.ask.as_it_is {
                    tracing::info!(model = job.id, reason, "a model's folder is not complete yet");
                    entry.phase = Phase::Waiting { reason, is_tried: true };
                } else {
                    fail(&job.id, entry, &reason);
                }
            }
        }
        drop(registry);
        drop((dropped, dropped_adapters));
        self.changed();
    }
}

/// Loads while the files' sums are compared with what the manifest says.
fn checked<T: Send>(
    job: &Job,
    written: Option<&ManifestModel>,
    load: impl FnOnce() -> Result<T, FolderError> + Send,
) -> Result<T, FolderError> {
    let check = || written.map_or(Ok(()), |written| written.check_sums(&job.path, &job.revision));
    let (sums, loaded) = std::thread::scope(|scope| {
        let sums = scope.spawn(check);
        let loaded = load();
        (sums.join().unwrap_or(Err(FolderError::Panicked)), loaded)
    });
    sums?;
    loaded
}

/// The dtype that most bytes are of, and how many bytes there are in all.
fn size_of(source: &dyn WeightSource) -> (String, u64) {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for tensor in source.stored() {
        let size = sizes.entry(tensor.dtype).or_default();
        *size = size.saturating_add(tensor.bytes);
    }
    let total = sizes.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
    let main = sizes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(dtype, _)| dtype);
    (main.unwrap_or_default(), total)
}
