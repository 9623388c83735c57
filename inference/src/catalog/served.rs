//! What a model's id stands for once it is loaded: a model that generates text, or one that reads it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{EngineSettings, EngineStatus, ReaderHandle, launch_reader};
use crate::frontend::reader::{ReaderFrontend, ReaderPurpose, ReaderSettings, ScoreFunction};
use crate::frontend::{FormatSettings, FrontendError};
use crate::models::encoder::{BodyConfig, OutputConfig, SequenceConfig, SequenceModel, input_limits};
use crate::weights::{ConfigError, HfConfig, SafetensorsFolder};

use super::{Candidate, FolderError, ModelFolder, ServedModel};

/// A loaded model of either kind. A copy is cheap.
#[derive(Clone)]
pub enum Served {
    Generator(Arc<ServedModel>),
    Reader(Arc<ServedReader>),
}

/// A model that reads whole sequences: for embeddings, ranking or classification.
pub struct ServedReader {
    pub id: String,
    /// Unix seconds at which it began to be served.
    pub created: u64,
    pub frontend: ReaderFrontend,
    pub reader: ReaderHandle,
}

impl Served {
    pub fn id(&self) -> &str {
        match self {
            Self::Generator(model) => &model.id,
            Self::Reader(model) => &model.id,
        }
    }

    /// Unix seconds at which it began to be served.
    pub fn created(&self) -> u64 {
        match self {
            Self::Generator(model) => model.created,
            Self::Reader(model) => model.created,
        }
    }

    /// Longest input, with its answer where there is one, in tokens.
    pub fn max_context(&self) -> usize {
        match self {
            Self::Generator(model) => model.engine.max_context(),
            Self::Reader(model) => model.reader.max_tokens(),
        }
    }

    pub fn status(&self) -> EngineStatus {
        match self {
            Self::Generator(model) => model.engine.status(),
            Self::Reader(model) => model.reader.status(),
        }
    }

    /// Takes no more requests, lets running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        match self {
            Self::Generator(model) => model.engine.shutdown(grace).await,
            Self::Reader(model) => model.reader.shutdown(grace).await,
        }
    }

    /// The model, if it generates text.
    pub fn generator(&self) -> Option<&Arc<ServedModel>> {
        match self {
            Self::Generator(model) => Some(model),
            Self::Reader(_) => None,
        }
    }

    /// The model, if it reads sequences.
    pub fn reader(&self) -> Option<&Arc<ServedReader>> {
        match self {
            Self::Generator(_) => None,
            Self::Reader(model) => Some(model),
        }
    }
}

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

    /// Loads the weights and starts the model's thread.
    ///
    /// # Errors
    /// If a tensor is malformed, or the system gives no thread.
    pub fn serve(
        self,
        id: &str,
        created: u64,
        settings: &EngineSettings,
        threads: Arc<rayon::ThreadPool>,
    ) -> Result<ServedReader, FolderError> {
        let Self { config, weights, frontend } = self;
        let choice = frontend.choice_tokens();
        let reader = launch_reader(id, (&config, choice), &weights, settings, threads)?;
        Ok(ServedReader { id: id.to_owned(), created, frontend, reader })
    }
}

/// Checks a folder of either kind whole, and says in a few words what its model is.
///
/// # Errors
/// If anything in it is missing or malformed.
pub fn verify_folder(candidate: &Candidate, settings: &EngineSettings) -> Result<String, FolderError> {
    if let Some(ReaderFolder { config, .. }) = ReaderFolder::open(&candidate.path, &candidate.id, settings)? {
        return Ok(format!("{}, context {}", config.architecture(), config.max_positions));
    }
    let folder = ModelFolder::open(&candidate.path, settings.default_max_tokens, FormatSettings::default())?;
    Ok(format!("{}, context {}", folder.config.architecture, folder.config.max_positions))
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
