//! The folder of a model that writes down speech, checked and loaded.

use std::path::Path;
use std::sync::Arc;

use crate::engine::{EngineSettings, Lease, TranscriberHandle, TranscriberLaunch, transcriber_places};
use crate::frontend::transcriber::TranscriberFrontend;
use crate::models::whisper::{WhisperConfig, WhisperModel};
use crate::weights::{HfConfig, SafetensorsFolder};

use super::FolderError;

/// A sound folder of a Whisper, checked whole before anything is loaded.
pub struct TranscriberFolder {
    pub(super) config: WhisperConfig,
    weights: SafetensorsFolder,
    frontend: TranscriberFrontend,
}

impl TranscriberFolder {
    /// None where the folder's model is of another kind, as far as its configuration can be read.
    ///
    /// # Errors
    /// If it is a Whisper and anything in it is missing or malformed.
    pub fn open(path: &Path) -> Result<Option<Self>, FolderError> {
        // What is wrong with this file is said where generators are opened.
        let Ok(hf_config) = HfConfig::read(&path.join("config.json")) else { return Ok(None) };
        if !WhisperConfig::knows(&hf_config) {
            return Ok(None);
        }
        let config = WhisperConfig::read(path, &hf_config)?;
        let weights = SafetensorsFolder::open(path)?;
        WhisperModel::verify(&weights, &config)?;
        let frontend = TranscriberFrontend::load(path, &hf_config, &config)?;
        Ok(Some(Self { config, weights, frontend }))
    }

    pub(super) fn weights(&self) -> &SafetensorsFolder {
        &self.weights
    }

    /// Bytes of the caches of all windows that are read at once.
    pub(super) fn cache_bytes(&self, settings: &EngineSettings) -> u64 {
        let places = transcriber_places(&self.config, settings) as u64;
        WhisperModel::place_bytes(&self.config, settings.kv_cache_dtype).saturating_mul(places)
    }

    /// Bytes of a step's buffers.
    pub(super) fn workspace_bytes(&self) -> u64 {
        WhisperModel::workspace_bytes(&self.config)
    }

    /// Loads the weights and starts the model's thread.
    ///
    /// # Errors
    /// If a tensor is malformed, what the model computes is not finite, or the system gives no thread.
    pub(super) fn serve(
        self,
        id: &str,
        settings: &EngineSettings,
        (loading, compute): (&rayon::ThreadPool, Arc<rayon::ThreadPool>),
        lease: Lease,
    ) -> Result<(TranscriberFrontend, TranscriberHandle), FolderError> {
        let Self { config, weights, frontend } = self;
        let launch = TranscriberLaunch {
            name: id,
            config: &config,
            vocabulary: frontend.vocabulary().clone(),
            text: frontend.text(),
            source: &weights,
            loading,
            compute,
            lease: Some(lease),
        };
        let transcriber = launch.run(settings)?;
        Ok((frontend, transcriber))
    }
}
