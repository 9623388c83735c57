//! A model that answers requests, for as long as anybody holds it.
//!
//! Whoever has one in hand is served to the end: the engine's thread ends, and its memory is free, once the last copy
//! is dropped and the last answer given. So a swap or an unload only drops the catalog's copy.

use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::EngineHandle;
use crate::frontend::ModelFrontend;

use super::Fingerprint;

pub struct ServedModel {
    pub id: String,
    /// Unix seconds at which it began to be served.
    pub created: u64,
    pub frontend: ModelFrontend,
    pub engine: EngineHandle,
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

/// What a served model is made of.
pub(super) struct ServedParts {
    pub id: String,
    pub frontend: ModelFrontend,
    pub engine: EngineHandle,
    pub revision: Fingerprint,
    pub dtype: String,
    pub weight_bytes: u64,
    pub cache_bytes: u64,
    pub reserved_bytes: u64,
    pub alive: Weak<()>,
}

impl ServedModel {
    pub(super) fn new(parts: ServedParts) -> Self {
        let now = since_1970();
        Self {
            id: parts.id,
            created: now.as_secs(),
            frontend: parts.frontend,
            engine: parts.engine,
            revision: parts.revision,
            dtype: parts.dtype,
            weight_bytes: parts.weight_bytes,
            cache_bytes: parts.cache_bytes,
            reserved_bytes: parts.reserved_bytes,
            alive: parts.alive,
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
