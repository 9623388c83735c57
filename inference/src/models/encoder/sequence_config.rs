//! Which folders hold a model that reads whole sequences, what for, and how.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use crate::models::DecoderConfig;
use crate::weights::{ConfigError, HfConfig};

use super::EncoderConfig;
use super::config::architecture;
use super::head_config::{ClassifierConfig, HeadConfig};
use super::pooling::Pooling;
use super::sentence_transformers::{EmbedderConfig, ModulesPurpose, purpose};

/// The tokens that a reranker answers with, where its configuration does not name them.
const NO_AND_YES: [&str; 2] = ["no", "yes"];
/// Far more than a model card's head has.
const MAX_CARD_BYTES: usize = 64 << 10;

/// What a model that reads whole sequences computes, and from what.
#[derive(Clone, Debug)]
pub struct SequenceConfig {
    pub body: BodyConfig,
    pub output: OutputConfig,
    /// Longest input in tokens.
    pub max_positions: usize,
}

#[derive(Clone, Debug)]
pub enum BodyConfig {
    Encoder(Box<EncoderConfig>),
    Decoder(Box<DecoderConfig>),
}

#[derive(Clone, Debug)]
pub enum OutputConfig {
    /// A vector for each sequence.
    Embedding(EmbedderConfig),
    /// A logit for each label.
    Sequence(ClassifierConfig),
    /// The same for each token.
    Tokens(ClassifierConfig),
    /// The logits of two tokens that could come next.
    Choice { texts: [String; 2] },
}

impl SequenceConfig {
    /// What the folder's model is, if it is one that reads sequences; a folder that says nothing else generates text.
    /// `id` is the model's name, which may say that it is a reranker where nothing else does.
    ///
    /// # Errors
    /// If the folder says that it is one and something about it is missing, malformed or not supported.
    pub fn read(folder: &Path, id: &str, config: &HfConfig) -> Result<Option<Self>, ConfigError> {
        if EncoderConfig::knows(config) {
            return Self::of_encoder(folder, config).map(Some);
        }
        // Whatever has no class is for the decoder to complain about.
        let Ok(class) = architecture(config) else { return Ok(None) };
        let modules = purpose(folder)?;
        let output = if let Some(family) = class.strip_suffix("ForSequenceClassification") {
            let (body, hidden) = decoder(config, family)?;
            Some((body, OutputConfig::Sequence(ClassifierConfig::of_decoder(config, hidden)?)))
        } else if modules == Some(ModulesPurpose::Choice) || is_reranker(folder, id, class, config) {
            let family = class.strip_suffix("ForCausalLM").unwrap_or(class);
            Some((decoder(config, family)?.0, OutputConfig::Choice { texts: choice(config)? }))
        } else if modules == Some(ModulesPurpose::Embed) || class.ends_with("Model") {
            let family = class.strip_suffix("ForCausalLM").or_else(|| class.strip_suffix("Model")).unwrap_or(class);
            let (mut body, _) = decoder(config, family)?;
            // There need not be a head.
            (body.tied, body.head_bias) = (true, false);
            Some((body, OutputConfig::Embedding(EmbedderConfig::read(folder, Pooling::Last)?)))
        } else {
            None
        };
        Ok(output.map(|(body, output)| {
            let max_positions = body.max_positions;
            Self { body: BodyConfig::Decoder(Box::new(body)), output, max_positions }
        }))
    }

    fn of_encoder(folder: &Path, config: &HfConfig) -> Result<Self, ConfigError> {
        // Some embedders are stored with a head that they were trained with, or that sparse vectors need.
        let encoder = match purpose(folder)? {
            Some(ModulesPurpose::Embed) => EncoderConfig::parse(&EncoderConfig::without_head(config))?,
            _ => EncoderConfig::parse(config)?,
        };
        let output = match &encoder.head {
            HeadConfig::None => OutputConfig::Embedding(EmbedderConfig::read(folder, encoder.default_pooling)?),
            HeadConfig::Sequence(classifier) => OutputConfig::Sequence(classifier.clone()),
            HeadConfig::Tokens(classifier) => OutputConfig::Tokens(classifier.clone()),
        };
        let max_positions = encoder.max_positions;
        Ok(Self { body: BodyConfig::Encoder(Box::new(encoder)), output, max_positions })
    }

    pub fn architecture(&self) -> &str {
        match &self.body {
            BodyConfig::Encoder(config) => &config.architecture,
            BodyConfig::Decoder(config) => config.architecture,
        }
    }

    pub fn vocab_size(&self) -> usize {
        match &self.body {
            BodyConfig::Encoder(config) => config.vocab_size,
            BodyConfig::Decoder(config) => config.vocab_size,
        }
    }
}

/// A decoder's configuration by its family, whatever class stands around it, and its hidden size.
fn decoder(config: &HfConfig, family: &str) -> Result<(DecoderConfig, usize), ConfigError> {
    for (key, value) in [("is_causal", false), ("use_bidirectional_attention", true)] {
        if config.value(key) == Some(&Value::Bool(value)) {
            return Err(ConfigError::Unsupported { feature: format!("{key} = {value}") });
        }
    }
    let config = config.clone().with("architectures", json!([format!("{family}ForCausalLM")]));
    let decoder = DecoderConfig::parse(&config)?;
    let hidden_size = decoder.attention.hidden_size;
    Ok((decoder, hidden_size))
}

/// Whether a decoder is there to judge documents: its configuration says so, or its model card, or its name.
fn is_reranker(folder: &Path, id: &str, class: &str, config: &HfConfig) -> bool {
    if class != "Qwen3ForCausalLM" {
        return false;
    }
    let stated = config.value("is_original_qwen3_reranker") == Some(&Value::Bool(true))
        || config.value("classifier_from_token").is_some();
    stated || id.to_lowercase().contains("reranker") || card_says_ranking(folder)
}

/// Whether the head of the folder's model card names its task as ranking texts.
fn card_says_ranking(folder: &Path) -> bool {
    let path = folder.join("README.md");
    // Whatever is no file could hold up its reader.
    if !std::fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let mut card = Vec::new();
    let Ok(file) = File::open(&path) else { return false };
    if file.take(MAX_CARD_BYTES as u64).read_to_end(&mut card).is_err() {
        return false;
    }
    let card = String::from_utf8_lossy(&card).into_owned();
    let Some(head) = card.strip_prefix("---").and_then(|rest| rest.split("\n---").next()) else { return false };
    head.lines().any(|line| {
        line.split_once(':').is_some_and(|(key, value)| {
            key.trim() == "pipeline_tag" && value.trim().trim_matches(['"', '\'']) == "text-ranking"
        })
    })
}

/// The tokens that speak against a document and for it.
fn choice(config: &HfConfig) -> Result<[String; 2], ConfigError> {
    let Some(texts) = config.texts("classifier_from_token")? else { return Ok(NO_AND_YES.map(str::to_owned)) };
    let found = format!("{} tokens", texts.len());
    let texts: Result<[&str; 2], _> = texts.try_into();
    let key = "classifier_from_token".to_owned();
    texts.map(|texts| texts.map(str::to_owned)).map_err(|_| ConfigError::WrongValue {
        key,
        found,
        expected: "two tokens",
    })
}
