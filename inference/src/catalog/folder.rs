//! One model's folder, checked whole before anything is loaded.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::engine::LaunchError;
use crate::frontend::{FormatSettings, FrontendError, ModelFrontend, TextSource};
use crate::models::{Decoder, DecoderConfig};
use crate::weights::{ConfigError, GgufWeights, HfConfig, SafetensorsFolder, WeightSource, WeightsError};

/// Why a folder cannot be served. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the folder is empty")]
    Empty,
    #[error("config.json is missing")]
    NoConfig,
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

impl FolderError {
    /// The message with those of its causes, in one line.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

/// A sound model folder: configuration understood, every tensor there in its shape, tokenizer and
/// template parsed.
pub struct ModelFolder {
    pub config: DecoderConfig,
    pub weights: Box<dyn WeightSource + Send>,
    pub frontend: ModelFrontend,
}

impl ModelFolder {
    /// # Errors
    /// If anything in the folder is missing or malformed.
    pub fn open(path: &Path, default_max_tokens: usize, formats: FormatSettings) -> Result<Self, FolderError> {
        if let Some(file) = gguf_file(path)? {
            return Self::open_gguf(&file, default_max_tokens, formats);
        }
        let hf_config = HfConfig::read(&path.join("config.json")).map_err(|error| unread_config(path, error))?;
        let config = DecoderConfig::parse(&hf_config)?;
        let weights = SafetensorsFolder::open(path)?;
        Decoder::verify(&weights, &config)?;
        let source = TextSource::Folder(path);
        let frontend = ModelFrontend::load(source, &hf_config, config.vocab_size, default_max_tokens, formats)?;
        Ok(Self { config, weights: Box::new(weights), frontend })
    }

    fn open_gguf(path: &Path, default_max_tokens: usize, formats: FormatSettings) -> Result<Self, FolderError> {
        let weights = GgufWeights::open(path)?;
        let hf_config = weights.config()?;
        let config = DecoderConfig::parse(&hf_config)?;
        Decoder::verify(&weights, &config)?;
        let source = TextSource::Gguf(weights.metadata());
        let frontend = ModelFrontend::load(source, &hf_config, config.vocab_size, default_max_tokens, formats)?;
        Ok(Self { config, weights: Box::new(weights), frontend })
    }
}

/// The `.gguf` that a path is, or that a folder without a `config.json` holds.
fn gguf_file(path: &Path) -> Result<Option<PathBuf>, WeightsError> {
    if path.is_file() {
        return Ok(Some(path.to_owned()));
    }
    if path.join("config.json").exists() || !path.is_dir() {
        return Ok(None);
    }
    GgufWeights::find(path)
}

fn unread_config(folder: &Path, error: ConfigError) -> FolderError {
    match error {
        ConfigError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            let is_empty = std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
            if is_empty { FolderError::Empty } else { FolderError::NoConfig }
        }
        error => error.into(),
    }
}
