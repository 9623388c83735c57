//! The folder of a model that reads whole sequences, checked and loaded.

use std::path::Path;
use std::sync::Arc;

use crate::engine::{EngineSettings, Lease, ReaderHandle, ReaderLaunch};
use crate::frontend::reader::{ReaderFrontend, ReaderPurpose, ReaderSettings, ScoreFunction};
use crate::frontend::{FormatSettings, FrontendError};
use crate::models::encoder::{BodyConfig, OutputConfig, SequenceConfig, SequenceModel, input_limits};
use crate::models::whisper::WhisperConfig;
use crate::weights::{ConfigError, HfConfig, SafetensorsFolder};

use super::{Fingerprint, FolderError, ModelFolder, TranscriberFolder};

/// A sound folder of a model that reads sequences, checked whole before anything is loaded.
pub struct ReaderFolder {
    config: SequenceConfig,
    weights: SafetensorsFolder,
    frontend: ReaderFrontend,
}

impl ReaderFolder {
    /// None where the folder's model generates text, as far as its configuration can be read; `id` is its name.
    ///
    /// # Errors
    /// If it is of a model that reads sequences and anything in it is missing or malformed.
    pub fn open(path: &Path, id: &str, settings: &EngineSettings) -> Result<Option<Self>, FolderError> {
        // What is wrong with this file is said where generators are opened.
        let Ok(hf_config) = HfConfig::read(&path.join("config.json")) else { return Ok(None) };
        let Some(mut config) = SequenceConfig::read(path, id, &hf_config)? else { return Ok(None) };
        let weights = SafetensorsFolder::open(path)?;
        SequenceModel::verify(&weights, &config)?;
        let (longest, lower_case) = limits(path)?;
        let bounds = [longest, settings.max_context];
        config.max_positions = bounds.into_iter().flatten().fold(config.max_positions, usize::min);
        let reader_settings = ReaderSettings {
            purpose: purpose(&hf_config, &config)?,
            max_tokens: config.max_positions,
            vocab_size: config.vocab_size(),
            lower_case,
        };
        let frontend = ReaderFrontend::load(path, reader_settings)?;
        Ok(Some(Self { config, weights, frontend }))
    }

    pub(super) fn weights(&self) -> &SafetensorsFolder {
        &self.weights
    }

    /// Bytes of a step's buffers for so many tokens, or for the longest sequence, which is a step of its own: some rows
    /// as wide as the model, some as wide as its inner layer.
    pub(super) fn workspace_bytes(&self, max_batched_tokens: usize) -> u64 {
        let num_tokens = max_batched_tokens.max(self.config.max_positions);
        let (hidden, inner) = match &self.config.body {
            BodyConfig::Encoder(encoder) => (encoder.attention.hidden_size, 4 * encoder.attention.hidden_size),
            BodyConfig::Decoder(decoder) => (decoder.attention.hidden_size, 4 * decoder.attention.hidden_size),
        };
        (num_tokens.saturating_mul(8 * hidden + 2 * inner) as u64).saturating_mul(4)
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
    ) -> Result<(ReaderFrontend, ReaderHandle), FolderError> {
        let Self { config, weights, frontend } = self;
        let launch = ReaderLaunch {
            name: id,
            config: &config,
            choice: frontend.choice_tokens(),
            source: &weights,
            loading,
            compute,
            lease: Some(lease),
        };
        let reader = launch.run(settings)?;
        Ok((frontend, reader))
    }
}

/// What a sound folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderSummary {
    pub architecture: String,
    /// Longest input, with its answer where there is one, in tokens.
    pub max_context: usize,
}

/// Checks a folder of any kind whole; `id` is its name.
///
/// # Errors
/// If anything in it is missing or malformed.
pub fn verify_folder(path: &Path, id: &str, settings: &EngineSettings) -> Result<FolderSummary, FolderError> {
    Fingerprint::of(path)?;
    if let Some(TranscriberFolder { config, .. }) = TranscriberFolder::open(path)? {
        let architecture = WhisperConfig::ARCHITECTURE.to_owned();
        return Ok(FolderSummary { architecture, max_context: config.decoder.max_positions });
    }
    if let Some(ReaderFolder { config, .. }) = ReaderFolder::open(path, id, settings)? {
        let architecture = config.architecture().to_owned();
        return Ok(FolderSummary { architecture, max_context: config.max_positions });
    }
    let config = ModelFolder::open(path, settings.default_max_tokens, FormatSettings::default())?.config;
    Ok(FolderSummary { architecture: config.architecture.to_owned(), max_context: config.max_positions })
}

/// Longest input that the folder's other files speak of, and whether texts are put into lower case.
fn limits(path: &Path) -> Result<(Option<usize>, bool), FolderError> {
    /// Larger ones stand for no limit.
    const MAX_SANE: f64 = 1e8;
    let (stated, lower_case) = input_limits(path)?;
    let tokenizer = path.join("tokenizer_config.json");
    let of_tokenizer = if tokenizer.exists() { HfConfig::read(&tokenizer)?.number("model_max_length")? } else { None };
    let of_tokenizer = of_tokenizer.filter(|count| (1.0..MAX_SANE).contains(count)).map(|count| count as usize);
    Ok(([stated, of_tokenizer].into_iter().flatten().min(), lower_case))
}

fn purpose(hf_config: &HfConfig, config: &SequenceConfig) -> Result<ReaderPurpose, FrontendError> {
    Ok(match &config.output {
        OutputConfig::Embedding(embedder) => {
            let hidden_size = match &config.body {
                BodyConfig::Encoder(encoder) => encoder.attention.hidden_size,
                BodyConfig::Decoder(decoder) => decoder.attention.hidden_size,
            };
            let pooled = hidden_size * embedder.poolings.len();
            let width = embedder.dense.last().map_or(pooled, |dense| dense.num_outputs);
            ReaderPurpose::Embed { normalise: embedder.normalise, width }
        }
        OutputConfig::Sequence(classifier) => ReaderPurpose::Classify {
            labels: classifier.labels.clone(),
            function: score_function(hf_config, classifier.labels.len())?,
        },
        OutputConfig::Tokens(classifier) => {
            let constrained = hf_config.text("decoding")? == Some("viterbi");
            ReaderPurpose::Tag { labels: classifier.labels.clone(), constrained }
        }
        OutputConfig::Choice { texts } => ReaderPurpose::Choose { texts: texts.clone() },
    })
}

/// What sentence-transformers would make of a classifier's logits: what the folder says, or else the sigmoid of a
/// single one and shares of several.
fn score_function(config: &HfConfig, num_labels: usize) -> Result<ScoreFunction, ConfigError> {
    let section = config.section("sentence_transformers");
    let stated = match &section {
        Some(section) => section.text("activation_fn")?,
        None => None,
    };
    let stated = match stated {
        Some(stated) => Some(stated),
        None => config.text("sbert_ce_default_activation_function")?,
    };
    match stated.and_then(|class| class.rsplit('.').next()) {
        Some("Identity") => Ok(ScoreFunction::Identity),
        Some("Sigmoid") => Ok(ScoreFunction::Sigmoid),
        Some(other) => Err(ConfigError::Unsupported { feature: format!("the activation {other} of scores") }),
        None if num_labels == 1 || config.text("problem_type")? == Some("multi_label_classification") => {
            Ok(ScoreFunction::Sigmoid)
        }
        None => Ok(ScoreFunction::Softmax),
    }
}
