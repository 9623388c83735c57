//! One model's folder, checked whole before anything is loaded.

use std::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::engine::LaunchError;
use crate::frontend::{FormatSettings, FrontendError, ModelFrontend, TextSource};
use crate::models::{AdapterError, Decoder, DecoderConfig};
use crate::weights::{ConfigError, GgufWeights, HfConfig, SafetensorsFolder, WeightSource, WeightsError};

use super::memory::Shortage;
use super::{Fingerprint, UnusableError};

/// Endings of weights that are programs to whoever reads them, and are never opened.
const PICKLES: [&str; 6] = ["bin", "pt", "pth", "ckpt", "pkl", "msgpack"];

/// Why a folder cannot be served. Messages read after "failed to load …".
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("the folder is empty")]
    Empty,
    #[error("config.json is missing")]
    NoConfig,
    #[error("{name} is missing")]
    AdapterFileMissing { name: &'static str },
    #[error("the adapter takes {found} bytes, more than the {most} that one may take")]
    AdapterTooLarge { found: u64, most: u64 },
    #[error("the model does not generate text")]
    NotAGenerator,
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    #[error("no .safetensors file; {found} may run code when it is read and is not: convert it to safetensors")]
    OnlyPickles { found: String },
    #[error(transparent)]
    Unusable(#[from] UnusableError),
    #[error("{name} is missing, which models.toml lists")]
    FileMissing { name: String },
    #[error("{name} has {found} of {expected} bytes")]
    FileShort { name: String, found: u64, expected: u64 },
    #[error("{name} is not what models.toml says: another {what}; fetch it again, or take its entry out")]
    OtherThanManifest { name: String, what: &'static str },
    #[error("{name} cannot be read")]
    FileUnreadable { name: String, source: std::io::Error },
    #[error("the files changed while they were loaded")]
    Changed,
    #[error("{0}")]
    NoRoom(Shortage),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Frontend(#[from] FrontendError),
    #[error(transparent)]
    Launch(#[from] LaunchError),
    #[error("the system gave no threads for loading")]
    Threads(#[from] rayon::ThreadPoolBuildError),
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

    /// Whether a copy that is still under way, or a file system that is away for a moment, looks like this.
    pub fn may_be_incomplete(&self) -> bool {
        match self {
            Self::Empty | Self::NoConfig | Self::FileMissing { .. } | Self::FileShort { .. } | Self::Changed => true,
            Self::AdapterFileMissing { .. } => true,
            Self::Unusable(error) => matches!(error, UnusableError::Gone | UnusableError::Dangling { .. }),
            Self::FileUnreadable { .. } => true,
            Self::Config(ConfigError::NotAnObject { .. } | ConfigError::Io { .. }) => true,
            Self::Weights(error) | Self::Adapter(AdapterError::Weights(error)) => weights_may_be_incomplete(error),
            Self::Frontend(_) => true,
            _ => false,
        }
    }
}

fn weights_may_be_incomplete(error: &WeightsError) -> bool {
    match error {
        WeightsError::WrongLength { expected, found, .. } => found < expected,
        WeightsError::Io { .. }
        | WeightsError::NoWeights { .. }
        | WeightsError::BadHeader { .. }
        | WeightsError::BadGguf { .. }
        | WeightsError::BadIndex { .. }
        | WeightsError::MissingTensor { .. } => true,
        _ => false,
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
    /// If anything in the folder is missing, malformed, or not to be read at all.
    pub fn open(path: &Path, default_max_tokens: usize, formats: FormatSettings) -> Result<Self, FolderError> {
        Fingerprint::of(path)?;
        if let Some(file) = gguf_file(path)? {
            return Self::open_gguf(&file, default_max_tokens, formats);
        }
        let hf_config = HfConfig::read(&path.join("config.json")).map_err(|error| unread_config(path, error))?;
        let config = DecoderConfig::parse(&hf_config)?;
        let weights = SafetensorsFolder::open(path).map_err(|error| no_weights(path, error))?;
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
            if read_is_empty(folder) {
                FolderError::Empty
            } else {
                FolderError::NoConfig
            }
        }
        error => error.into(),
    }
}

pub(super) fn read_is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Says so where weights are there in a form that is not read.
fn no_weights(folder: &Path, error: WeightsError) -> FolderError {
    let WeightsError::NoWeights { .. } = error else { return error.into() };
    match pickle_of(folder) {
        Some(found) => FolderError::OnlyPickles { found },
        None => error.into(),
    }
}

/// The first file of weights that are never opened.
pub(super) fn pickle_of(folder: &Path) -> Option<String> {
    let names =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let is_pickle = |name: &String| {
        let ending = PathBuf::from(name).extension().map(|ending| ending.to_string_lossy().into_owned());
        ending.is_some_and(|ending| PICKLES.contains(&ending.as_str()))
    };
    names.filter(is_pickle).min()
}
