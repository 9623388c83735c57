//! A model that answers requests, for as long as anybody holds it: one that generates text, one that
//! reads it, or one that writes down speech.
//!
//! Whoever has one in hand is served to the end: the engine's thread ends, and its memory is free, once the last copy
//! is dropped and the last answer given. So a swap or an unload only drops the catalog's copy.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::{EngineHandle, EngineMonitor, EngineStats, EngineStatus, ReaderHandle, TranscriberHandle};
use crate::frontend::ModelFrontend;
use crate::frontend::reader::ReaderFrontend;
use crate::frontend::transcriber::TranscriberFrontend;

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
    pub frontend: ModelFrontend,
    pub engine: EngineHandle,
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
}

/// What a model takes of the memory.
pub(super) struct Footprint {
    pub dtype: String,
    pub weight_bytes: u64,
    pub cache_bytes: u64,
    pub reserved_bytes: u64,
    pub alive: Weak<()>,
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
            Self::Generator(model) => (Arc::strong_count(model), model.engine.num_in_flight()),
            Self::Reader(model) => (Arc::strong_count(model), model.reader.num_in_flight()),
            Self::Transcriber(model) => (Arc::strong_count(model), model.transcriber.num_in_flight()),
        };
        num_copies == 1 && num_in_flight == 0
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
        }
    }

    /// Unix seconds of the latest request; of its start, if there was none.
    pub fn last_used_s(&self) -> u64 {
        self.last_used_micros() / 1_000_000
    }

    pub(super) fn last_used_micros(&self) -> u64 {
        self.last_used.load(Ordering::Relaxed)
    }

    pub(super) fn touch(&self) {
        self.last_used.fetch_max(since_1970().as_micros() as u64, Ordering::Relaxed);
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
