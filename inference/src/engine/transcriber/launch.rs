//! Loads a Whisper, tries it and starts its thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::engine::{EngineSettings, EngineStatus, LaunchError, Lease};
use crate::models::whisper::{DecoderRows, WhisperConfig, WhisperModel, WhisperVocabulary};
use crate::weights::WeightSource;

use super::core::TranscriberCore;
use super::{TokenText, TranscriberHandle};

/// Windows that are read at once at most.
const MAX_PLACES: usize = 8;
/// Bytes that all places together take where no setting says otherwise; there is one in any case.
const DEFAULT_PLACES_BYTES: u64 = 1 << 30;
const STACK_BYTES: usize = 64 << 20;
/// Frames that a model is tried with before it is served.
const TRIED_FRAMES: usize = 32;

/// Windows that a model reads at once under these settings.
pub fn transcriber_places(config: &WhisperConfig, settings: &EngineSettings) -> usize {
    let each = WhisperModel::place_bytes(config, settings.kv_cache_dtype).max(1);
    let bytes = settings.kv_cache_bytes.unwrap_or(DEFAULT_PLACES_BYTES);
    let fitting = usize::try_from(bytes / each).unwrap_or(MAX_PLACES);
    fitting.clamp(1, MAX_PLACES.min(settings.max_num_seqs))
}

/// What a model that writes down speech is loaded with and from.
pub struct TranscriberLaunch<'a> {
    /// For logs and the thread.
    pub name: &'a str,
    pub config: &'a WhisperConfig,
    pub vocabulary: WhisperVocabulary,
    pub text: TokenText,
    pub source: &'a dyn WeightSource,
    /// Reads and packs; apart from `compute`, so that loading holds up nobody's answer.
    pub loading: &'a rayon::ThreadPool,
    pub compute: Arc<rayon::ThreadPool>,
    pub lease: Option<Lease>,
}

impl TranscriberLaunch<'_> {
    /// # Errors
    /// If a tensor is missing or malformed, what it computes is not finite, or the system gives no thread.
    pub fn run(self, settings: &EngineSettings) -> Result<TranscriberHandle, LaunchError> {
        let Self { name, config, vocabulary, text, source, loading, compute, lease } = self;
        let num_places = transcriber_places(config, settings);
        let load = || WhisperModel::load(source, config, num_places, settings.kv_cache_dtype);
        let mut model = loading.install(load)?;
        if !loading.install(|| is_finite(&mut model, vocabulary.start)) {
            return Err(LaunchError::SelfTest { reason: "the model computes values that are not finite" });
        }
        tracing::info!(model = name, architecture = WhisperConfig::ARCHITECTURE, num_places, "transcriber started");
        let (handle, outlets, status) = TranscriberHandle::new();
        let core = TranscriberCore::new(model, (vocabulary, text), compute, outlets);
        std::thread::Builder::new().name(format!("speech-{name}")).stack_size(STACK_BYTES).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| core.run()));
            // After the model, whose memory it stands for.
            drop(lease);
            let last = if ended.is_ok() { EngineStatus::Stopped } else { EngineStatus::Failed };
            let _ = status.send(last);
        })?;
        Ok(handle)
    }
}

/// Hears a moment of something and says a token of it.
fn is_finite(model: &mut WhisperModel, start: u32) -> bool {
    let config = model.config();
    let count = config.window_frames().min(TRIED_FRAMES) * config.num_mels;
    let features: Vec<f32> = (0..count).map(|at| (at as f32 * 0.37).sin()).collect();
    model.hear(0, &features);
    let logits = model.read(&[DecoderRows { place: 0, tokens: &[start], first_position: 0, num_logit_rows: 1 }]);
    logits.iter().all(|logit| logit.is_finite())
}
