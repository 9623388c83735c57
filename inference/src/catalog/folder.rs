//! One model's folder, checked whole before anything is loaded.

use std::path::Path;

use crate::engine::LaunchError;
use crate::frontend::{FrontendError, ModelFrontend};
use crate::models::{Decoder, DecoderConfig};
use crate::weights::{ConfigError, HfConfig, SafetensorsFolder, WeightsError};

/// Why a folder cannot be served. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("loading panicked")]
    Panicked,
}

/// A sound model folder: configuration understood, every tensor there in its shape, tokenizer and
/// template parsed.
pub struct ModelFolder {
    pub config: DecoderConfig,
    pub weights: SafetensorsFolder,
    pub frontend: ModelFrontend,
}

impl ModelFolder {
    /// # Errors
    /// If anything in the folder is missing or malformed.
    pub fn open(path: &Path, default_max_tokens: usize) -> Result<Self, FolderError> {
        let hf_config = HfConfig::read(&path.join("config.json"))?;
        let config = DecoderConfig::parse(&hf_config)?;
        let weights = SafetensorsFolder::open(path)?;
        Decoder::verify(&weights, &config)?;
        let frontend = ModelFrontend::load(path, &hf_config, default_max_tokens)?;
        Ok(Self { config, weights, frontend })
    }
}
