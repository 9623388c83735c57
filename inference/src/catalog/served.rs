//! A model that answers requests, for as long as anybody holds it: one that generates text, one that
//! reads it, or one that writes down speech.
//!
//! Whoever has one in hand is served to the end: the engine's thread ends, and its memory is free, once the last copy
//! is dropped and the last answer given. So a swap or an unload only drops the catalog's copy.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::{Adapter, EngineHandle, EngineMonitor, EngineStats, EngineStatus, ReaderHandle, TranscriberHandle};
use crate::frontend::ModelFrontend;
use crate::frontend::reader::ReaderFrontend;
use crate::frontend::transcriber::TranscriberFrontend;
use crate::models::DecoderConfig;

use super::Fingerprint;

/// A loaded model of any kind. A copy is cheap.
#[derive(Clone)]
pub enum Served {
    Generator(Arc<ServedModel>),
    Reader(Arc<ServedReader>),
    Transcriber(Arc<ServedTranscriber>),
}

/// A model that generates text.
pub struct ServedModel {
    pub info: ServedInfo,
    pub frontend: Arc<ModelFrontend>,
    pub engine: EngineHandle,
    /// What its answers are computed with beside the weights, which are then another's.
    pub adapter: Option<Arc<Adapter>>,
    pub(super) config: Arc<DecoderConfig>,
    /// The same model with each of its adapters, by their names.
    adapters: Mutex<BTreeMap<String, Arc<ServedModel>>>,
}

/// A model that reads whole sequences: for embeddings, ranking or classification.
pub struct ServedReader {
    pub info: ServedInfo,
    pub frontend: ReaderFrontend,
    pub reader: ReaderHandle,
}

/// A model that writes down speech.
pub struct ServedTranscriber {
    pub info: ServedInfo,
    pub frontend: TranscriberFrontend,
    pub transcriber: TranscriberHandle,
}

/// What is known of any served model.
pub struct ServedInfo {
    pub id: String,
    /// Unix seconds at which it began to be served.
    pub created: u64,
    /// The files it was loaded from.
    pub revision: Fingerprint,
    /// Of most weights, as in the files.
    pub dtype: String,
    pub weight_bytes: u64,
    pub cache_bytes: u64,
    /// All that is reserved for it: weights, cache and buffers.
    pub reserved_bytes: u64,
    /// Gone with the engine's memory.
    pub(super) alive: Weak<()>,
    /// Unix microseconds.
    last_used: AtomicU64,
    num_requests: AtomicU64,
}

/// What a model takes of the memory.
pub(super) struct Footprint {
    pub dtype: String,
    pub weight_bytes: u64,
    pub cache_bytes: u64,
    pub reserved_bytes: u64,
    pub alive: Weak<()>,
}

impl ServedModel {
    pub(super) fn new(info: ServedInfo, frontend: ModelFrontend, engine: EngineHandle, config: DecoderConfig) -> Self {
        let (frontend, config) = (Arc::new(frontend), Arc::new(config));
        Self { info, frontend, engine, adapter: None, config, adapters: Mutex::default() }
    }

    /// The same model with an adapter.
    pub(super) fn adapted(model: &Self, info: ServedInfo, adapter: Adapter) -> Self {
        Self {
            info,
            frontend: Arc::clone(&model.frontend),
            engine: model.engine.clone(),
            adapter: Some(Arc::new(adapter)),
            config: Arc::clone(&model.config),
            adapters: Mutex::default(),
        }
    }

    pub(super) fn adapter(&self, name: &str) -> Option<Arc<Self>> {
        self.lock_adapters().get(name).cloned()
    }

    pub(super) fn adapter_names(&self) -> Vec<String> {
        self.lock_adapters().keys().cloned().collect()
    }

    /// What stood there before is given back: it must not be dropped while the catalog is locked.
    pub(super) fn put_adapter(&self, name: &str, adapter: Arc<Self>) -> Option<Arc<Self>> {
        self.lock_adapters().insert(name.to_owned(), adapter)
    }

    pub(super) fn remove_adapter(&self, name: &str) -> Option<Arc<Self>> {
        self.lock_adapters().remove(name)
    }

    fn lock_adapters(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Self>>> {
        self.adapters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Served {
    pub fn info(&self) -> &ServedInfo {
        match self {
            Self::Generator(model) => &model.info,
            Self::Reader(model) => &model.info,
            Self::Transcriber(model) => &model.info,
        }
    }

    /// Longest input, with its answer where there is one, in tokens; what is heard has none.
    pub fn max_context(&self) -> Option<usize> {
        match self {
            Self::Generator(model) => Some(model.engine.max_context()),
            Self::Reader(model) => Some(model.reader.max_tokens()),
            Self::Transcriber(_) => None,
        }
    }

    pub fn status(&self) -> EngineStatus {
        match self {
            Self::Generator(model) => model.engine.status(),
            Self::Reader(model) => model.reader.status(),
            Self::Transcriber(model) => model.transcriber.status(),
        }
    }

    pub fn stats(&self) -> EngineStats {
        match self {
            Self::Generator(model) => model.engine.stats(),
            Self::Reader(model) => model.reader.stats(),
            Self::Transcriber(model) => model.transcriber.stats(),
        }
    }

    /// Takes no more requests, lets running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        match self {
            Self::Generator(model) => model.engine.shutdown(grace).await,
            Self::Reader(model) => model.reader.shutdown(grace).await,
            Self::Transcriber(model) => model.transcriber.shutdown(grace).await,
        }
    }

    /// The model, if it generates text.
    pub fn generator(&self) -> Option<&Arc<ServedModel>> {
        match self {
            Self::Generator(model) => Some(model),
            Self::Reader(_) | Self::Transcriber(_) => None,
        }
    }

    /// The model, if it reads sequences.
    pub fn reader(&self) -> Option<&Arc<ServedReader>> {
        match self {
            Self::Reader(model) => Some(model),
            Self::Generator(_) | Self::Transcriber(_) => None,
        }
    }

    /// The model, if it writes down speech.
    pub fn transcriber(&self) -> Option<&Arc<ServedTranscriber>> {
        match self {
            Self::Transcriber(model) => Some(model),
            Self::Generator(_) | Self::Reader(_) => None,
        }
    }

    /// Whether this copy is the only one, and nothing runs.
    pub(super) fn is_idle(&self) -> bool {
        let (num_copies, num_in_flight) = match self {
            Self::Generator(model) => {
                let adapters = model.lock_adapters();
                let num_copies = adapters.values().map(Arc::strong_count).fold(Arc::strong_count(model), usize::max);
                (num_copies, model.engine.num_in_flight())
            }
            Self::Reader(model) => (Arc::strong_count(model), model.reader.num_in_flight()),
            Self::Transcriber(model) => (Arc::strong_count(model), model.transcriber.num_in_flight()),
        };
        num_copies == 1 && num_in_flight == 0
    }

    /// All that comes back with it: its own and its adapters'.
    pub(super) fn reserved_bytes(&self) -> u64 {
        let adapters = self.generator().map_or(0, |model| {
            model.lock_adapters().values().fold(0_u64, |sum, adapter| sum.saturating_add(adapter.info.reserved_bytes))
        });
        self.info().reserved_bytes.saturating_add(adapters)
    }

    /// Sees it to its end without keeping it from it.
    pub(super) fn monitor(&self) -> EngineMonitor {
        match self {
            Self::Generator(model) => model.engine.monitor(),
            Self::Reader(model) => model.reader.monitor(),
            Self::Transcriber(model) => model.transcriber.monitor(),
        }
    }
}

impl ServedInfo {
    pub(super) fn new(id: String, revision: Fingerprint, footprint: Footprint) -> Self {
        let now = since_1970();
        Self {
            id,
            created: now.as_secs(),
            revision,
            dtype: footprint.dtype,
            weight_bytes: footprint.weight_bytes,
            cache_bytes: footprint.cache_bytes,
            reserved_bytes: footprint.reserved_bytes,
            alive: footprint.alive,
            last_used: AtomicU64::new(now.as_micros() as u64),
            num_requests: AtomicU64::new(0),
        }
    }

    /// Unix seconds of the latest request; of its start, if there was none.
    pub fn last_used_s(&self) -> u64 {
        self.last_used_micros() / 1_000_000
    }

    pub(super) fn last_used_micros(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    /// Requests that named it, since it began to be served.
    pub fn num_requests(&self) -> u64 {
        self.num_requests.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self) {
        self.num_requests.fetch_add(1, Ordering::Relaxed);
        self.last_used.fetch_max(since_1970().as_micros() as u64, Ordering::Relaxed);
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
